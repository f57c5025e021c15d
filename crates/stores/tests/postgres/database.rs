//! Databases for tests, on one server for all of them.

use std::path::Path;
use std::time::Duration;

use cloakroom_core::session::{Created, SessionKey, Store as _, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, PostgresOptions, PostgresStore};
use cloakroom_testing::record;
use cloakroom_testing::servers::Postgres;
use tokio_postgres::{Client, NoTls};

/// A new database with Django's tables.
pub(crate) async fn ours() -> PostgresStore {
    let store = PostgresStore::open(&Postgres::shared().database()).unwrap();
    migrated(&store).await;
    store
}

pub(crate) async fn migrated(store: &PostgresStore) {
    let migrated = store.migrate(Timestamp::now()).await.unwrap();
    assert_eq!(migrated, Migrated::Created);
}

/// A new database with Django's tables, in which calls give up soon, and its URL.
pub(crate) async fn hasty_one() -> (PostgresStore, String) {
    let url = Postgres::shared().database();
    // Making the tables may take longer than such a store waits.
    migrated(&PostgresStore::open(&url).unwrap()).await;
    (hasty(&url), url)
}

/// Options for tests in which something outlasts the deadline.
pub(crate) fn hasty(url: &str) -> PostgresStore {
    let options = PostgresOptions {
        deadline: HASTE,
        ..PostgresOptions::default()
    };
    PostgresStore::open_with(url, options).unwrap()
}

/// Short, and long enough for a machine that is busy with other tests.
pub(crate) const HASTE: Duration = Duration::from_millis(1500);

/// Another program's connection.
pub(crate) async fn other(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Another program's connection does this.
pub(crate) async fn edit(url: &str, sql: &str) {
    other(url).await.batch_execute(sql).await.unwrap();
}

pub(crate) async fn create(store: &PostgresStore, number: u32) -> Result<(), StoreError> {
    let record = record(&format!(r#"{{"n": {number}}}"#), Timestamp::MAX);
    match store.create(&key(number), &record).await? {
        Created::Created(_) => Ok(()),
        Created::KeyTaken => panic!("each number is used once"),
    }
}

pub(crate) fn key(number: u32) -> SessionKey {
    SessionKey::parse(&format!("session-{number:05}")).unwrap()
}

#[track_caller]
pub(crate) fn says(error: &StoreError, words: &str) {
    assert!(error.to_string().contains(words), "{error}: {error:?}");
}

/// The server runs as another user where the tests run as root.
pub(crate) fn readable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, everybody).unwrap();
}
