//! Histories of calls made at the same time, and whether one after the other would have answered the same.
//!
//! Herlihy and Wing's linearizability: each call seems to happen at one moment between its beginning and its
//! end. It is decided key by key, as calls of different keys never depend on each other.

mod check;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, Stored, Version,
};
use cloakroom_core::time::Timestamp;

use crate::figures::tell;
use crate::schedule::SplitMix64;
use crate::sessions::{new_key, record};
use check::is_linearizable;

/// So few different records that a record often becomes what it was before, which a comparison cannot see.
const RECORDS: [&str; 3] = [r#"{"a": 0}"#, r#"{"a": 1}"#, r#"{"a": 2}"#];
/// Callers of one key at the same time, and the calls of each.
const CALLERS: usize = 5;
const CALLS: usize = 6;

/// One call: what was asked, when it began and ended on one clock for all, and what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    began: u64,
    ended: u64,
    asked: Asked,
    answer: Answer,
}

/// What was asked; records are named by their place in [`RECORDS`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Load,
    Create(usize),
    Replace { seen: usize, by: usize },
    Delete { seen: Option<usize> },
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A load's answer, and what is there where something else was expected.
    Found(usize),
    /// There is nothing.
    Nothing,
    /// The call did what it was asked to do.
    Done,
    /// Another record has the key.
    KeyTaken,
    /// It failed or was cut off: it may have been done, now or later, or not.
    Unknown,
}

/// Has several callers use the same keys at the same time, some cut off, and requires that the answers are those
/// of some order of the calls (R10).
///
/// `CLOAKROOM_OPERATIONS` says how many calls are made, 3,000 if it says nothing; `CLOAKROOM_SEED` with which seed
/// they begin.
///
/// # Panics
/// The answers fit no order; the history that shows it is printed. Or more than a tenth of the calls failed, or less
/// than a tenth met another's change, so that little would be known.
pub async fn histories_are_linearizable(store: &Arc<dyn Store>) {
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(text) => text.parse().expect("it is a number"),
        Err(_) => otherwise,
    };
    let of_one_key = (CALLERS * CALLS) as u64;
    let keys = number("CLOAKROOM_OPERATIONS", 3_000).div_ceil(of_one_key);
    let first = number("CLOAKROOM_SEED", 0);
    let versions = Arc::new(versions(&**store).await);
    let (mut all, mut met, mut unknown) = (0, 0, 0);
    for seed in first..first + keys {
        let history = history(store, &versions, seed).await;
        all += history.len();
        unknown += history
            .iter()
            .filter(|one| one.answer == Answer::Unknown)
            .count();
        met += history.iter().filter(|one| one.met_another()).count();
        assert!(
            is_linearizable(&history),
            "seed {seed}: no order of these calls has these answers: {history:#?}"
        );
    }
    tell(&format!(
        r#""calls": {all}, "keys": {keys}, "met_another": {met}, "unknown": {unknown}"#
    ));
    assert!(unknown * 10 <= all, "{unknown} of {all} calls failed");
    assert!(met * 10 >= all, "they hardly met");
}

/// The version that each record has in this store, which never depends on when it was written.
async fn versions(store: &dyn Store) -> Vec<Version> {
    let mut versions = Vec::new();
    for number in 0..RECORDS.len() {
        let made = store.create(&new_key(), &numbered(number)).await;
        let Ok(Created::Created(version)) = made else {
            panic!("a new key is free: {made:?}");
        };
        versions.push(version);
    }
    versions
}

fn numbered(number: usize) -> Record {
    record(RECORDS[number], Timestamp::now().plus_seconds(3600))
}

async fn history(
    store: &Arc<dyn Store>,
    versions: &Arc<Vec<Version>>,
    seed: u64,
) -> Vec<Operation> {
    let key = new_key();
    let clock = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let caller = Caller {
                store: Arc::clone(store),
                versions: Arc::clone(versions),
                key: key.clone(),
                clock: Arc::clone(&clock),
                random: SplitMix64(seed.wrapping_mul(CALLERS as u64 + 1) + number as u64),
            };
            tokio::spawn(caller.call())
        })
        .collect();
    let mut history = Vec::new();
    for caller in callers {
        history.extend(caller.await.expect("no call panics"));
    }
    history
}

struct Caller {
    store: Arc<dyn Store>,
    versions: Arc<Vec<Version>>,
    key: SessionKey,
    clock: Arc<AtomicU64>,
    random: SplitMix64,
}

impl Caller {
    async fn call(mut self) -> Vec<Operation> {
        let mut history = Vec::with_capacity(CALLS);
        // What this caller saw last: mostly that is what it replaces and deletes, as a request does.
        let mut seen = None;
        for _ in 0..CALLS {
            let asked = self.ask(seen);
            // A store that never waits would let each caller make all its calls at once.
            for _ in 0..self.random.below(3) {
                tokio::task::yield_now().await;
            }
            let began = self.tick();
            let answer = if self.random.below(40) == 0 {
                self.cut_off(asked).await
            } else {
                self.make(asked).await
            };
            history.push(Operation {
                began,
                ended: self.tick(),
                asked,
                answer,
            });
            seen = match (answer, asked) {
                (Answer::Found(number), _) => Some(number),
                (Answer::Done, Asked::Create(number) | Asked::Replace { by: number, .. }) => {
                    Some(number)
                }
                _ => seen,
            };
        }
        history
    }

    fn ask(&mut self, last: Option<usize>) -> Asked {
        let other = self.random.below(RECORDS.len());
        let seen = last.filter(|_| self.random.below(4) > 0).unwrap_or(other);
        let by = self.random.below(RECORDS.len());
        match self.random.below(10) {
            0 | 1 => Asked::Load,
            2..=4 => Asked::Create(by),
            5..=7 => Asked::Replace { seen, by },
            8 => Asked::Delete { seen: Some(seen) },
            _ => Asked::Delete { seen: None },
        }
    }

    /// Goes away before the answer comes, soon or late.
    async fn cut_off(&mut self, asked: Asked) -> Answer {
        let moments = self.random.below(20);
        let gone = async {
            for _ in 0..moments {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            answer = self.make(asked) => answer,
            () = gone => Answer::Unknown,
        }
    }

    async fn make(&self, asked: Asked) -> Answer {
        let (store, key, now) = (&*self.store, &self.key, Timestamp::now());
        match asked {
            Asked::Load => match store.load(key, now).await {
                Ok(Some(stored)) => self.found(&stored),
                Ok(None) => Answer::Nothing,
                Err(_) => Answer::Unknown,
            },
            Asked::Create(number) => match store.create(key, &numbered(number)).await {
                Ok(Created::Created(version)) => self.done(&version, number),
                Ok(Created::KeyTaken) => Answer::KeyTaken,
                Err(_) => Answer::Unknown,
            },
            Asked::Replace { seen, by } => {
                let record = numbered(by);
                match store.replace(key, &self.versions[seen], &record, now).await {
                    Ok(Replaced::Replaced(version)) => self.done(&version, by),
                    Ok(Replaced::Changed(stored)) => self.found(&stored),
                    Ok(Replaced::Gone) => Answer::Nothing,
                    Err(_) => Answer::Unknown,
                }
            }
            Asked::Delete { seen } => {
                let seen = seen.map(|number| &self.versions[number]);
                match store.delete(key, seen, now).await {
                    Ok(Deleted::Deleted) => Answer::Done,
                    Ok(Deleted::Changed(stored)) => self.found(&stored),
                    Ok(Deleted::Gone) => Answer::Nothing,
                    Err(_) => Answer::Unknown,
                }
            }
        }
    }

    fn found(&self, stored: &Stored) -> Answer {
        let number = self
            .versions
            .iter()
            .position(|version| *version == stored.version);
        Answer::Found(number.expect("only these records are written here"))
    }

    fn done(&self, version: &Version, number: usize) -> Answer {
        assert!(
            *version == self.versions[number],
            "a record has another version than before"
        );
        Answer::Done
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

impl Operation {
    /// It found something else than what it was to replace or to delete, or nothing.
    const fn met_another(&self) -> bool {
        matches!(
            self.asked,
            Asked::Replace { .. } | Asked::Delete { seen: Some(_) }
        ) && matches!(self.answer, Answer::Found(_) | Answer::Nothing)
    }
}
