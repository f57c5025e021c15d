//! Sessions in this process's memory: for tests, and for sites of one process that may forget.

mod shelf;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::key::SessionKey;
use super::store::{Created, Deleted, Record, Replaced, Store, StoreError, Stored, Version};
use crate::time::Timestamp;
use shelf::{Kept, Shelf};

/// Keeps sessions as plain text in a map of bounded size. They end with the process.
///
/// Clones share the map.
///
/// # When it is full
///
/// First those go that have expired. Then new sessions of visitors who have not signed in are refused, as by a store
/// that fails (503); a tenth of the places is never theirs. A session that somebody signs in to takes the place of an
/// anonymous one, of that which ends soonest. One that somebody has signed in to is never dropped: where there is
/// nothing else, the new login is refused. So a flood of visitors costs the users nothing.
#[derive(Clone)]
pub struct MemoryStore {
    shelf: Arc<Mutex<Shelf>>,
    capacity: usize,
}

impl MemoryStore {
    /// Keeps at most `capacity` sessions.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            shelf: Arc::default(),
            capacity,
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No call leaves the map half changed, so a panic elsewhere has not broken it.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a place on the shelf for one more; whether that was possible.
    fn make_place(&self, shelf: &mut Shelf, signed_in: bool, now: Timestamp) -> bool {
        let most = if signed_in {
            self.capacity
        } else {
            self.capacity - self.capacity / USERS_SHARE
        };
        // Each is removed once, so whoever comes to a full shelf pays for little.
        let over = (shelf.len() + 1).saturating_sub(most);
        shelf.remove_expired(now, u32::try_from(over).unwrap_or(u32::MAX));
        shelf.len() < most || signed_in && shelf.remove_anonymous()
    }
}

/// One in this many places is for those who have signed in alone.
const USERS_SHARE: usize = 10;

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        Ok(self.shelf().alive(key, now).map(Kept::stored))
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let new = Kept::of(record);
        let mut shelf = self.shelf();
        if shelf.get(key).is_some() {
            return Ok(Created::KeyTaken);
        }
        if !self.make_place(&mut shelf, new.is_signed_in(), record.saved_at()) {
            return Err(StoreError::new(
                "the memory store is full; clear expired sessions or raise its capacity",
            ));
        }
        let version = new.version();
        shelf.add(key, new);
        Ok(Created::Created(version))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let new = Kept::of(record);
        let mut shelf = self.shelf();
        Ok(match shelf.alive(key, now) {
            None => Replaced::Gone,
            Some(kept) if kept.version() != *seen => Replaced::Changed(kept.stored()),
            Some(_) => {
                let version = new.version();
                shelf.change(key, new);
                Replaced::Replaced(version)
            }
        })
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let mut shelf = self.shelf();
        let Some(kept) = shelf.get(key) else {
            return Ok(Deleted::Gone);
        };
        let expired = kept.expire_date() <= now;
        if seen.is_some_and(|seen| !expired && kept.version() != *seen) {
            return Ok(Deleted::Changed(kept.stored()));
        }
        shelf.remove(key);
        Ok(if expired && seen.is_some() {
            Deleted::Gone
        } else {
            Deleted::Deleted
        })
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        Ok(self.shelf().remove_expired(now, at_most))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemoryStore")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
