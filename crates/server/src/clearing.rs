//! Deleting expired sessions, in batches: for the command, and on the server's own schedule.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::auth::SessionList;
use cloakroom_core::session::{Store, StoreError};
use cloakroom_core::time::Timestamp;
use tracing::{info, warn};

/// How long a batch should take: who waits for the database meanwhile hardly notices. How many rows that are differs between
/// databases and disks by a factor of ten.
const STRETCH: Duration = Duration::from_millis(20);
/// Sessions of the first batch.
const FIRST: u32 = 250;
/// Below this the commits would cost more than the rows.
const FEWEST: u32 = 50;
/// So many rows are locked at once at most, however fast they go.
const MOST: u32 = 5_000;
/// How often a batch is tried in all. A lock or a deadlock is over by then; what lasts longer is for a person.
const TRIES: u32 = 5;
/// Before the first repetition; each further pause is twice as long, so that all take three seconds.
const PAUSE: Duration = Duration::from_millis(200);

/// Deletes all that has expired, and says of each batch how many there are so far.
///
/// Each batch is deleted whole or not at all, so whoever stops this loses nothing and may begin again. After each it
/// waits for as long as the batch took: half of the time belongs to the visitors.
///
/// # Errors
/// A batch failed again and again.
pub async fn clear(store: &dyn Store, mut so_far: impl FnMut(u64)) -> Result<u64, StoreError> {
    // One moment for all of them, so that this ends however fast sessions expire.
    let now = Timestamp::now();
    let mut total = 0;
    let mut size = FIRST;
    loop {
        let start = Instant::now();
        let removed = batch(store, now, size).await?;
        let took = start.elapsed();
        total += removed;
        so_far(total);
        if removed < u64::from(size) {
            return Ok(total);
        }
        size = next_size(size, took);
        tokio::time::sleep(took).await;
    }
}

/// How many may take [`STRETCH`], after so many took this long.
fn next_size(size: u32, took: Duration) -> u32 {
    let fitting = f64::from(size) * STRETCH.as_secs_f64() / took.as_secs_f64().max(1e-6);
    // A float beyond the integers becomes the greatest of them.
    (fitting as u32).min(size * 2).clamp(FEWEST, MOST)
}

async fn batch(store: &dyn Store, now: Timestamp, size: u32) -> Result<u64, StoreError> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match store.clear_expired(now, size).await {
            Ok(removed) => return Ok(removed),
            Err(error) => warn!(%error, "expired sessions could not be deleted; trying again"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    store.clear_expired(now, size).await
}

/// Clears a minute after the start and then each time that `every` has passed, for as long as the server runs.
pub(crate) async fn on_schedule(store: Arc<dyn Store>, every: Duration) {
    tokio::time::sleep(AFTER_START.min(every)).await;
    loop {
        match clear(&*store, |_| {}).await {
            Ok(total) => info!(total, "expired sessions deleted"),
            Err(error) => warn!(%error, "expired sessions are left for the next time"),
        }
        tokio::time::sleep(every).await;
    }
}

/// Clears the list of sessions as often, of those that nobody can have used for longer than `age` seconds.
pub(crate) async fn list_on_schedule(list: Arc<dyn SessionList>, age: i64, every: Duration) {
    tokio::time::sleep(AFTER_START.min(every)).await;
    loop {
        if let Err(error) = clear_list(&*list, age).await {
            warn!(%error, "the list of sessions is cleared the next time");
        }
        tokio::time::sleep(every).await;
    }
}

/// Takes the sessions out of the list that are over and were last seen more than `age` seconds ago.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn clear_list(list: &dyn SessionList, age: i64) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let before = now.plus_seconds(-age);
    while list.clear_unseen(before, now, FIRST).await? == u64::from(FIRST) {
        tokio::time::sleep(STRETCH).await;
    }
    Ok(())
}

/// A server that is started once a day would otherwise never come to it.
const AFTER_START: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use cloakroom_core::session::{
        Created, Deleted, Record, Replaced, SessionKey, Stored, Version,
    };

    use super::*;

    /// Some thousand expired sessions, and calls that fail by their number.
    #[derive(Debug)]
    struct Expired {
        left: AtomicU32,
        calls: AtomicU32,
        fails: fn(u32) -> bool,
    }

    impl Expired {
        fn new(left: u32, fails: fn(u32) -> bool) -> Arc<Self> {
            Arc::new(Self {
                left: AtomicU32::new(left),
                calls: AtomicU32::new(0),
                fails,
            })
        }

        fn left(&self) -> u32 {
            self.left.load(Ordering::SeqCst)
        }
    }

    #[async_trait]
    impl Store for Expired {
        async fn clear_expired(&self, _: Timestamp, at_most: u32) -> Result<u64, StoreError> {
            if (self.fails)(self.calls.fetch_add(1, Ordering::SeqCst)) {
                return Err(StoreError::new("the table is locked"));
            }
            let removed = self.left().min(at_most);
            self.left.fetch_sub(removed, Ordering::SeqCst);
            Ok(removed.into())
        }

        async fn load(&self, _: &SessionKey, _: Timestamp) -> Result<Option<Stored>, StoreError> {
            unimplemented!()
        }

        async fn create(&self, _: &SessionKey, _: &Record) -> Result<Created, StoreError> {
            unimplemented!()
        }

        async fn replace(
            &self,
            _: &SessionKey,
            _: &Version,
            _: &Record,
            _: Timestamp,
        ) -> Result<Replaced, StoreError> {
            unimplemented!()
        }

        async fn delete(
            &self,
            _: &SessionKey,
            _: Option<&Version>,
            _: Timestamp,
        ) -> Result<Deleted, StoreError> {
            unimplemented!()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_is_cleared_batch_by_batch() {
        // The store takes no time, so each batch is twice as large as the last.
        for (left, batches) in [(0, 1), (249, 1), (250, 2), (749, 2), (750, 3)] {
            let store = Expired::new(left, |_| false);
            let mut said = Vec::new();
            let total = clear(&*store, |total| said.push(total)).await.unwrap();
            assert_eq!((total, store.left()), (left.into(), 0));
            assert_eq!(said.len(), batches, "{left}: {said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_fails_is_tried_again_and_not_for_ever() {
        // Four of five calls fail, in every batch.
        let store = Expired::new(700, |call| call % 5 != 4);
        assert_eq!(clear(&*store, |_| {}).await.unwrap(), 700);
        let store = Expired::new(700, |call| call > 0);
        assert!(clear(&*store, |_| {}).await.is_err());
        assert_eq!(store.left(), 450, "what was deleted is deleted");
        assert_eq!(store.calls.load(Ordering::SeqCst), 1 + TRIES);
    }

    #[test]
    fn the_next_batch_takes_about_as_long_as_one_should() {
        let millis = Duration::from_millis;
        assert_eq!(next_size(1_000, millis(20)), 1_000);
        assert_eq!(next_size(1_000, millis(80)), 250);
        assert_eq!(next_size(1_000, millis(15)), 1_333);
        assert_eq!(next_size(1_000, Duration::ZERO), 2_000);
        assert_eq!(next_size(4_000, millis(1)), MOST);
        assert_eq!(next_size(250, Duration::from_secs(3_600)), FEWEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_does_not_end_the_schedule() {
        let store = Expired::new(10, |call| call < TRIES);
        let running = tokio::spawn(on_schedule(
            Arc::clone(&store) as _,
            Duration::from_secs(3600),
        ));
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(store.left(), 10);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(store.left(), 0);
        running.abort();
    }
}
