//! Calls within their deadline, and the connections that they share.
//!
//! Reads follow each other on one connection without waiting for the answers in between: none of them waits for a
//! lock that a row's writer holds. A write has a connection for itself while it runs, so that one that waits for a
//! lock stops only itself; and only one write of a key is on its way at a time, so that a row which somebody else
//! has locked takes one connection and not all.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::session::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Error, Row};

use super::address::Address;
use super::connection::{Answer, Link, Sharing, Timeouts};
use super::error::{Verdict, explain, is_pooled, too_late};
use super::statement::Statement;

/// The connections of a store.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) address: Address,
    deadline: Duration,
    sharing: Sharing,
    reader: Mutex<Option<Arc<Link>>>,
    /// Held while the connection for reads is made.
    opening: tokio::sync::Mutex<()>,
    /// Connections for writes that nobody uses.
    idle: Mutex<Vec<Link>>,
    writers: Semaphore,
    hasher: RandomState,
    /// One for each group of keys; a write holds its key's.
    turns: Box<[tokio::sync::Mutex<()>]>,
}

/// One call: all that it does is within one deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    connections: &'a Connections,
    end: Instant,
}

impl Connections {
    pub(super) fn new(address: Address, deadline: Duration, writers: usize) -> Self {
        Self {
            address,
            deadline,
            sharing: Sharing::default(),
            reader: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            idle: Mutex::default(),
            writers: Semaphore::new(writers.clamp(1, Semaphore::MAX_PERMITS)),
            hasher: RandomState::new(),
            turns: (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect(),
        }
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call {
            connections: self,
            end: Instant::now() + self.deadline,
        }
    }

    /// In a box: what connects and encrypts takes tens of kilobytes, which every call would carry about with it.
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Link, Error>> + Send + '_>> {
        // No two stores ask for quite the same, so that one which finds it in force knows that it is its own.
        let mark = u32::try_from(self.hasher.hash_one("mark") % 64).expect("less than 64");
        let lock = self.deadline.mul_f64(LOCK_PATIENCE);
        let timeouts = Timeouts {
            lock: lock
                .saturating_sub(Duration::from_millis(1) * mark)
                .max(lock / 2),
            statement: self.deadline.mul_f64(STATEMENT_PATIENCE),
        };
        Box::pin(Link::open(&self.address, timeouts, &self.sharing))
    }

    async fn reader(&self) -> Result<Arc<Link>, Error> {
        if let Some(link) = self.current_reader() {
            return Ok(link);
        }
        let _opening = self.opening.lock().await;
        if let Some(link) = self.current_reader() {
            return Ok(link);
        }
        let link = Arc::new(self.open().await?);
        *lock(&self.reader) = Some(Arc::clone(&link));
        Ok(link)
    }

    fn current_reader(&self) -> Option<Arc<Link>> {
        lock(&self.reader)
            .as_ref()
            .filter(|link| !link.is_closed())
            .cloned()
    }

    /// Lets the next read open another connection, unless that has happened.
    fn forget_reader(&self, link: &Arc<Link>) {
        let mut reader = lock(&self.reader);
        if reader
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, link))
        {
            *reader = None;
        }
    }

    async fn writer(&self) -> Result<Lease<'_>, Error> {
        let permit = self
            .writers
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let idle = std::iter::from_fn(|| lock(&self.idle).pop()).find(|link| !link.is_closed());
        let link = match idle {
            Some(link) => link,
            None => self.open().await?,
        };
        Ok(Lease {
            link: Some(link),
            connections: self,
            _permit: permit,
        })
    }

    async fn turn(&self, key: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one(key);
        let place = usize::try_from(hash % TURNS as u64).expect("less than their number");
        self.turns[place].lock().await
    }
}

/// A connection for writes, lent to one call.
///
/// It is handed back by [`done`](Self::done) only. A call that ends in any other way, because its time is over or
/// its caller has gone, leaves it in a state that nobody knows, and closes it.
#[derive(Debug)]
struct Lease<'a> {
    link: Option<Link>,
    connections: &'a Connections,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    fn link(&self) -> &Link {
        self.link.as_ref().expect("it is there until it is done")
    }

    fn done(mut self) {
        if let Some(link) = self.link.take() {
            lock(&self.connections.idle).push(link);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            link.give_up();
        }
    }
}

impl Call<'_> {
    /// Rows that the statement finds. It changes nothing, so it may be asked again on another connection.
    pub(super) async fn read(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let mut asked = None;
        let answer = timeout_at(self.end.into(), async {
            let mut attempt = 1;
            loop {
                let link = self.connections.reader().await?;
                asked = Some((Arc::clone(&link), Instant::now()));
                let error = match link.run(statement, parameters).await {
                    Ok(answer) => return Ok(answer.rows),
                    Err(error) => error,
                };
                let verdict = Verdict::of(&error);
                if matches!(verdict, Verdict::AgainElsewhere | Verdict::Lost) {
                    self.connections.forget_reader(&link);
                }
                self.look_for_a_pooler(&error);
                if verdict == Verdict::Failed || attempt == ATTEMPTS {
                    return Err(error);
                }
                attempt += 1;
            }
        })
        .await;
        match answer {
            Ok(answer) => answer.map_err(|error| self.explain(&error)),
            Err(_) => {
                // Whoever asked at the last moment learns nothing about the connection.
                if let Some((link, since)) = asked
                    && since.elapsed() > self.connections.deadline / 2
                {
                    self.connections.forget_reader(&link);
                    link.give_up();
                }
                Err(too_late(self.name()))
            }
        }
    }

    /// Runs a statement that writes; with a key, after all other writes of it.
    ///
    /// It is run again only where the server says that it did nothing.
    pub(super) async fn write(
        &self,
        key: Option<&str>,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, StoreError> {
        self.within(async {
            let _turn = match key {
                Some(key) => Some(self.connections.turn(key).await),
                None => None,
            };
            let mut attempt = 1;
            loop {
                let lease = self.connections.writer().await?;
                let error = match lease.link().run(statement, parameters).await {
                    Ok(answer) => {
                        lease.done();
                        return Ok(answer);
                    }
                    Err(error) => error,
                };
                let verdict = Verdict::of(&error);
                if matches!(verdict, Verdict::Again | Verdict::Failed) {
                    lease.done();
                }
                self.look_for_a_pooler(&error);
                if matches!(verdict, Verdict::Failed | Verdict::Lost) || attempt == ATTEMPTS {
                    return Err(error);
                }
                attempt += 1;
            }
        })
        .await
    }

    /// Runs a statement in a transaction that begins with `first`, some statements without parameters.
    pub(super) async fn write_after(
        &self,
        first: &str,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, StoreError> {
        self.within(async {
            let lease = self.connections.writer().await?;
            let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {first}");
            lease.link().batch(&begin).await?;
            let answer = lease.link().run(statement, parameters).await?;
            lease.link().batch("COMMIT").await?;
            lease.done();
            Ok(answer)
        })
        .await
    }

    /// Runs statements without parameters, which begin a transaction and end it.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.within(async {
            let lease = self.connections.writer().await?;
            lease.link().batch(sql).await?;
            lease.done();
            Ok(())
        })
        .await
    }

    /// A column of a row that was read.
    pub(super) fn column<'r, T: FromSql<'r>>(
        &self,
        row: &'r Row,
        place: usize,
    ) -> Result<T, StoreError> {
        row.try_get(place).map_err(|error| self.explain(&error))
    }

    pub(super) fn explain(&self, error: &Error) -> StoreError {
        explain(self.name(), error)
    }

    async fn within<T>(
        &self,
        run: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        timeout_at(self.end.into(), run)
            .await
            .map_err(|_| too_late(self.name()))?
            .map_err(|error| self.explain(&error))
    }

    fn look_for_a_pooler(&self, error: &Error) {
        if is_pooled(error) {
            self.connections.sharing.notice();
            // Those that have prepared statements would only fail, one after another.
            lock(&self.connections.idle).clear();
        }
    }

    fn name(&self) -> &str {
        &self.connections.address.name
    }
}

/// No panic happens while one of these is held; if one did, what they hold would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parts of the deadline after which the server gives up waiting for a lock, and for anything.
const LOCK_PATIENCE: f64 = 0.5;
const STATEMENT_PATIENCE: f64 = 0.8;

/// How often a call is begun.
const ATTEMPTS: u32 = 3;

/// A write waits for another one's key by mistake once in this many times.
const TURNS: usize = 1024;
