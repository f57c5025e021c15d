//! Databases for tests, on the server that all tests of this process share.

use std::time::Duration;

use cloakroom_core::session::{Created, SessionKey, Store as _, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, MySqlOptions, MySqlStore};
use cloakroom_testing::record;
use cloakroom_testing::servers::MariaDb;

/// An empty database: its name and a store of it.
pub(crate) fn empty() -> (String, MySqlStore) {
    let url = MariaDb::shared().database();
    let store = MySqlStore::open(&url).unwrap();
    (name_of(&url), store)
}

/// A database with Django's tables.
pub(crate) async fn ours() -> (String, MySqlStore) {
    let (name, store) = empty();
    migrate(&store).await;
    (name, store)
}

pub(crate) async fn migrate(store: &MySqlStore) {
    assert_eq!(
        store.migrate(Timestamp::now()).await.unwrap(),
        Migrated::Created
    );
}

/// A store of the same database with other options.
pub(crate) fn open(name: &str, options: MySqlOptions) -> MySqlStore {
    MySqlStore::open_with(&MariaDb::shared().url(name), options).unwrap()
}

/// Another program's connection does this in the database.
pub(crate) fn edit(name: &str, sql: &str) -> String {
    MariaDb::shared().execute(&format!("USE {name}; {sql}"))
}

pub(crate) fn name_of(url: &str) -> String {
    url.rsplit('/').next().unwrap().to_owned()
}

/// Options for tests in which something outlasts the deadline.
pub(crate) fn hasty() -> MySqlOptions {
    MySqlOptions {
        deadline: Duration::from_millis(1500),
        ..MySqlOptions::default()
    }
}

/// A key that nobody else in the test uses.
pub(crate) fn key(number: u32) -> SessionKey {
    SessionKey::parse(&format!("session-number-{number}")).unwrap()
}

pub(crate) async fn create(store: &MySqlStore, number: u32) -> Result<(), StoreError> {
    let (key, record) = (key(number), record("{}", Timestamp::MAX));
    assert_ne!(store.create(&key, &record).await?, Created::KeyTaken);
    Ok(())
}

/// The error's text says this, and nothing of the password.
pub(crate) fn says(error: &StoreError, part: &str) {
    let text = format!("{error} {error:?}");
    assert!(error.to_string().contains(part), "{error}");
    assert!(!text.contains("secret"), "{text}");
}
