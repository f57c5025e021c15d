//! The connections, and what is done with one that may be out of step.
//!
//! The driver has a pool of its own, but that keeps the place of a connection whose answer was left half read until
//! the rest comes, which may be never. Here such a connection is closed, and its place is free at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::session::StoreError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, Params, Row, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::MySqlOptions;
use super::address::Address;
use super::explain::{Fate, explain};

/// The connections of one store.
pub(super) struct Pool {
    options: Opts,
    name: String,
    idle: Mutex<Vec<Idle>>,
    /// One for each call that is served or waits.
    seats: Semaphore,
    reads: Semaphore,
    writes: Semaphore,
}

/// What a call is going to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    Read,
    Write,
}

struct Idle {
    connection: Conn,
    since: Instant,
}

impl Pool {
    pub(super) fn new(address: &Address, options: &MySqlOptions) -> Self {
        let connections = options.connections.clamp(1, MOST_CONNECTIONS);
        let queue = options.queue.min(LONGEST_QUEUE);
        let driver = address
            .options()
            // An UPDATE that writes what is there already has found its row, as Django counts it.
            .client_found_rows(true)
            // Otherwise it moves to the server's Unix socket by itself, which may be closed to us.
            .prefer_socket(false)
            .tcp_keepalive(Some(KEEPALIVE))
            .setup(vec![session_settings(options.deadline)]);
        Self {
            options: driver.into(),
            name: address.name().to_owned(),
            idle: Mutex::new(Vec::new()),
            seats: Semaphore::new(2 * connections + queue),
            reads: Semaphore::new(connections),
            writes: Semaphore::new(connections),
        }
    }

    /// A connection for one call. The caller sets the deadline.
    pub(super) async fn lease(&self, access: Access) -> Result<Lease<'_>, StoreError> {
        let seat = self
            .seats
            .try_acquire()
            .map_err(|_| StoreError::new("too many calls wait for the database"))?;
        let permits = match access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
        };
        let permit = permits.acquire().await.expect("it is never closed");
        let connection = match self.take_idle().await {
            Some(connection) => connection,
            None => Conn::new(self.options.clone()).await.map_err(|error| {
                self.forget_idle();
                explain(&self.name, &error)
            })?,
        };
        Ok(Lease {
            pool: self,
            connection: Some(connection),
            in_step: true,
            for_once: false,
            _permits: [seat, permit],
        })
    }

    /// Closes the connections that nobody uses.
    pub(super) fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// A connection that was used before and is still alive.
    async fn take_idle(&self) -> Option<Conn> {
        let Idle {
            mut connection,
            since,
        } = self.idle().pop()?;
        if since.elapsed() < FRESH {
            return Some(connection);
        }
        if let Ok(Ok(())) = tokio::time::timeout(PING, connection.ping()).await {
            return Some(connection);
        }
        // The server was started again, or something between us forgot the connection: so it did the others.
        discard(connection);
        self.forget_idle();
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing that can panic is done under the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for the time of one call.
///
/// When it is dropped in step it goes back to the pool. Dropped while an answer is due (the call was given up, or
/// failed), it is closed, so that no answer ever reaches another call.
///
/// Every statement is a transaction of its own: one that met a deadlock is undone whole and made again.
pub(super) struct Lease<'pool> {
    pool: &'pool Pool,
    /// Taken only in `drop`.
    connection: Option<Conn>,
    in_step: bool,
    for_once: bool,
    _permits: [SemaphorePermit<'pool>; 2],
}

impl Lease<'_> {
    /// The first row that a query finds.
    pub(super) async fn row(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        for attempt in 1.. {
            let answer = self.begin().exec_first(sql, positional(params)).await;
            if let Some(answer) = self.end(answer, attempt) {
                return answer.or_else(|refusal| refusal.or(None));
            }
        }
        unreachable!("attempts end")
    }

    /// All rows that a query finds.
    pub(super) async fn rows(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        for attempt in 1.. {
            let answer = self.begin().exec(sql, positional(params)).await;
            if let Some(answer) = self.end(answer, attempt) {
                return answer.or_else(|refusal| refusal.or(Vec::new()));
            }
        }
        unreachable!("attempts end")
    }

    /// How many rows a statement has changed, or has found as they were to be.
    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        match self.change(sql, params).await {
            Ok(count) => Ok(count),
            Err(refusal) => refusal.or(0),
        }
    }

    /// How many rows were inserted; `None` if a unique column has one of the values already.
    pub(super) async fn insert(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<u64>, StoreError> {
        match self.change(sql, params).await {
            Ok(count) => Ok(Some(count)),
            Err(Refusal::Taken(_)) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The number that the database gave to the row that was inserted.
    pub(super) fn inserted_id(&self) -> Option<u64> {
        self.connection.as_ref()?.last_insert_id()
    }

    /// A statement without parameters, of a kind that cannot be prepared everywhere.
    pub(super) async fn command(&mut self, sql: &str) -> Result<(), StoreError> {
        let answer = self.begin().query_drop(sql).await;
        match self.end(answer, ATTEMPTS) {
            Some(Err(refusal)) => Err(refusal.into()),
            _ => Ok(()),
        }
    }

    /// Has the connection closed when this is dropped: it holds a lock, a transaction or a setting of its own.
    pub(super) const fn for_once(&mut self) {
        self.for_once = true;
    }

    async fn change(&mut self, sql: &str, params: &[Value]) -> Result<u64, Refusal> {
        for attempt in 1.. {
            let answer = self.begin().exec_drop(sql, positional(params)).await;
            if let Some(answer) = self.end(answer, attempt) {
                return answer.map(|()| self.connection.as_ref().map_or(0, Conn::affected_rows));
            }
        }
        unreachable!("attempts end")
    }

    fn begin(&mut self) -> &mut Conn {
        self.in_step = false;
        self.connection.as_mut().expect("taken only in drop")
    }

    /// What an answer means; `None` if the statement was undone and is to be made again.
    fn end<T>(
        &mut self,
        answer: Result<T, mysql_async::Error>,
        attempt: u32,
    ) -> Option<Result<T, Refusal>> {
        let error = match answer {
            Ok(value) => {
                self.in_step = true;
                return Some(Ok(value));
            }
            Err(error) => error,
        };
        let fate = Fate::of(&error);
        if fate == Fate::Broken {
            // What ended this one (a restart, a failover) has ended the others, too.
            self.pool.forget_idle();
        } else {
            self.in_step = true;
        }
        Some(Err(match fate {
            Fate::Deadlock if attempt < ATTEMPTS => return None,
            Fate::NoSuchText => Refusal::NoSuchText,
            Fate::Taken => Refusal::Taken(explain(&self.pool.name, &error)),
            _ => Refusal::Failed(explain(&self.pool.name, &error)),
        }))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        match (self.in_step, self.for_once) {
            (true, false) => self.pool.idle().push(Idle {
                connection,
                since: Instant::now(),
            }),
            // The driver says goodbye to the server.
            (true, true) => drop(connection),
            (false, _) => discard(connection),
        }
    }
}

/// Why a statement did nothing.
enum Refusal {
    /// A unique column has the value already.
    Taken(StoreError),
    /// A column's character set lacks a character of the text that it was compared with, so it equals no row's.
    NoSuchText,
    Failed(StoreError),
}

impl Refusal {
    /// `nothing` where nothing was found.
    fn or<T>(self, nothing: T) -> Result<T, StoreError> {
        match self {
            Self::NoSuchText => Ok(nothing),
            refusal => Err(refusal.into()),
        }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Taken(error) | Refusal::Failed(error) => error,
            Refusal::NoSuchText => Self::new("the database cannot keep a character of this text"),
        }
    }
}

/// Closes a connection that may be out of step.
///
/// Dropped here, one with a half-read answer would be given to a task that reads the rest first, for as long as
/// that takes: for ever, if the server hangs. On a thread that knows no runtime the driver just closes it.
fn discard(connection: Conn) {
    if connection.is_disconnected() {
        return drop(connection);
    }
    // If no thread starts, it is dropped here after all.
    let _ = std::thread::Builder::new().spawn(move || drop(connection));
}

/// What each new connection is told: whatever the server's own settings, a text that does not fit is an error and
/// never cut, a statement is a transaction, and waiting ends before the caller's deadline.
///
/// Only MariaDB reads what stands in `/*M!`, only MySQL what stands in `/*!8`.
fn session_settings(deadline: Duration) -> String {
    let statement = deadline.mul_f64(0.9);
    format!(
        "SET NAMES utf8mb4, autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
         innodb_lock_wait_timeout = {lock} \
         /*M! , tx_isolation = 'READ-COMMITTED', max_statement_time = {seconds:.3} */ \
         /*!80000 , transaction_isolation = 'READ-COMMITTED', max_execution_time = {millis} */",
        lock = deadline.mul_f64(0.8).as_secs().clamp(1, 1000),
        seconds = statement.as_secs_f64().clamp(0.001, 1e6),
        millis = statement.as_millis().clamp(1, 1_000_000_000),
    )
}

fn positional(params: &[Value]) -> Params {
    if params.is_empty() {
        Params::Empty
    } else {
        Params::Positional(params.to_vec())
    }
}

/// A connection that was used this recently is used again unasked: no server starts again in less.
const FRESH: Duration = Duration::from_millis(100);
/// How long one that was not may take to say that it lives.
const PING: Duration = Duration::from_secs(1);
/// After so long without a word the operating system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How often a statement is made again that met a deadlock.
const ATTEMPTS: u32 = 16;
const MOST_CONNECTIONS: usize = 10_000;
const LONGEST_QUEUE: usize = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_gives_up_before_the_caller() {
        let settings = session_settings(Duration::from_secs(5));
        for part in [
            "innodb_lock_wait_timeout = 4 ",
            "max_statement_time = 4.500 ",
            "max_execution_time = 4500 ",
        ] {
            assert!(settings.contains(part), "{settings}");
        }
        let hasty = session_settings(Duration::from_millis(300));
        assert!(hasty.contains("max_statement_time = 0.270 "), "{hasty}");
    }
}
