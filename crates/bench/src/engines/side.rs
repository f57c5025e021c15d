//! What both sides of a comparison do, ours and the bare call, and how they are measured in turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::session::{
    Codec, Created, Record, Replaced, SessionData, SessionKey, Store, Version,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::runtime::Runtime;

use super::Operation;
use crate::clock;
use crate::pairs::{Pairs, Turn};
use crate::visitors::{Visitor, Visitors, secrets};

/// What one line of the table compares.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    pub(super) way: Way,
    /// Calls of ours that are under way at the same time. The bare call has one connection, and so one.
    pub(super) at_once: usize,
}

/// How a bare call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The driver waits without blocking.
    Async,
    /// On the calling thread, which can do nothing else meanwhile.
    Here,
    /// On a thread for calls that block, as `tokio::fs` does.
    Handed,
}

/// Calls on one engine. What fails, or does not find what it should, panics or is `None`.
pub(super) trait Side {
    /// The session's data, read and verified.
    async fn load(&mut self, key: &SessionKey, now: Timestamp) -> Option<SessionData>;

    /// Keeps a new session, and says its version.
    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version>;

    /// Puts the record in the place of the version that was seen, and says the new one.
    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Option<Version>;
}

/// One of our stores.
#[derive(Clone)]
pub(super) struct Ours {
    store: Arc<dyn Store>,
    codec: Codec,
}

impl Ours {
    pub(super) fn new(store: impl Store + 'static) -> Self {
        Self {
            store: Arc::new(store),
            codec: codec(),
        }
    }
}

impl Side for Ours {
    async fn load(&mut self, key: &SessionKey, now: Timestamp) -> Option<SessionData> {
        let found = self.store.load(key, now).await.expect("the store answers");
        found?.form.data(&self.codec)
    }

    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version> {
        let created = self.store.create(key, record).await;
        match created.expect("the store answers") {
            Created::Created(version) => Some(version),
            Created::KeyTaken => None,
        }
    }

    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Option<Version> {
        let replaced = self.store.replace(key, seen, record, now).await;
        match replaced.expect("the store answers") {
            Replaced::Replaced(version) => Some(version),
            Replaced::Changed(_) | Replaced::Gone => None,
        }
    }
}

/// What is to be done with both sides.
#[derive(Clone, Copy)]
pub(super) enum Task {
    /// So many pairs of measurements.
    Measure(usize),
    /// So many calls of one side, and nothing else.
    Count(Turn, usize),
}

/// Measures both sides, in microseconds of this process for one call; none where calls are only to be counted.
pub(super) fn run(
    runtime: &Runtime,
    operation: Operation,
    count: usize,
    comparison: Comparison,
    mut ours: Ours,
    mut bare: impl Side,
    task: Task,
) -> Option<Pairs> {
    let mut our_sessions = runtime.block_on(Sessions::keep(&mut ours));
    let mut bare_sessions = runtime.block_on(Sessions::keep(&mut bare));
    runtime.block_on(our_sessions.check(&mut ours));
    runtime.block_on(bare_sessions.check(&mut bare));
    let mut make = |turn, count, time: fn(&mut dyn FnMut()) -> Duration| {
        let sessions = match turn {
            Turn::Ours => &mut our_sessions,
            Turn::Theirs => &mut bare_sessions,
        };
        let mut calls = sessions.calls(operation, count);
        let mut answers = Vec::with_capacity(count);
        let taken = time(&mut || {
            let calls = std::mem::take(&mut calls);
            match turn {
                Turn::Ours if comparison.at_once > 1 => {
                    let at_once = comparison.at_once;
                    runtime.block_on(many(&ours, operation, calls, at_once, &mut answers));
                }
                Turn::Ours => counted(runtime, &mut ours, operation, calls, &mut answers),
                Turn::Theirs => counted(runtime, &mut bare, operation, calls, &mut answers),
            }
        });
        if operation == Operation::Replace {
            sessions.saw(answers);
        }
        taken.as_secs_f64() * 1e6 / count as f64
    };
    match task {
        Task::Measure(rounds) => Some(Pairs::measure(rounds, |turn| {
            make(turn, count, |work| clock::time(work))
        })),
        Task::Count(turn, count) => {
            // Each visitor's session is replaced at most once at a time.
            for _ in 0..count / ROUND {
                // Under valgrind there is no such clock.
                make(turn, ROUND, |work| {
                    work();
                    Duration::ZERO
                });
            }
            None
        }
    }
}

/// Calls in a round that are only counted.
const ROUND: usize = 256;

/// Makes the calls one after the other. Kept apart by its name for `instructions`.
#[inline(never)]
fn counted(
    runtime: &Runtime,
    side: &mut impl Side,
    operation: Operation,
    calls: Vec<Call>,
    answers: &mut Vec<Answer>,
) {
    runtime.block_on(async {
        for call in calls {
            answers.push(answer(side, operation, call).await);
        }
    });
}

/// The sessions of one side, and the versions that are there.
struct Sessions {
    visitors: Vec<Visitor>,
    seen: Vec<Version>,
    codec: Codec,
    /// Makes what is written differ from what is there.
    written: u64,
}

/// A call that is made ready before the clock starts.
struct Call {
    /// Which visitor's session it is, where it is one's.
    place: usize,
    key: SessionKey,
    /// What is to be replaced.
    seen: Option<Version>,
    record: Record,
}

/// A new version, and whose.
type Answer = (usize, Option<Version>);

impl Sessions {
    async fn keep(side: &mut impl Side) -> Self {
        let mut sessions = Self {
            visitors: Visitors::all(),
            seen: Vec::new(),
            codec: codec(),
            written: 0,
        };
        for place in 0..sessions.visitors.len() {
            let key = sessions.key(place);
            let version = side.create(&key, &sessions.record(place)).await;
            sessions.seen.push(version.expect("the key is new"));
        }
        sessions
    }

    /// A comparison of two programs that do different things would say nothing: each finds what was kept last, makes
    /// nothing twice, and replaces nothing that was not seen.
    async fn check(&mut self, side: &mut impl Side) {
        let now = Timestamp::now();
        let (key, record) = (self.key(0), self.record(0));
        assert!(side.create(&key, &record).await.is_none(), "made twice");
        let other = Version::of_bytes(*b"something that is not there");
        let replaced = side.replace(&key, &other, &record, now).await;
        assert!(replaced.is_none(), "what was not seen was replaced");
        let replaced = side.replace(&key, &self.seen[0], &record, now).await;
        self.seen[0] = replaced.expect("what was seen is there");
        let data = side.load(&key, now).await.expect("it is there");
        let visits = data.get::<u64>("visits").expect("it is a number");
        assert_eq!(visits, Some(visits_of(self.written)), "not what was kept");
    }

    fn key(&self, place: usize) -> SessionKey {
        SessionKey::parse(&self.visitors[place].key).expect("it is long enough")
    }

    fn record(&mut self, place: usize) -> Record {
        self.written += 1;
        let json = &self.visitors[place].json;
        // Always as long as before.
        let before = json
            .split_once("\"visits\":")
            .expect("each has a counter")
            .0;
        let json = format!("{before}\"visits\":{}}}", visits_of(self.written));
        let now = Timestamp::now();
        Record::new(
            json.into(),
            now.plus_seconds(1_209_600),
            self.codec.clone(),
            now,
        )
    }

    fn calls(&mut self, operation: Operation, count: usize) -> Vec<Call> {
        let call = |number: usize| {
            let place = number % self.visitors.len();
            let (key, seen) = match operation {
                Operation::Load => (self.key(place), None),
                Operation::Replace => (self.key(place), Some(self.seen[place].clone())),
                Operation::Create => {
                    let key = SessionKey::generate();
                    (key.expect("the system has random numbers"), None)
                }
            };
            let record = self.record(place);
            Call {
                place,
                key,
                seen,
                record,
            }
        };
        (0..count).map(call).collect()
    }

    fn saw(&mut self, answers: Vec<Answer>) {
        for (place, version) in answers {
            self.seen[place] = version.expect("what was seen was there");
        }
    }
}

const fn visits_of(written: u64) -> u64 {
    1_000_000 + written % 1_000_000
}

async fn many(
    side: &Ours,
    operation: Operation,
    calls: Vec<Call>,
    at_once: usize,
    answers: &mut Vec<Answer>,
) {
    let mut calls = VecDeque::from(calls);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < at_once
            && let Some(call) = calls.pop_front()
        {
            let mut side = side.clone();
            under_way.push(async move { answer(&mut side, operation, call).await });
        }
        let Some(answer) = under_way.next().await else {
            return;
        };
        answers.push(answer);
    }
}

async fn answer(side: &mut impl Side, operation: Operation, call: Call) -> Answer {
    let Call {
        place,
        key,
        seen,
        record,
    } = call;
    let now = Timestamp::now();
    let version = match operation {
        Operation::Load => {
            let data = side.load(&key, now).await;
            assert!(
                data.is_some_and(|data| !data.is_empty()),
                "a session is gone"
            );
            None
        }
        Operation::Create => {
            let version = side.create(&key, &record).await;
            Some(version.expect("the key is new"))
        }
        Operation::Replace => {
            let seen = seen.expect("a replacement knows what it replaces");
            side.replace(&key, &seen, &record, now).await
        }
    };
    (place, version)
}

pub(crate) fn codec() -> Codec {
    Codec::new(&secrets(), Codec::DJANGO_SALT, Compression::Above(1024))
}
