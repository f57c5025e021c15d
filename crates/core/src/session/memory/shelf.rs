//! The sessions in memory, and in which order they end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::session::key::SessionKey;
use crate::session::store::{Record, Stored, Version};
use crate::time::Timestamp;

/// The map, and an order in which those are found that may go: without it, each newcomer to a full shelf would
/// cost a look at all of them.
#[derive(Default)]
pub(super) struct Shelf {
    records: HashMap<SessionKey, (Place, Kept)>,
    /// By whether somebody has signed in, then by when they end.
    places: BTreeMap<Place, SessionKey>,
    /// Tells places from each other that end at the same time.
    next: u64,
}

/// Where a session stands in the order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    signed_in: bool,
    end: Timestamp,
    number: u64,
}

/// A session as it is kept.
pub(super) struct Kept {
    json: Arc<str>,
    expire_date: Timestamp,
    signed_in: bool,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, key: &SessionKey) -> Option<&Kept> {
        self.records.get(key).map(|(_, kept)| kept)
    }

    /// The session under the key unless it has expired.
    pub(super) fn alive(&self, key: &SessionKey, now: Timestamp) -> Option<&Kept> {
        self.get(key).filter(|kept| kept.expire_date > now)
    }

    /// Keeps it in the place of what the key has.
    pub(super) fn put(&mut self, key: &SessionKey, kept: Kept) {
        let place = Place {
            signed_in: kept.signed_in,
            end: kept.expire_date,
            number: self.next,
        };
        self.next += 1;
        let before = self.records.insert(key.clone(), (place, kept));
        if let Some((before, _)) = before {
            self.places.remove(&before);
        }
        self.places.insert(place, key.clone());
    }

    pub(super) fn remove(&mut self, key: &SessionKey) {
        if let Some((place, _)) = self.records.remove(key) {
            self.places.remove(&place);
        }
    }

    /// Removes up to so many that ended before `now`; how many there were.
    pub(super) fn remove_expired(&mut self, now: Timestamp, at_most: u32) -> u64 {
        let mut removed = 0;
        for signed_in in [false, true] {
            while removed < u64::from(at_most)
                && let Some((place, key)) = self.first(signed_in)
                && place.end < now
            {
                self.remove(&key);
                removed += 1;
            }
        }
        removed
    }

    /// Removes that session that ends soonest of those nobody has signed in to; whether there was one.
    pub(super) fn remove_anonymous(&mut self) -> bool {
        let first = self.first(false);
        if let Some((_, key)) = &first {
            self.remove(key);
        }
        first.is_some()
    }

    fn first(&self, signed_in: bool) -> Option<(Place, SessionKey)> {
        let from = Place {
            signed_in,
            end: Timestamp::MIN,
            number: 0,
        };
        let (place, key) = self.places.range(from..).next()?;
        (place.signed_in == signed_in).then(|| (*place, key.clone()))
    }
}

impl Kept {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            json: Arc::clone(record.json_text()),
            expire_date: record.expire_date(),
            signed_in: record.is_signed_in(),
        }
    }

    pub(super) const fn expire_date(&self) -> Timestamp {
        self.expire_date
    }

    pub(super) const fn is_signed_in(&self) -> bool {
        self.signed_in
    }

    pub(super) fn version(&self) -> Version {
        Version::of_text(Arc::clone(&self.json))
    }

    pub(super) fn stored(&self) -> Stored {
        Stored::json(Arc::clone(&self.json), self.expire_date)
    }
}
