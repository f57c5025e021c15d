//! What this process has counted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Throttled;
use super::delay::Failures;
use super::track::{Place, Track};
use crate::session::SessionKey;
use crate::time::Timestamp;

/// Counts in memory that is bounded whoever comes: two maps of the same size, of which the older is dropped when the
/// newer is full. What was touched last is in the newer one, so what is dropped was not touched for the longest time.
#[derive(Debug)]
pub(super) struct Local {
    generations: Mutex<[HashMap<SessionKey, Failures>; 2]>,
    /// Of each map.
    capacity: usize,
}

impl Local {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            generations: Mutex::default(),
            capacity,
        }
    }

    /// Until when this try has to wait, as far as this process knows.
    pub(super) fn wait(&self, track: &Track, now: Timestamp) -> Option<Timestamp> {
        let generations = self.lock();
        longest_wait(&generations, track, now)
    }

    /// Counts one try under everything it is counted under, or under nothing if it has to wait: all in one step, so that
    /// of any number at the same time no more pass than may.
    pub(super) fn count(&self, track: &Track, now: Timestamp) -> Result<(), Throttled> {
        let mut generations = self.lock();
        if let Some(until) = longest_wait(&generations, track, now) {
            return Err(Throttled { until });
        }
        for place in &track.0 {
            let failures = found(&generations, &place.key).and_one(&place.delays, now);
            self.put(&mut generations, place, failures);
        }
        Ok(())
    }

    /// Takes over what another process has counted, if that is more.
    pub(super) fn learn(&self, place: &Place, there: Failures) {
        let mut generations = self.lock();
        let here = found(&generations, &place.key);
        let more = Failures {
            number: here.number.max(there.number),
            last: here.last.max(there.last),
        };
        self.put(&mut generations, place, more);
    }

    pub(super) fn less_one(&self, place: &Place) {
        let mut generations = self.lock();
        let failures = found(&generations, &place.key).less_one();
        self.put(&mut generations, place, failures);
    }

    pub(super) fn forget(&self, place: &Place) {
        for generation in self.lock().iter_mut() {
            generation.remove(&place.key);
        }
    }

    fn put(&self, generations: &mut Generations<'_>, place: &Place, failures: Failures) {
        let [newer, older] = &mut **generations;
        if newer.len() >= self.capacity && !newer.contains_key(&place.key) {
            *older = std::mem::take(newer);
        }
        newer.insert(place.key.clone(), failures);
    }

    fn lock(&self) -> Generations<'_> {
        // No call leaves a map half changed.
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

type Generations<'a> = MutexGuard<'a, [HashMap<SessionKey, Failures>; 2]>;

fn found(generations: &Generations<'_>, key: &SessionKey) -> Failures {
    let mut found = generations
        .iter()
        .filter_map(|generation| generation.get(key));
    found.next().copied().unwrap_or_default()
}

fn longest_wait(generations: &Generations<'_>, track: &Track, now: Timestamp) -> Option<Timestamp> {
    let waits = track.0.iter();
    waits
        .filter_map(|place| found(generations, &place.key).wait(&place.delays, now))
        .max()
}

#[cfg(test)]
mod tests {
    use super::super::Delays;
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn track(name: &str) -> Track {
        Track(vec![Place {
            key: SessionKey::parse(&format!("{name:0>8}")).unwrap(),
            delays: Delays::BOTH,
            forgives: true,
        }])
    }

    /// T8: 10^5 names, and the memory is bounded, and the one that was tried throughout is still counted.
    #[test]
    fn however_many_come_no_more_is_kept_and_who_goes_on_is_not_forgotten() {
        let local = Local::new(1000);
        let persistent = track("mallory");
        for number in 0..100_000 {
            let _ = local.count(&track(&number.to_string()), NOW);
            if number % 900 == 0 {
                let _ = local.count(&persistent, NOW);
            }
        }
        let kept: usize = local.lock().iter().map(HashMap::len).sum();
        assert!(kept <= 2000, "{kept}");
        assert!(local.wait(&persistent, NOW).is_some());
        assert_eq!(
            local.wait(&track("ann"), NOW),
            None,
            "nobody else waits for it"
        );
    }

    #[test]
    fn what_waits_for_one_reason_is_counted_for_none() {
        let local = Local::new(1000);
        let (ann, address) = (track("ann"), track("address"));
        let whole = Track([ann.0.clone(), address.0.clone()].concat());
        for _ in 0..5 {
            assert_eq!(local.count(&ann, NOW), Ok(()));
        }
        for _ in 0..100 {
            assert!(local.count(&whole, NOW).is_err());
        }
        assert_eq!(local.wait(&address, NOW), None);
    }
}
