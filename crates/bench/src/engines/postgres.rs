//! PostgreSQL by `tokio-postgres` alone: one connection with three prepared statements.

use std::time::SystemTime;

use cloakroom_core::session::{Codec, Record, SessionData, SessionKey, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::PostgresStore;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, Statement};

use super::side::{Side, codec};

pub(crate) async fn store(url: &str) -> PostgresStore {
    let store = PostgresStore::open(url).expect("it is the server's URL");
    let _ = store
        .migrate(Timestamp::now())
        .await
        .expect("the database is new");
    store
}

pub(super) struct Bare {
    client: Client,
    load: Statement,
    create: Statement,
    replace: Statement,
    codec: Codec,
}

impl Bare {
    pub(super) async fn open(url: &str) -> Self {
        drop(store(url).await);
        let (client, connection) = tokio_postgres::connect(url, NoTls)
            .await
            .expect("the server answers");
        tokio::spawn(connection);
        let prepare = async |sql, types: &[Type]| {
            let prepared = client.prepare_typed(sql, types).await;
            prepared.expect("the tables are there")
        };
        Self {
            load: prepare(
                "SELECT \"session_data\", \"expire_date\" FROM \"django_session\" WHERE \"session_key\" = $1 \
                 AND \"session_key\" COLLATE \"C\" = $1 AND \"expire_date\" > $2",
                &[Type::TEXT, Type::TIMESTAMPTZ],
            )
            .await,
            create: prepare(
                "INSERT INTO \"django_session\" (\"session_key\", \"session_data\", \"expire_date\") \
                 VALUES ($1, $2, $3) ON CONFLICT (\"session_key\") DO NOTHING",
                &[Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ],
            )
            .await,
            replace: prepare(
                "UPDATE \"django_session\" SET \"session_data\" = $5, \"expire_date\" = $4 \
                 WHERE \"session_key\" = $1 AND \"session_key\" COLLATE \"C\" = $1 \
                 AND \"session_data\" COLLATE \"C\" = $2 AND \"expire_date\" > $3",
                &[Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::TEXT],
            )
            .await,
            client,
            codec: codec(),
        }
    }
}

impl Side for Bare {
    async fn load(&mut self, key: &SessionKey, now: Timestamp) -> Option<SessionData> {
        let now = SystemTime::from(now);
        let row = self
            .client
            .query_opt(&self.load, &[&key.as_str(), &now])
            .await
            .expect("the server answers")?;
        let text: &str = row.get(0);
        SessionData::from_bytes(self.codec.decode(text).ok()?).ok()
    }

    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version> {
        let text = record.signed_text();
        let end = SystemTime::from(record.expire_date());
        let inserted = self
            .client
            .execute(&self.create, &[&key.as_str(), &&**text, &end])
            .await
            .expect("the server answers");
        (inserted > 0).then(|| Version::of_text(text.clone()))
    }

    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Option<Version> {
        let text = record.signed_text();
        let (now, end) = (
            SystemTime::from(now),
            SystemTime::from(record.expire_date()),
        );
        let replaced = self
            .client
            .execute(
                &self.replace,
                &[&key.as_str(), &seen.as_text(), &now, &end, &&**text],
            )
            .await
            .expect("the server answers");
        (replaced > 0).then(|| Version::of_text(text.clone()))
    }
}
