//! A store that stops before each call until a schedule lets it go on.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;

/// What a paused piece of work is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The next request of a tab arrives.
    Arrive,
    /// The handler takes its time.
    Think,
    Load,
    Create,
    Replace,
    Delete,
    ClearExpired,
    /// Nothing more: the call has been made and its answer is never seen.
    Hang,
}

impl Call {
    pub(crate) const fn reaches_the_store(self) -> bool {
        !matches!(self, Self::Arrive | Self::Think | Self::Hang)
    }
}

/// How a call is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    /// It fails and nothing was done.
    FailBefore,
    /// It fails, and yet what was asked was done.
    FailAfter,
    /// It is done, and the caller goes away before the answer comes.
    HangAfter,
}

/// Where one piece of work waits for its schedule. Nobody is woken: the schedule polls by hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<Passage>>);

#[derive(Debug, Default)]
struct Passage {
    waiting: Option<Call>,
    verdict: Option<Verdict>,
}

impl Gate {
    pub(crate) async fn pass(&self, call: Call) -> Verdict {
        poll_fn(|_| {
            let mut passage = self.passage();
            match passage.verdict.take() {
                Some(verdict) => {
                    passage.waiting = None;
                    Poll::Ready(verdict)
                }
                None => {
                    passage.waiting = Some(call);
                    Poll::Pending
                }
            }
        })
        .await
    }

    pub(crate) fn waiting(&self) -> Option<Call> {
        let passage = self.passage();
        // Let go, it is no longer waiting, though it does not know that yet.
        passage.waiting.filter(|_| passage.verdict.is_none())
    }

    pub(crate) fn let_go(&self, verdict: Verdict) {
        self.passage().verdict = Some(verdict);
    }

    fn passage(&self) -> MutexGuard<'_, Passage> {
        self.0.lock().expect("no poll panics with the lock held")
    }
}

/// One request's way to a store, with a gate before each call.
pub(crate) struct PausedStore {
    store: Arc<dyn Store>,
    gate: Gate,
    /// Every key under which anybody asked for a record to be made.
    keys: Arc<Mutex<Vec<SessionKey>>>,
}

impl PausedStore {
    pub(crate) const fn new(
        store: Arc<dyn Store>,
        gate: Gate,
        keys: Arc<Mutex<Vec<SessionKey>>>,
    ) -> Self {
        Self { store, gate, keys }
    }

    async fn make<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.gate.pass(call).await {
            Verdict::Go => return work.await,
            Verdict::FailBefore => {}
            Verdict::FailAfter => drop(work.await),
            Verdict::HangAfter => {
                drop(work.await);
                self.gate.pass(Call::Hang).await;
            }
        }
        Err(StoreError::new("the schedule wants this call to fail"))
    }
}

#[async_trait]
impl Store for PausedStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.make(Call::Load, self.store.load(key, now)).await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        self.keys
            .lock()
            .expect("nobody panics with the lock held")
            .push(key.clone());
        self.make(Call::Create, self.store.create(key, record))
            .await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.make(Call::Replace, self.store.replace(key, seen, record, now))
            .await
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        self.make(Call::Delete, self.store.delete(key, seen, now))
            .await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.make(Call::ClearExpired, self.store.clear_expired(now, at_most))
            .await
    }
}

impl fmt::Debug for PausedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PausedStore")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
