//! Sessions and users in a MySQL or MariaDB database, in Django's tables.

mod address;
mod check;
mod explain;
mod migrate;
mod moment;
mod pool;
mod session_list;
mod sessions;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::session::StoreError;
use cloakroom_core::time::Zone;
use tokio::sync::OnceCell;

use crate::dialect::Dialect;
use crate::django::Contents;
use crate::second_factor::SecondFactors;
use crate::session_list::ListSql;
use crate::session_table::SessionTable;
use crate::user_sql::UserSql;
use crate::user_table::UserTable;
use address::Address;
use pool::{Access, Lease, Pool};
use sessions::Statements;

/// Keeps sessions and users in a MySQL or MariaDB database, in the tables of Django's `db` engine and `auth` app.
///
/// Clones share one set of connections. Opening connects to nothing: a server that is down makes calls fail until
/// it is up, and nothing needs to be started again then.
///
/// Every statement is a transaction of its own, at `READ COMMITTED` as in Django, and is durable when it returns
/// as far as the server's `innodb_flush_log_at_trx_commit` promises it. Keys and data are compared as bytes,
/// whatever the collation; names of users by the collation, as Django on this database compares them.
///
/// It must be used within a Tokio runtime that has its timer and its IO.
///
/// ```
/// use cloakroom_stores::MySqlStore;
///
/// let store = MySqlStore::open("mysql://site:secret@127.0.0.1:3306/site")?;
/// assert_eq!(store.name(), "mysql://127.0.0.1:3306/site");
/// # Ok::<(), cloakroom_core::session::StoreError>(())
/// ```
#[derive(Clone)]
pub struct MySqlStore(Arc<Shared>);

/// How a [`MySqlStore`] works, where the defaults do not fit.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers name the options that differ and take the rest from the default"
)]
pub struct MySqlOptions {
    /// No call takes longer, whatever hangs. Default 5 s.
    ///
    /// The server itself gives up a little earlier where it can, so that a lock is an error with its name.
    pub deadline: Duration,
    /// Connections for reads, and as many again for writes, so that writes that wait for a lock leave reads
    /// alone. They are made as they are needed. Default 8.
    pub connections: usize,
    /// Calls that may wait for a connection; one more is an error at once. Default 1024.
    pub queue: usize,
    /// The table that keeps sessions. Default: Django's.
    pub sessions: SessionTable,
    /// The table that keeps users. Default: Django's.
    pub users: UserTable,
    /// What the database keeps: which tables `migrate` makes and `check` looks for. Default: sessions and users.
    pub contents: Contents,
    /// In which zone the database's dates are: Django's `USE_TZ` and `TIME_ZONE`. Default: UTC.
    pub zone: Zone,
}

impl Default for MySqlOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            connections: 8,
            queue: 1024,
            sessions: SessionTable::default(),
            users: UserTable::default(),
            contents: Contents::default(),
            zone: Zone::UTC,
        }
    }
}

struct Shared {
    address: Address,
    deadline: Duration,
    pool: Pool,
    sessions: SessionTable,
    contents: Contents,
    statements: Statements,
    users: UserSql,
    second_factors: OnceCell<SecondFactors>,
    session_list: OnceCell<Option<ListSql>>,
    zone: Zone,
}

impl MySqlStore {
    /// Takes a database's URL, `mysql://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// | option behind a question mark | meaning |
    /// |---|---|
    /// | `unix_socket=PATH` (or `socket`) | the server's Unix socket instead of host and port |
    /// | `ssl-mode=DISABLED` | no TLS; the default, unless `ssl-ca` is given |
    /// | `ssl-mode=REQUIRED` | TLS, whoever answers |
    /// | `ssl-mode=VERIFY_IDENTITY` | and the certificate must be the host's; the default with `ssl-ca` |
    /// | `ssl-ca=FILE` | trusts these certificates (PEM) and no others; without it, those of public websites |
    ///
    /// What is not a letter or a digit in user, password or database is percent-encoded, as in every URL. A host
    /// that begins with `%2F` is a socket's path.
    ///
    /// # Errors
    /// The text is no such URL. The message shows nothing of it, which may hold a password.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, MySqlOptions::default())
    }

    /// [`open`](Self::open) with other options.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(url: &str, options: MySqlOptions) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        Ok(Self(Arc::new(Shared {
            pool: Pool::new(&address, &options),
            address,
            deadline: options.deadline,
            statements: Statements::new(&options.sessions),
            users: UserSql::new(Dialect::MySql, &options.users),
            second_factors: OnceCell::new(),
            session_list: OnceCell::new(),
            sessions: options.sessions,
            contents: options.contents,
            zone: options.zone,
        })))
    }

    /// The database's URL without user and password, as error messages show it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.address.name()
    }

    /// Has `call` done within the deadline.
    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.within_time(self.0.deadline, call).await
    }

    async fn within_time<T>(
        &self,
        time: Duration,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if let Ok(done) = tokio::time::timeout(time, call).await {
            return done;
        }
        // If one connection hangs the others do too, as far as anybody knows.
        self.0.pool.forget_idle();
        Err(StoreError::new(format!(
            "the database {} did not answer within the deadline; check that its server runs and is not overloaded",
            self.name()
        )))
    }

    async fn lease(&self, access: Access) -> Result<Lease<'_>, StoreError> {
        self.0.pool.lease(access).await
    }
}

impl fmt::Debug for MySqlStore {
    /// Shows the database's name and no password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MySqlStore")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
