//! Databases for tests.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

/// A folder for one test's databases, each under its own name.
pub(crate) struct Folder(TempDir, AtomicU32);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap(), AtomicU32::new(0))
    }

    pub(crate) fn path(&self) -> PathBuf {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        self.0.path().join(format!("{number}.db"))
    }

    pub(crate) async fn ours(&self) -> SqliteStore {
        let store = SqliteStore::create(self.path()).await.unwrap();
        assert_eq!(
            store.migrate(Timestamp::now()).await.unwrap(),
            Migrated::Created
        );
        store
    }

    /// As a Django left it: in rollback-journal mode, without our mark.
    pub(crate) async fn django(&self) -> SqliteStore {
        let path = self.path();
        std::fs::write(&path, b"").unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        assert_eq!(
            store.migrate(Timestamp::now()).await.unwrap(),
            Migrated::Created
        );
        store
    }
}

/// Options for tests in which a lock outlasts the deadline.
pub(crate) fn hasty() -> SqliteOptions {
    SqliteOptions {
        deadline: Duration::from_millis(600),
        ..SqliteOptions::default()
    }
}

/// Another program's connection does this.
pub(crate) fn edit(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}
