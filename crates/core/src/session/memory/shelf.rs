//! The sessions in memory, and in which order they end.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use crate::session::key::SessionKey;
use crate::session::store::{Record, Stored, Version};
use crate::time::Timestamp;

/// The map, and an order in which those are found that may go: without it, each newcomer to a full shelf would
/// cost a look at all of them.
///
/// The order is set right when somebody asks for it. Nobody has to move a session there that lives on, which is what most
/// writes do, nor to look for one that is removed.
#[derive(Default)]
pub(super) struct Shelf {
    records: HashMap<SessionKey, Kept>,
    /// Of those nobody has signed in to, and of the others.
    queues: [Queue; 2],
}

/// Whose turn it is to be looked at, soonest first. Each session has a turn at [`Kept::turn`], and may have left others.
type Queue = BinaryHeap<Reverse<(Timestamp, SessionKey)>>;

/// From so many turns on, those that were left are thrown away when they are more than half.
const MANY_TURNS: usize = 64;

/// A session as it is kept.
pub(super) struct Kept {
    json: Arc<str>,
    expire_date: Timestamp,
    /// Not after its end.
    turn: Timestamp,
    signed_in: bool,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, key: &SessionKey) -> Option<&Kept> {
        self.records.get(key)
    }

    /// The session under the key unless it has expired.
    pub(super) fn alive(&self, key: &SessionKey, now: Timestamp) -> Option<&Kept> {
        self.get(key).filter(|kept| kept.expire_date > now)
    }

    /// Keeps one under a key that nobody has.
    pub(super) fn add(&mut self, key: &SessionKey, kept: Kept) {
        self.queues[usize::from(kept.signed_in)].push(Reverse((kept.turn, key.clone())));
        self.records.insert(key.clone(), kept);
    }

    /// Keeps it in the place of what the key has.
    pub(super) fn change(&mut self, key: &SessionKey, mut kept: Kept) {
        let Some(before) = self.records.get_mut(key) else {
            return self.add(key, kept);
        };
        if before.signed_in == kept.signed_in && before.turn <= kept.expire_date {
            kept.turn = before.turn;
            *before = kept;
        } else {
            self.add(key, kept);
            self.forget_turns();
        }
    }

    pub(super) fn remove(&mut self, key: &SessionKey) {
        self.records.remove(key);
        self.forget_turns();
    }

    /// Removes up to so many that ended before `now`; how many there were.
    pub(super) fn remove_expired(&mut self, now: Timestamp, at_most: u32) -> u64 {
        let mut removed = 0;
        for signed_in in [false, true] {
            while removed < u64::from(at_most)
                && let Some((end, key)) = self.first(signed_in)
                && end < now
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

    /// The session that ends soonest, and when. A turn costs what it does once: it goes, or becomes its session's end.
    fn first(&mut self, signed_in: bool) -> Option<(Timestamp, SessionKey)> {
        let queue = &mut self.queues[usize::from(signed_in)];
        while let Some(mut first) = queue.peek_mut() {
            let Reverse((turn, key)) = &*first;
            match self.records.get_mut(key) {
                Some(kept) if kept.has_turn(signed_in, *turn) => {
                    if kept.expire_date == *turn {
                        return Some((*turn, key.clone()));
                    }
                    kept.turn = kept.expire_date;
                    first.0.0 = kept.expire_date;
                }
                _ => drop(PeekMut::pop(first)),
            }
        }
        None
    }

    /// Keeps what sessions have left in the queues from outgrowing the sessions.
    fn forget_turns(&mut self) {
        let turns: usize = self.queues.iter().map(BinaryHeap::len).sum();
        if turns <= 2 * self.records.len() + MANY_TURNS {
            return;
        }
        for (queue, signed_in) in self.queues.iter_mut().zip([false, true]) {
            queue.retain(|Reverse((turn, key))| {
                let kept = self.records.get(key);
                kept.is_some_and(|kept| kept.has_turn(signed_in, *turn))
            });
        }
    }
}

impl Kept {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            json: Arc::clone(record.json_text()),
            expire_date: record.expire_date(),
            turn: record.expire_date(),
            signed_in: record.is_signed_in(),
        }
    }

    /// Whether this turn is its own.
    fn has_turn(&self, signed_in: bool, turn: Timestamp) -> bool {
        self.signed_in == signed_in && self.turn == turn
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> SessionKey {
        SessionKey::parse(&format!("session-{number:08}")).unwrap()
    }

    fn kept(signed_in: bool, end: i64) -> Kept {
        let end = Timestamp::from_unix_seconds(end);
        Kept {
            json: "{}".into(),
            expire_date: end,
            turn: end,
            signed_in,
        }
    }

    fn turns(shelf: &Shelf) -> usize {
        shelf.queues.iter().map(BinaryHeap::len).sum()
    }

    #[test]
    fn who_lives_on_goes_later_and_who_ends_sooner_goes_before() {
        let mut shelf = Shelf::default();
        for number in 0..4 {
            shelf.add(&key(number), kept(false, 10 + i64::from(number)));
        }
        shelf.change(&key(0), kept(false, 50));
        shelf.change(&key(2), kept(false, 5));
        shelf.change(&key(3), kept(false, 4));
        shelf.change(&key(3), kept(false, 20));
        let mut order = Vec::new();
        while let Some((end, key)) = shelf.first(false) {
            order.push((end.unix_seconds(), key.as_str().to_owned()));
            assert!(shelf.remove_anonymous());
        }
        let expected =
            [(5, 2), (11, 1), (20, 3), (50, 0)].map(|(end, n)| (end, key(n).as_str().to_owned()));
        assert_eq!(order, expected);
        assert_eq!((shelf.len(), turns(&shelf)), (0, 0));
    }

    #[test]
    fn who_has_signed_in_is_no_visitor_any_more() {
        let mut shelf = Shelf::default();
        shelf.add(&key(1), kept(false, 10));
        shelf.change(&key(1), kept(true, 10));
        assert!(!shelf.remove_anonymous());
        assert_eq!(shelf.remove_expired(Timestamp::from_unix_seconds(11), 9), 1);
        assert_eq!(shelf.len(), 0);
    }

    #[test]
    fn only_so_many_are_removed_and_none_that_lives_on() {
        let mut shelf = Shelf::default();
        for number in 0..10 {
            shelf.add(&key(number), kept(number % 2 == 0, 10));
        }
        shelf.change(&key(0), kept(true, 30));
        let now = Timestamp::from_unix_seconds(20);
        assert_eq!(shelf.remove_expired(now, 6), 6);
        assert_eq!(shelf.remove_expired(now, 6), 3);
        assert_eq!(shelf.remove_expired(now, 6), 0);
        assert!(shelf.get(&key(0)).is_some());
    }

    #[test]
    fn what_sessions_leave_in_the_queues_does_not_outgrow_them() {
        let mut shelf = Shelf::default();
        for number in 0..1_000 {
            shelf.add(&key(number), kept(false, 1_000_000));
        }
        for sooner in 1..100_000 {
            shelf.change(&key(7), kept(sooner % 2 == 0, 1_000_000 - sooner));
            assert!(turns(&shelf) <= 2 * shelf.len() + MANY_TURNS);
        }
        for number in 1..1_000 {
            shelf.remove(&key(number));
            assert!(turns(&shelf) <= 2 * shelf.len() + MANY_TURNS);
        }
        assert_eq!(shelf.first(false).map(|(_, first)| first), Some(key(0)));
    }
}
