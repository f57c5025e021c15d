//! Sessions and users in a PostgreSQL database: Django's, or one of our own with Django's tables.

mod address;
mod call;
mod check;
mod connection;
mod error;
mod migrate;
mod session_list;
mod sessions;
mod statement;
mod tls;
mod users;
mod value;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::session::StoreError;
use tokio::sync::OnceCell;

use crate::dialect::Dialect;
use crate::django::Contents;
use crate::second_factor::SecondFactors;
use crate::session_table::SessionTable;
use crate::user_sql::UserSql;
use crate::user_table::UserTable;
use address::Address;
use call::{Call, Connections};
use session_list::ListStatements;
use statement::{Statement, Statements};

/// Keeps sessions and users in a PostgreSQL database, in the tables of Django's `db` engine and `auth` app.
///
/// Nothing is connected before the first call, and whatever ends a connection, the next call makes another: the
/// server may start after us and may be restarted at any time. Clones share one set of connections; dropping the
/// last one closes them.
///
/// A write is durable when it returns as far as the server is: `synchronous_commit` and `fsync` are on unless
/// somebody has turned them off.
///
/// It works through PgBouncer in each of its modes, and notices by itself that statements cannot be prepared there.
///
/// It must be used within a Tokio runtime that has its timer and its IO.
///
/// ```no_run
/// use cloakroom_core::session::{SessionKey, Store};
/// use cloakroom_core::time::Timestamp;
/// use cloakroom_stores::PostgresStore;
///
/// # async fn example() -> Result<(), cloakroom_core::session::StoreError> {
/// let store = PostgresStore::open("postgres://site:secret@db.example.org/site?sslmode=verify-full")?;
/// let _ = store.migrate(Timestamp::now()).await?;
/// let unknown = SessionKey::parse("no-such-session").unwrap();
/// assert!(store.load(&unknown, Timestamp::now()).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresStore(Arc<Shared>);

/// How a [`PostgresStore`] works, where the defaults do not fit.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// No call takes longer, whatever the server does. Default 5 s. The server itself gives up waiting for a lock
    /// after half of it and ends any statement after four fifths, so that its own error says why.
    pub deadline: Duration,
    /// The most connections that write at a time; one more reads. Default 8: together they fill each flush of the
    /// server's log, and one that waits for a lock is one of eight.
    pub writers: usize,
    /// The table that keeps sessions. Default: Django's.
    pub sessions: SessionTable,
    /// The table that keeps users. Default: Django's.
    pub users: UserTable,
    /// What the database keeps: which tables `migrate` makes and `check` looks for. Default: sessions and users.
    pub contents: Contents,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            writers: 8,
            sessions: SessionTable::default(),
            users: UserTable::default(),
            contents: Contents::default(),
        }
    }
}

#[derive(Debug)]
struct Shared {
    sessions: SessionTable,
    contents: Contents,
    statements: Statements,
    users: UserSql,
    second_factors: OnceCell<(SecondFactors, Statement)>,
    session_list: OnceCell<Option<ListStatements>>,
    connections: Connections,
}

impl PostgresStore {
    /// Takes a URL such as `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`; connects to nothing
    /// yet.
    ///
    /// Its options are libpq's: `sslmode` (default `prefer`; `require` and below encrypt without asking who answers),
    /// `sslrootcert`, `sslcert`, `sslkey`, `target_session_attrs`, `options` and others. Several hosts are tried in
    /// turn. Without a host it is the local server's socket.
    ///
    /// # Errors
    /// It is no such URL, or a certificate that it names cannot be read. The message shows nothing of the URL.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, PostgresOptions::default())
    }

    /// [`open`](Self::open) with other options.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let address = Address::parse(url, options.deadline.mul_f64(0.5))?;
        let users = UserSql::new(Dialect::Postgres, &options.users);
        Ok(Self(Arc::new(Shared {
            statements: Statements::new(&options.sessions, &users),
            users,
            second_factors: OnceCell::new(),
            session_list: OnceCell::new(),
            sessions: options.sessions,
            contents: options.contents,
            connections: Connections::new(address, options.deadline, options.writers),
        })))
    }

    /// The database and its server in words for messages, without user and password.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.connections.address.name
    }

    fn call(&self) -> Call<'_> {
        self.0.connections.call()
    }

    fn statements(&self) -> &Statements {
        &self.0.statements
    }
}
