//! Sessions in this process's memory: for tests, and for sites of one process that may forget.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::key::SessionKey;
use super::store::{Created, Deleted, Record, Replaced, Store, StoreError, Stored, Version};
use crate::time::Timestamp;

/// Keeps sessions as plain text in a map of bounded size. They end with the process.
///
/// Clones share the map.
#[derive(Clone)]
pub struct MemoryStore {
    records: Arc<Mutex<HashMap<SessionKey, Kept>>>,
    capacity: usize,
}

#[derive(Clone)]
struct Kept {
    json: Arc<str>,
    expire_date: Timestamp,
}

impl MemoryStore {
    /// Keeps at most `capacity` sessions; when it is full, new ones are refused as by a store that fails.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            records: Arc::default(),
            capacity,
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<SessionKey, Kept>> {
        // No call leaves the map half changed, so a panic elsewhere has not broken it.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn of(record: &Record) -> Self {
        Self {
            json: Arc::clone(record.json_text()),
            expire_date: record.expire_date(),
        }
    }

    fn stored(&self) -> Stored {
        Stored::json(Arc::clone(&self.json), self.expire_date)
    }

    fn has(&self, version: &Version) -> bool {
        self.json.as_bytes() == version.as_bytes()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        Ok(self
            .records()
            .get(key)
            .filter(|kept| kept.expire_date > now)
            .map(Kept::stored))
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let mut records = self.records();
        if records.contains_key(key) {
            return Ok(Created::KeyTaken);
        }
        if records.len() >= self.capacity {
            return Err(StoreError::new(
                "the memory store is full; clear expired sessions or raise its capacity",
            ));
        }
        records.insert(key.clone(), Kept::of(record));
        Ok(Created::Created(Version::of_text(Arc::clone(
            record.json_text(),
        ))))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let mut records = self.records();
        Ok(
            match records.get_mut(key).filter(|kept| kept.expire_date > now) {
                None => Replaced::Gone,
                Some(kept) if !kept.has(seen) => Replaced::Changed(kept.stored()),
                Some(kept) => {
                    *kept = Kept::of(record);
                    Replaced::Replaced(Version::of_text(Arc::clone(&kept.json)))
                }
            },
        )
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let mut records = self.records();
        let Some(kept) = records.get(key) else {
            return Ok(Deleted::Gone);
        };
        let expired = kept.expire_date <= now;
        match seen {
            Some(seen) if !expired && !kept.has(seen) => {
                return Ok(Deleted::Changed(kept.stored()));
            }
            _ => drop(records.remove(key)),
        }
        Ok(if expired && seen.is_some() {
            Deleted::Gone
        } else {
            Deleted::Deleted
        })
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let mut records = self.records();
        let expired = records
            .iter()
            .filter(|(_, kept)| kept.expire_date < now)
            .map(|(key, _)| key.clone());
        let expired: Vec<SessionKey> = expired
            .take(usize::try_from(at_most).unwrap_or(usize::MAX))
            .collect();
        for key in &expired {
            records.remove(key);
        }
        Ok(expired.len() as u64)
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
