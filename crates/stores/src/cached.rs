//! A cache in front of a database: Django's `cached_db` engine.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cloakroom_core::session::{
    Codec, Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;

use crate::redis::RedisStore;
use crate::redis::cache::{Block, Cached};

/// Keeps sessions in a database and has Redis answer for it, as Django's `cached_db` engine does.
///
/// The database has the truth: every write compares there. Before it a pickled `None` goes into the cache, which
/// Django takes for nothing; afterwards the new value takes its place, but only if nobody else has written
/// meanwhile. A delete puts it there before and after, and it stays for five minutes. So nobody who read the database before, however slow,
/// can put back into the cache what has changed or ended since: between Cloakroom processes the cache is never
/// behind what was acknowledged. A Django that is slow between its read of the database and its unconditional write to
/// the cache can still do that.
///
/// A cache that fails is logged, left alone for a second, and the database answers; what a write could not tell the
/// cache it tries to tell it once more. Deleting is refused then: a session that is deleted in the database
/// only would live on in the cache, and a logout that is acknowledged has to hold.
///
/// Every write costs one more read of the database than without a cache, as the cache does not know the row.
///
/// The cache's [`RedisOptions`](crate::RedisOptions) should have
/// [`CACHED_DB`](crate::RedisOptions::CACHED_DB) as their prefix, and a short deadline: while the cache hangs, a page a
/// second waits for it.
#[derive(Clone)]
pub struct CachedStore(Arc<Shared>);

struct Shared {
    cache: RedisStore,
    database: Arc<dyn Store>,
    codec: Codec,
    /// When the cache failed last.
    failed: Mutex<Option<Instant>>,
}

/// How long a cache that failed is not asked for sessions.
const REST: Duration = Duration::from_secs(1);

impl CachedStore {
    /// `codec` reads what the database keeps: the one that the site's sessions are saved with.
    #[must_use]
    pub fn new(cache: RedisStore, database: Arc<dyn Store>, codec: Codec) -> Self {
        Self(Arc::new(Shared {
            cache,
            database,
            codec,
            failed: Mutex::new(None),
        }))
    }

    /// What the database found, under the version that it has here: the data, whichever of the two they come from.
    fn seen(&self, mut stored: Stored) -> Stored {
        if let Some(data) = stored.form.data(&self.0.codec) {
            stored.version = Version::of_bytes(data.to_pickle());
        }
        stored
    }

    /// What the cache has, if it can be asked.
    async fn cached(&self, key: &SessionKey) -> Cached {
        if self.is_resting() {
            return Cached::Blocked;
        }
        // A cache that fails must not be filled either with what was read while it did.
        let found = self.0.cache.peek(key).await;
        self.logged(found).unwrap_or(Cached::Blocked)
    }

    /// The row and its own version, if its data are the ones that were seen.
    async fn row(
        &self,
        key: &SessionKey,
        seen: &Version,
        now: Timestamp,
    ) -> Result<Row, StoreError> {
        let Some(stored) = self.0.database.load(key, now).await? else {
            return Ok(Row::Gone);
        };
        let version = stored.version.clone();
        let stored = self.seen(stored);
        Ok(if stored.version == *seen {
            Row::Seen(version)
        } else {
            Row::Changed(stored)
        })
    }

    /// Tells the cache what the database has now.
    async fn tell(&self, key: &SessionKey, block: Option<Block>, record: &Record) {
        let told = match block {
            Some(block) => self.0.cache.unblock(key, block, record).await,
            // It did not hear that something changes, so it may still have what was there before.
            None => self.0.cache.block(key).await.map(drop),
        };
        let _ = self.logged(told);
    }

    fn is_resting(&self) -> bool {
        let failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|failed| failed.elapsed() < REST)
    }

    fn logged<T>(&self, answer: Result<T, StoreError>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, "the sessions' cache fails; the database answers instead");
                let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some(Instant::now());
                None
            }
        }
    }
}

#[async_trait]
impl Store for CachedStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        let cached = self.cached(key).await;
        let nothing = matches!(cached, Cached::Nothing);
        if let Cached::Value(stored) = cached {
            // What the cache has and we cannot read, the database may have so that we can.
            if stored.expire_date > now && stored.form.data(&self.0.codec).is_some() {
                return Ok(Some(self.seen(stored)));
            }
        }
        let Some(stored) = self.0.database.load(key, now).await? else {
            return Ok(None);
        };
        let stored = self.seen(stored);
        if nothing && stored.form.data(&self.0.codec).is_some() {
            // The version is what stands in the cache.
            let fill = self
                .0
                .cache
                .fill(key, stored.version.as_bytes(), stored.expire_date);
            let _ = self.logged(fill.await);
        }
        Ok(Some(stored))
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        if let Created::KeyTaken = self.0.database.create(key, record).await? {
            return Ok(Created::KeyTaken);
        }
        let fill = self
            .0
            .cache
            .fill(key, record.pickled(), record.expire_date());
        let _ = self.logged(fill.await);
        Ok(Created::Created(version(record)))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let block = self.logged(self.0.cache.block(key).await);
        let row = match self.row(key, seen, now).await? {
            Row::Seen(row) => row,
            Row::Changed(stored) => return Ok(Replaced::Changed(stored)),
            Row::Gone => return Ok(Replaced::Gone),
        };
        match self.0.database.replace(key, &row, record, now).await? {
            Replaced::Replaced(_) => {
                self.tell(key, block, record).await;
                Ok(Replaced::Replaced(version(record)))
            }
            Replaced::Changed(stored) => Ok(Replaced::Changed(self.seen(stored))),
            Replaced::Gone => Ok(Replaced::Gone),
        }
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        // Without this a deleted session would live on, so nothing is deleted then.
        self.0.cache.block(key).await?;
        let row = match seen {
            None => None,
            Some(seen) => match self.row(key, seen, now).await? {
                Row::Seen(row) => Some(row),
                Row::Changed(stored) => return Ok(Deleted::Changed(stored)),
                // It may have expired, and is to be removed then.
                Row::Gone => Some(seen.clone()),
            },
        };
        Ok(
            match self.0.database.delete(key, row.as_ref(), now).await? {
                Deleted::Deleted => {
                    // Whoever began to write after our None, and was through in the database before us, finds his own
                    // in its place and would put the session back.
                    self.0.cache.block(key).await?;
                    Deleted::Deleted
                }
                Deleted::Changed(stored) => Deleted::Changed(self.seen(stored)),
                Deleted::Gone => Deleted::Gone,
            },
        )
    }

    /// The cache removes by itself what has expired.
    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.0.database.clear_expired(now, at_most).await
    }
}

impl fmt::Debug for CachedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CachedStore")
            .field("cache", &self.0.cache)
            .field("database", &self.0.database)
            .finish_non_exhaustive()
    }
}

/// What the database has of a session.
enum Row {
    /// The data that were seen, under this version of the row.
    Seen(Version),
    Changed(Stored),
    Gone,
}

fn version(record: &Record) -> Version {
    Version::of_bytes(record.plain_pickle())
}
