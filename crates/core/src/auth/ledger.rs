//! What is remembered of tokens: small records in the store of sessions.

use std::fmt;
use std::sync::Arc;

use crate::secret::Secrets;
use crate::session::{
    Codec, Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored,
};
use crate::signing::SaltedHmac;
use crate::time::Timestamp;

/// Keeps records under ids that tokens carry, until they end. Whatever clears expired sessions clears them.
///
/// # Security
/// The key of a record is a MAC of the id, with as many characters as Django's table has room for. Who holds a token
/// knows the id; if it were the key, it could be sent as a session cookie to a Django with the same table, and the
/// record be deleted by signing out there.
#[derive(Clone)]
pub(super) struct Ledger {
    store: Arc<dyn Store>,
    codec: Codec,
    /// The one under which is written comes first.
    hashers: Arc<[SaltedHmac]>,
}

/// A record that was found, and where.
pub(super) struct Entry {
    key: SessionKey,
    stored: Stored,
}

/// What became of a record that was to be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Done,
    /// Somebody else was first.
    Lost,
}

impl Ledger {
    const KEY_LENGTH: usize = 40;
    /// Seconds that a record outlives its tokens: clocks of several machines differ.
    pub(super) const MARGIN: i64 = 3600;

    pub(super) fn new(
        store: Arc<dyn Store>,
        secrets: &Secrets,
        codec: Codec,
        salt: &'static [u8],
    ) -> Self {
        let hashers = secrets.iter().map(|secret| SaltedHmac::new(salt, secret));
        Self {
            store,
            codec,
            hashers: hashers.collect(),
        }
    }

    /// Takes an id for good; false if it was taken. Of several who try at once one succeeds.
    pub(super) async fn take(
        &self,
        id: &str,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Under a former key, by a process that had that one.
        for key in self.keys(id).skip(1) {
            if self.store.load(&key, now).await?.is_some() {
                return Ok(false);
            }
        }
        self.add(id, "{}", ends_at, now).await
    }

    /// Keeps a new record; false if there is one under this id, be it expired.
    pub(super) async fn add(
        &self,
        id: &str,
        json: &str,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let record = self.record(json, ends_at, now);
        for key in self.keys(id).take(1) {
            if self.store.create(&key, &record).await? == Created::KeyTaken {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn find(&self, id: &str, now: Timestamp) -> Result<Option<Entry>, StoreError> {
        for key in self.keys(id) {
            if let Some(stored) = self.store.load(&key, now).await? {
                return Ok(Some(Entry { key, stored }));
            }
        }
        Ok(None)
    }

    /// The record's text; `None` for one that cannot be read.
    pub(super) fn text(&self, entry: &Entry) -> Option<Arc<str>> {
        let data = entry.stored.form.data(&self.codec)?;
        Some(Arc::clone(data.text()))
    }

    /// Changes the record if it is still what was found.
    pub(super) async fn replace(
        &self,
        entry: &Entry,
        json: &str,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let record = self.record(json, ends_at, now);
        let seen = &entry.stored.version;
        match self.store.replace(&entry.key, seen, &record, now).await? {
            Replaced::Replaced(_) => Ok(Change::Done),
            Replaced::Changed(_) | Replaced::Gone => Ok(Change::Lost),
        }
    }

    /// Removes the record, whatever it holds; false if there is none.
    pub(super) async fn remove(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut removed = false;
        for key in self.keys(id) {
            removed |= matches!(self.store.delete(&key, None, now).await?, Deleted::Deleted);
        }
        Ok(removed)
    }

    fn record(&self, json: &str, ends_at: Timestamp, now: Timestamp) -> Record {
        let ends_at = ends_at.plus_seconds(Self::MARGIN);
        Record::new(json.into(), ends_at, self.codec.clone(), now)
    }

    fn keys(&self, id: &str) -> impl Iterator<Item = SessionKey> {
        self.hashers.iter().filter_map(move |hasher| {
            let mut digits = hasher.hex(id.as_bytes());
            digits.truncate(Self::KEY_LENGTH);
            // Hexadecimal digits are a key.
            SessionKey::parse(&digits)
        })
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ledger")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
