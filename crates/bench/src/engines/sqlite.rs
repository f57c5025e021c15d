//! SQLite by `rusqlite` alone: one connection in the mode that our store uses, and its statements.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cloakroom_core::session::{Codec, Record, SessionData, SessionKey, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::SqliteStore;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::side::{Side, Way, codec};

pub(crate) async fn store(path: &Path) -> SqliteStore {
    let store = SqliteStore::create(path).await.expect("the folder is new");
    let _ = store
        .migrate(Timestamp::now())
        .await
        .expect("the database is new");
    store
}

pub(super) struct Bare {
    connection: Arc<Mutex<Connection>>,
    writes: Way,
    codec: Codec,
}

impl Bare {
    pub(super) async fn open(path: &Path, writes: Way) -> Self {
        drop(store(path).await);
        let connection = Connection::open(path).expect("it was made just above");
        connection
            .execute_batch("PRAGMA synchronous=FULL")
            .expect("SQLite knows it");
        Self {
            connection: Arc::new(Mutex::new(connection)),
            writes,
            codec: codec(),
        }
    }

    /// How many rows a write has changed.
    async fn write(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> usize {
        let connection = Arc::clone(&self.connection);
        let run = move || write(&connection.lock().expect("nobody panics while holding it"));
        let changed = match self.writes {
            Way::Handed => {
                let handed = tokio::task::spawn_blocking(run);
                handed.await.expect("it does not panic")
            }
            Way::Here | Way::Async => run(),
        };
        changed.expect("the disk is there")
    }
}

impl Side for Bare {
    async fn load(&mut self, key: &SessionKey, now: Timestamp) -> Option<SessionData> {
        let text: String = self
            .connection
            .lock()
            .expect("nobody panics while holding it")
            .prepare_cached(
                "SELECT \"session_data\", \"expire_date\" FROM \"django_session\" \
                 WHERE \"session_key\" = ?1 COLLATE BINARY AND \"expire_date\" > ?2",
            )
            .and_then(|mut select| {
                let found = select.query_row([key.as_str(), &now.sql_text()], |row| row.get(0));
                found.optional()
            })
            .expect("the disk is there")?;
        SessionData::from_bytes(self.codec.decode(&text).ok()?).ok()
    }

    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version> {
        let (key, text) = (key.clone(), Arc::clone(record.signed_text()));
        let version = Version::of_text(Arc::clone(&text));
        let end = record.expire_date().sql_text();
        let insert = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO \"django_session\" (\"session_key\", \"session_data\", \"expire_date\") \
                     VALUES (?1, ?2, ?3) ON CONFLICT (\"session_key\") DO NOTHING",
                )?
                .execute(params![key.as_str(), &*text, end])
        };
        (self.write(insert).await > 0).then_some(version)
    }

    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Option<Version> {
        let (key, text) = (key.clone(), Arc::clone(record.signed_text()));
        let version = Version::of_text(Arc::clone(&text));
        let seen = seen.clone();
        let (now, end) = (now.sql_text(), record.expire_date().sql_text());
        let update = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE \"django_session\" SET \"session_data\" = ?5, \"expire_date\" = ?4 \
                     WHERE \"session_key\" = ?1 COLLATE BINARY AND \"session_data\" = ?2 AND \"expire_date\" > ?3",
                )?
                .execute(params![key.as_str(), seen.as_text(), now, end, &*text])
        };
        (self.write(update).await > 0).then_some(version)
    }
}
