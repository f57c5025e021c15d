//! The list of sessions at work: a row before each login's session, and when each was last seen.

use std::collections::HashSet;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::auth::{SessionEntry, SessionList};
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;

/// Sessions that are noted as seen in a minute; more are noted in the next one.
const MOST: usize = 100_000;
/// Of them so many are written at once.
const BATCH: usize = 500;
/// How often they are written.
const PAUSE: Duration = Duration::from_secs(60);

/// A site's list of sessions. Clones are the same.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) list: Arc<dyn SessionList>,
    seen: Arc<Mutex<Seen>>,
}

/// The sessions that were seen since the last writing.
#[derive(Default)]
struct Seen {
    keys: HashSet<SessionKey>,
    since: Option<Timestamp>,
}

impl Listed {
    pub(crate) fn new(list: Arc<dyn SessionList>) -> Self {
        Self {
            list,
            seen: Arc::default(),
        }
    }

    /// Notes that a session is in use. The first one within a minute begins the task that writes them all.
    pub(crate) fn note(&self, key: &SessionKey, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.keys.len() >= MOST || seen.keys.contains(key) {
            return;
        }
        seen.keys.insert(key.clone());
        if seen.since.is_none() {
            // As of the beginning: nobody is said to have been here after leaving.
            seen.since = Some(now);
            let listed = self.clone();
            // From now on, whenever the task comes to it.
            let pause = tokio::time::sleep(PAUSE);
            tokio::spawn(async move {
                pause.await;
                listed.write().await;
            });
        }
    }

    async fn write(&self) {
        let seen = mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(since) = seen.since else { return };
        let keys: Vec<SessionKey> = seen.keys.into_iter().collect();
        for keys in keys.chunks(BATCH) {
            if let Err(error) = self.list.seen(keys, since).await {
                // It is about minutes, and those who come again are noted again.
                return tracing::warn!(%error, "when sessions were last seen could not be noted");
            }
        }
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Listed").field(&self.list).finish()
    }
}

/// The store of sessions for a commit that begins, moves or ends one: each record is listed before it is kept, and taken
/// out of the list when it is gone. So a session that lives is listed, whatever fails in between.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) list: &'a dyn SessionList,
    /// The session as it is to be listed; `None` if it is nobody's.
    pub(crate) entry: Option<SessionEntry>,
    /// A record that stays in its place is listed too: a login that keeps its key.
    pub(crate) signs_in: bool,
}

impl Listing<'_> {
    async fn add(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(entry) = &self.entry else {
            return Ok(());
        };
        let entry = SessionEntry {
            key: key.clone(),
            ..entry.clone()
        };
        self.list.add(&entry).await
    }
}

#[async_trait]
impl Store for Listing<'_> {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.store.load(key, now).await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        self.add(key).await?;
        self.store.create(key, record).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        if self.signs_in {
            self.add(key).await?;
        }
        self.store.replace(key, seen, record, now).await
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let deleted = self.store.delete(key, seen, now).await?;
        if matches!(deleted, Deleted::Deleted) {
            forget(self.list, key).await;
        }
        Ok(deleted)
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.store.clear_expired(now, at_most).await
    }
}

/// Takes the row of a session that is gone out of the list. If that fails, whoever looks at the list next does it.
pub(crate) async fn forget(list: &dyn SessionList, key: &SessionKey) {
    if let Err(error) = list.remove(key).await {
        tracing::warn!(%error, "a session that has ended stays in the list until somebody looks at it");
    }
}
