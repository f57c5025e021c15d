//! What all servers of a site have counted together.

use std::sync::Arc;

use super::Throttled;
use super::delay::Failures;
use super::track::Place;
use crate::session::{Codec, Created, Record, Replaced, Store, StoreError, Stored, Version};
use crate::time::Timestamp;

/// Counts in a [`Store`]: for each thing that is counted a small record under a key that nobody can name, which expires
/// when the count is to be forgotten. `create` and `replace` change only what they have seen, so two servers never count
/// two tries as one.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    store: Arc<dyn Store>,
    codec: Codec,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn Store>, codec: Codec) -> Self {
        Self { store, codec }
    }

    /// Counts one more; what there are then, or until when to wait.
    pub(super) async fn count(
        &self,
        place: &Place,
        now: Timestamp,
    ) -> Result<Result<Failures, (Throttled, Failures)>, StoreError> {
        let mut outcome = Ok(Failures::default());
        // Most who sign in have not failed before, so this begins as if there were nothing.
        self.change(place, None, now, |before| {
            if let Some(until) = before.wait(&place.delays, now) {
                outcome = Err((Throttled { until }, before));
                return None;
            }
            let after = before.and_one(&place.delays, now);
            outcome = Ok(after);
            Some(after)
        })
        .await?;
        Ok(outcome)
    }

    /// Counts one less.
    pub(super) async fn less_one(&self, place: &Place, now: Timestamp) -> Result<(), StoreError> {
        let seen = self.store.load(&place.key, now).await?;
        let less = |before: Failures| (before.number > 0).then(|| before.less_one());
        self.change(place, seen, now, less).await
    }

    /// Forgets all.
    pub(super) async fn forget(&self, place: &Place, now: Timestamp) -> Result<(), StoreError> {
        let _ = self.store.delete(&place.key, None, now).await?;
        Ok(())
    }

    /// Puts what `change` makes of the count in its place, unless it makes nothing of it. `seen` is what was found.
    async fn change(
        &self,
        place: &Place,
        mut seen: Option<Stored>,
        now: Timestamp,
        mut change: impl FnMut(Failures) -> Option<Failures>,
    ) -> Result<(), StoreError> {
        let key = &place.key;
        for _ in 0..MOST_TRIES {
            let before = seen.as_ref().map(|stored| self.read(stored));
            let Some(after) = change(before.unwrap_or_default()) else {
                return Ok(());
            };
            let record = self.record(place, after, now);
            let Some(stored) = &seen else {
                if self.store.create(key, &record).await? != Created::KeyTaken {
                    return Ok(());
                }
                seen = self.store.load(key, now).await?;
                if seen.is_none() {
                    // It has expired and was not cleared yet. No record that is alive has this version.
                    let expired = Version::of_text("");
                    let _ = self.store.delete(key, Some(&expired), now).await?;
                }
                continue;
            };
            match self
                .store
                .replace(key, &stored.version, &record, now)
                .await?
            {
                Replaced::Replaced(_) => return Ok(()),
                Replaced::Changed(stored) => seen = Some(stored),
                Replaced::Gone => seen = None,
            }
        }
        Err(StoreError::new(
            "too many servers count the same failures at once",
        ))
    }

    fn record(&self, place: &Place, failures: Failures, now: Timestamp) -> Record {
        let Failures { number, last } = failures;
        let json = format!(r#"{{"failures":{number},"last":{last}}}"#);
        let end = failures.end(&place.delays);
        Record::new(json.into(), end, self.codec.clone(), now)
    }

    /// What cannot be read is nothing: a record that nobody else could have made under this key was made under a key
    /// that has been taken away.
    fn read(&self, stored: &Stored) -> Failures {
        let Some(data) = stored.form.data(&self.codec) else {
            return Failures::default();
        };
        Failures {
            number: data.get("failures").ok().flatten().unwrap_or(0),
            last: data.get("last").ok().flatten().unwrap_or(0),
        }
    }
}

/// Each time another server has counted one.
const MOST_TRIES: u32 = 16;
