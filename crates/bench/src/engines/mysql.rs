//! MySQL and MariaDB by `mysql_async` alone: one connection, whose statements the driver keeps prepared.

use cloakroom_core::session::{Codec, Record, SessionData, SessionKey, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::MySqlStore;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, Params, Row, Value};

use super::side::{Side, codec};

pub(crate) async fn store(url: &str) -> MySqlStore {
    let store = MySqlStore::open(url).expect("it is the server's URL");
    let _ = store
        .migrate(Timestamp::now())
        .await
        .expect("the database is new");
    store
}

pub(super) struct Bare {
    connection: Conn,
    codec: Codec,
}

impl Bare {
    pub(super) async fn open(url: &str) -> Self {
        drop(store(url).await);
        let options = mysql_async::Opts::from_url(url).expect("it is the server's URL");
        // Over TCP and counting what is found, as ours.
        let options = OptsBuilder::from_opts(options)
            .client_found_rows(true)
            .prefer_socket(false)
            .setup(vec!["SET NAMES utf8mb4"]);
        let connection = Conn::new(options).await.expect("the server answers");
        Self {
            connection,
            codec: codec(),
        }
    }
}

impl Side for Bare {
    async fn load(&mut self, key: &SessionKey, now: Timestamp) -> Option<SessionData> {
        let parameters = vec![text(key.as_str()), text(&now.sql_text())];
        let row: Option<Row> = self
            .connection
            .exec_first(
                "SELECT `session_key`, `session_data`, `expire_date` FROM `django_session` \
                 WHERE `session_key` = ? AND `expire_date` > ?",
                Params::Positional(parameters),
            )
            .await
            .expect("the server answers");
        let mut row = row?;
        let (found, text): (Vec<u8>, String) = (row.take(0)?, row.take(1)?);
        if found != key.as_str().as_bytes() {
            return None;
        }
        SessionData::from_bytes(self.codec.decode(&text).ok()?).ok()
    }

    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version> {
        let signed = record.signed_text();
        let end = record.expire_date().sql_text();
        let parameters = vec![text(key.as_str()), text(signed), text(&end)];
        let inserted = self.connection.exec_drop(
            "INSERT INTO `django_session` (`session_key`, `session_data`, `expire_date`) VALUES (?, ?, ?)",
            Params::Positional(parameters),
        );
        inserted.await.ok()?;
        Some(Version::of_text(signed.clone()))
    }

    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Option<Version> {
        let signed = record.signed_text();
        let parameters = vec![
            text(signed),
            text(&record.expire_date().sql_text()),
            text(key.as_str()),
            text(key.as_str()),
            Value::Bytes(seen.as_bytes().to_vec()),
            text(&now.sql_text()),
        ];
        self.connection
            .exec_drop(
                "UPDATE `django_session` SET `session_data` = ?, `expire_date` = ? WHERE `session_key` = ? \
                 AND CAST(CONVERT(`session_key` USING utf8mb4) AS BINARY) = CAST(? AS BINARY) \
                 AND CAST(CONVERT(`session_data` USING utf8mb4) AS BINARY) = CAST(? AS BINARY) \
                 AND `expire_date` > ?",
                Params::Positional(parameters),
            )
            .await
            .expect("the server answers");
        (self.connection.affected_rows() > 0).then(|| Version::of_text(signed.clone()))
    }
}

fn text(text: &str) -> Value {
    Value::Bytes(text.as_bytes().to_vec())
}
