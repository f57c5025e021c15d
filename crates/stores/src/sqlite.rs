//! Sessions and users in an SQLite database: Django's, or one of our own with Django's tables.

mod check;
mod connection;
mod migrate;
mod reader;
mod session_list;
mod sessions;
mod users;
mod worker;
mod writer;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use cloakroom_core::session::StoreError;
use cloakroom_core::time::Zone;
use rusqlite::Connection;
use tokio::sync::{OnceCell, oneshot};

use crate::dialect::Dialect;
use crate::django::Contents;
use crate::second_factor::SecondFactors;
use crate::session_list::ListSql;
use crate::session_table::SessionTable;
use crate::user_sql::UserSql;
use crate::user_table::UserTable;
use connection::{Access, Link, explain};
use reader::Readers;
use sessions::Statements;
use worker::{PATIENCE, Worker};

/// Keeps sessions and users in an SQLite database, in the tables of Django's `db` engine and `auth` app.
///
/// Clones share one set of connections; dropping the last one finishes what waits and closes them.
///
/// Reads run on the calling thread when the database is in WAL mode and nobody locks it, otherwise on a
/// thread apart. Writes run on a thread of their own that commits all waiting ones together, with
/// `synchronous=FULL`: a write that was acknowledged survives a power cut. A database in rollback-journal
/// mode (Django's default) is used as it is; its mode is looked at once, when it is opened.
///
/// It must be used within a Tokio runtime that has its timer.
///
/// ```
/// use cloakroom_core::session::{SessionKey, Store};
/// use cloakroom_core::time::Timestamp;
/// use cloakroom_stores::SqliteStore;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("site.db");
/// let store = SqliteStore::create(&path).await?;
/// store.migrate(Timestamp::now()).await?;
/// let unknown = SessionKey::parse("no-such-session").unwrap();
/// assert!(store.load(&unknown, Timestamp::now()).await?.is_none());
/// # Ok::<(), cloakroom_core::session::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Shared>);

/// How an [`SqliteStore`] works, where the defaults do not fit.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// No call takes longer, whoever holds a lock. Default 5 s, as in Python's `sqlite3`.
    pub deadline: Duration,
    /// Connections for reads on the calling thread. Default: as many as the machine has processors.
    pub readers: usize,
    /// Calls that may wait for a thread; one more is an error at once. Default 1024.
    pub queue: usize,
    /// Bytes of the file that are mapped into memory. Default 0: a disk error in a mapped file is a
    /// signal that ends the process.
    pub mmap_size: u64,
    /// The table that keeps sessions. Default: Django's.
    pub sessions: SessionTable,
    /// The table that keeps users. Default: Django's.
    pub users: UserTable,
    /// What the database keeps: which tables `migrate` makes and `check` looks for. Default: sessions and users.
    pub contents: Contents,
    /// In which zone the database's dates are: Django's `USE_TZ` and `TIME_ZONE`. Default: UTC.
    pub zone: Zone,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            readers: available_parallelism().map_or(4, usize::from),
            queue: 1024,
            mmap_size: 0,
            sessions: SessionTable::default(),
            users: UserTable::default(),
            contents: Contents::default(),
            zone: Zone::UTC,
        }
    }
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    deadline: Duration,
    sessions: SessionTable,
    contents: Contents,
    statements: Arc<Statements>,
    users: Arc<UserSql>,
    second_factors: OnceCell<SecondFactors>,
    session_list: OnceCell<Option<Arc<ListSql>>>,
    readers: Readers,
    writer: Worker,
}

impl SqliteStore {
    /// Opens a database that is there.
    ///
    /// # Errors
    /// There is no such file, it is no database, or it stays locked until the deadline. Missing tables are
    /// not looked for: see [`check`](Self::check).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// [`open`](Self::open) with other options.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(
        path: impl AsRef<Path>,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        Self::start(path.as_ref(), &options, |_| Ok(())).await
    }

    /// Makes a new, empty database in WAL mode that only this user can read, and opens it.
    ///
    /// It is marked as made by us, see [`made_by_us`](Self::made_by_us); its tables come with
    /// [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// There is a file of this name already, or it cannot be made.
    pub async fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::create_with(path, SqliteOptions::default()).await
    }

    /// [`create`](Self::create) with other options.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub async fn create_with(
        path: impl AsRef<Path>,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let mut file = OpenOptions::new();
        file.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
        // Closed before SQLite opens it: closing a file drops the process's locks on it.
        file.open(path).map(drop).map_err(|error| {
            StoreError::new(format!(
                "the database {} cannot be made; check that its folder is there and writable, and that the file \
                 is not there yet",
                path.display()
            ))
            .with_source(error)
        })?;
        let store = Self::start(path, &options, |connection| {
            connection.pragma_update(None, "application_id", migrate::APPLICATION_ID)?;
            let mode: String =
                connection
                    .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
            if !mode.eq_ignore_ascii_case("wal") {
                tracing::warn!(
                    "the new database cannot use WAL mode here; reads will wait for writes"
                );
            }
            Ok(())
        })
        .await;
        if store.is_err() {
            // Half made, it would refuse the next attempt. It is ours: nobody else could have made it.
            let _ = std::fs::remove_file(path);
        }
        store
    }

    /// The database's file, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    async fn start(
        path: &Path,
        options: &SqliteOptions,
        prepare: impl Fn(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let link = |access| Link::new(path, access, options.mmap_size);
        let (opened, answer) = oneshot::channel();
        let mut write = link(Access::Write);
        let patience = options.deadline.mul_f64(PATIENCE);
        let writer = Worker::start("cloakroom-sqlite-write", options.queue, move |jobs| {
            let result = write.connection(patience).and_then(|connection| {
                prepare(connection)?;
                reader::reads_wait_for_nobody(connection)
            });
            let failed = result.is_err();
            let result = result.map_err(|error| explain(write.path(), &error));
            if opened.send(result).is_ok() && !failed {
                writer::serve(write, jobs);
            }
        })?;
        let inline = tokio::time::timeout(options.deadline, answer)
            .await
            .map_err(|_| StoreError::new("the database did not open within the deadline"))?
            .map_err(|_| StoreError::new("the database's thread has ended"))??;
        let count = if inline { options.readers } else { 0 };
        let inline = (0..count).map(|_| link(Access::Read)).collect();
        let readers = Readers::start(inline, link(Access::Read), options.queue)?;
        Ok(Self(Arc::new(Shared {
            path: path.to_owned(),
            deadline: options.deadline,
            sessions: options.sessions.clone(),
            contents: options.contents,
            statements: Arc::new(Statements::new(&options.sessions, options.zone)),
            users: Arc::new(UserSql::new(Dialect::Sqlite, &options.users)),
            second_factors: OnceCell::new(),
            session_list: OnceCell::new(),
            readers,
            writer,
        })))
    }

    fn zone(&self) -> Zone {
        self.0.statements.zone
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.readers.ask(self.0.deadline, query).await
    }

    async fn write<T: Send + 'static>(
        &self,
        run: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.writer.ask(self.0.deadline, run).await
    }
}
