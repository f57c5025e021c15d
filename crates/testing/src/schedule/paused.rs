//! A store that stops before each call until a schedule lets it go on.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// What the calls of one schedule came to.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    keys: Mutex<Vec<SessionKey>>,
    changed: AtomicBool,
    gone: AtomicBool,
}

impl Witness {
    /// Every key under which anybody asked for a record to be made.
    pub(crate) fn keys(&self) -> Vec<SessionKey> {
        self.keys
            .lock()
            .expect("nobody panics with the lock held")
            .clone()
    }

    /// A call was answered that somebody else was first.
    pub(crate) fn met_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// A call was answered that there is no such record any more.
    pub(crate) fn met_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// One request's way to a store, with a gate before each call.
pub(crate) struct PausedStore {
    store: Arc<dyn Store>,
    gate: Gate,
    witness: Arc<Witness>,
}

impl PausedStore {
    pub(crate) const fn new(store: Arc<dyn Store>, gate: Gate, witness: Arc<Witness>) -> Self {
        Self {
            store,
            gate,
            witness,
        }
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
        self.witness
            .keys
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
        let replaced = self
            .make(Call::Replace, self.store.replace(key, seen, record, now))
            .await;
        match &replaced {
            Ok(Replaced::Changed(_)) => self.witness.changed.store(true, Ordering::Relaxed),
            Ok(Replaced::Gone) => self.witness.gone.store(true, Ordering::Relaxed),
            Ok(Replaced::Replaced(_)) | Err(_) => {}
        }
        replaced
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let deleted = self
            .make(Call::Delete, self.store.delete(key, seen, now))
            .await;
        match &deleted {
            Ok(Deleted::Changed(_)) => self.witness.changed.store(true, Ordering::Relaxed),
            Ok(Deleted::Gone) => self.witness.gone.store(true, Ordering::Relaxed),
            Ok(Deleted::Deleted) | Err(_) => {}
        }
        deleted
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
