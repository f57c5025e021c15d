//! Databases for tests, on one server for all of them.

use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, PostgresStore};
use cloakroom_testing::servers::Postgres;

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
