//! Requests at the same time on each store, one store call at a time.

/// The store on which nothing but the rules can go wrong.
mod memory {
    use std::sync::Arc;

    use cloakroom_core::session::{MemoryStore, Store};

    async fn open() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new(usize::MAX)), ())
    }

    cloakroom_testing::race_tests!(open);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::Arc;

    use cloakroom_core::session::Store;
    use cloakroom_core::time::Timestamp;
    use cloakroom_stores::SqliteStore;
    use tempfile::TempDir;

    async fn open() -> (Arc<dyn Store>, TempDir) {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::create(folder.path().join("races.db"))
            .await
            .unwrap();
        let _ = store.migrate(Timestamp::now()).await.unwrap();
        (Arc::new(store), folder)
    }

    cloakroom_testing::race_tests!(open);
}

#[cfg(all(feature = "file", unix))]
mod file {
    use std::sync::Arc;

    use cloakroom_core::secret::{SecretKey, Secrets};
    use cloakroom_core::session::{Codec, Lifetime, Store};
    use cloakroom_core::signing::Compression;
    use cloakroom_stores::FileStore;
    use tempfile::TempDir;

    async fn open() -> (Arc<dyn Store>, TempDir) {
        // Where it can be, in memory: what reaches the disk is tested elsewhere, and would take minutes here.
        let memory = TempDir::new_in("/dev/shm");
        let folder = memory.or_else(|_| TempDir::new()).unwrap();
        let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
        let codec = Codec::new(&Secrets::new(key), Codec::DJANGO_SALT, Compression::Never);
        let store = FileStore::open(folder.path(), "sessionid", codec, Lifetime::DJANGO).unwrap();
        (Arc::new(store), folder)
    }

    cloakroom_testing::race_tests!(open);
}

#[cfg(feature = "mysql")]
mod mysql {
    use std::sync::{Arc, OnceLock};

    use cloakroom_core::session::Store;
    use cloakroom_core::time::Timestamp;
    use cloakroom_stores::MySqlStore;
    use cloakroom_testing::servers::MariaDb;

    /// What is durable is tested elsewhere; here a flush at each commit would be most of the time.
    fn server() -> &'static MariaDb {
        static SERVER: OnceLock<MariaDb> = OnceLock::new();
        SERVER.get_or_init(|| MariaDb::start(&["--innodb-flush-log-at-trx-commit=0"]))
    }

    async fn open() -> (Arc<dyn Store>, ()) {
        let store = MySqlStore::open(&server().database()).unwrap();
        let _ = store.migrate(Timestamp::now()).await.unwrap();
        (Arc::new(store), ())
    }

    cloakroom_testing::race_tests!(
        #[ignore = "needs MariaDB"]
        open
    );
}
