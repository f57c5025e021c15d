//! Changes by name, alone and after another request's, against what a Python dict would hold.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cloakroom_core::session::{
    Codec, CommitError, Lifetime, MemoryStore, Record, SaveRules, SessionData, SessionKey,
    SessionState, Store as _,
};
use cloakroom_core::signing::Compression;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::data::spans_are_the_values;
use crate::parts::Parts;
use crate::{NOW, secrets};

/// A session's JSON, then changes: `=name=json`, `-name`, `+name=integer`, `?name` (take), `!name` (must be
/// unchanged), `*` (clear). Those behind `<` are another request's, which is saved first.
pub fn session_merge(input: &[u8]) {
    let mut parts = Parts::of(input);
    let Ok(data) = SessionData::from_bytes(parts.bytes().to_vec()) else {
        return;
    };
    let Some(base) = Dict::of(&data) else { return };
    let (theirs, ours): (Vec<_>, Vec<_>) = parts.rest().partition(|op| op.starts_with('<'));

    let rules = rules();
    let store = MemoryStore::new(1);
    let key = SessionKey::parse("abcdefgh").unwrap();
    let record = Record::new(
        data.text().clone(),
        NOW.plus_seconds(60),
        rules.codec.clone(),
        NOW,
    );
    let _ = done(store.create(&key, &record)).unwrap();
    let load = || {
        let stored = done(store.load(&key, NOW)).unwrap().expect("it is there");
        SessionState::from_stored(key.clone(), stored, &rules.codec)
    };

    let mut our_session = load();
    let mut ours_alone = base.clone();
    let mut our_changes = Vec::new();
    let mut relied_on = Vec::new();
    for op in ours.iter().filter_map(|op| Op::parse(op)) {
        let change = op.act(&mut our_session, &mut ours_alone);
        if let Op::Unchanged(name) | Op::Take(name) = op
            && (change.is_some() || matches!(op, Op::Unchanged(_)))
        {
            relied_on.push(name);
        }
        our_changes.extend(change);
    }
    assert_eq!(Dict::of(&our_session.data()), Some(ours_alone), "alone");
    assert_eq!(our_session.is_modified(), !our_changes.is_empty());

    let mut their_session = load();
    let mut between = base.clone();
    for op in theirs.iter().filter_map(|op| Op::parse(&op[1..])) {
        let _ = op.act(&mut their_session, &mut between);
    }
    let _ = done(their_session.commit(&store, &rules, NOW)).expect("nobody else was there");
    assert_eq!(
        Dict::of(&load().data()).as_ref(),
        Some(&between),
        "what the first one left"
    );

    let guarded = |name: &str| {
        (name.starts_with('_') && name != "_messages")
            || rules.guarded_names.iter().any(|it| it == name)
    };
    let same = |name: &str| base.value(name) == between.value(name);
    let names = base.names().chain(between.names());
    let mergeable =
        names.filter(|name| guarded(name)).all(same) && relied_on.iter().all(|name| same(name));
    let expected = if our_changes.is_empty() {
        Some(between.clone())
    } else {
        Some(between.clone())
            .filter(|_| mergeable)
            .and_then(|dict| dict.after(&our_changes))
    };
    match done(our_session.commit(&store, &rules, NOW)) {
        Ok(_) => {
            let kept = load().data();
            assert_eq!(
                Dict::of(&kept),
                expected,
                "the changes were made to what was there"
            );
            spans_are_the_values(&kept);
        }
        Err(CommitError::Interrupted) => {
            assert_eq!(expected, None, "this could be merged");
            assert_eq!(
                Dict::of(&load().data()),
                Some(between),
                "a failed save wrote something"
            );
        }
        Err(error) => panic!("{error}"),
    }
}

fn rules() -> SaveRules {
    SaveRules {
        codec: Codec::new(&secrets(), Codec::DJANGO_SALT, Compression::Never),
        lifetime: Lifetime::DJANGO,
        guarded_names: vec!["guarded".to_owned()],
        save_every_request: false,
        key_length: SessionKey::LENGTH,
    }
}

/// Runs a future that waits for nothing.
fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory waits for nothing"),
    }
}

/// Names and their JSON text, in a Python dict's order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dict(Vec<(String, String)>);

impl Dict {
    /// `None` if a name has a lone surrogate, which no Rust text finds again.
    fn of(data: &SessionData) -> Option<Self> {
        let entry = |name: std::borrow::Cow<'_, str>| {
            let raw = data.raw(&name)?.to_owned();
            Some((name.into_owned(), raw))
        };
        let entries: Vec<_> = data.names().map(entry).collect::<Option<_>>()?;
        let mut names: Vec<_> = entries.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        distinct.then_some(Self(entries))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, before)) => *before = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The dict after these changes; `None` if one of its counters is no number, or leaves 64 bits.
    fn after(mut self, changes: &[Change<'_>]) -> Option<Self> {
        // What each counter began with and what was added since, for only their sum must fit.
        let mut counters: Vec<(&str, Option<i64>, i128)> = Vec::new();
        for change in changes {
            if let Change::Set(name, _) | Change::Remove(name) = change {
                counters.retain(|(known, ..)| known != name);
            }
            match change {
                Change::Set(name, value) => self.set(name, value.clone()),
                Change::Remove(name) => self.0.retain(|(known, _)| known != name),
                Change::Clear => {
                    counters.clear();
                    self.0.clear();
                }
                Change::Add(name, more) => {
                    match counters.iter_mut().find(|(known, ..)| known == name) {
                        Some((.., sum)) => *sum += i128::from(*more),
                        None => counters.push((name, self.counter(name), i128::from(*more))),
                    }
                    if self.value(name).is_none() {
                        self.set(name, String::new());
                    }
                }
            }
        }
        for (name, before, more) in counters {
            let sum = i64::try_from(i128::from(before?) + more).ok()?;
            self.set(name, sum.to_string());
        }
        Some(self)
    }

    /// What a counter begins with: 0 where there is nothing, `None` where there is no integer.
    fn counter(&self, name: &str) -> Option<i64> {
        let digits = |value: &str| value.parse().ok().filter(|_| value != "-0");
        self.value(name).map_or(Some(0), digits)
    }
}

/// What a request asks of its session.
#[derive(Clone, Copy)]
enum Op<'a> {
    Set(&'a str, &'a str),
    Remove(&'a str),
    Add(&'a str, i64),
    Take(&'a str),
    Unchanged(&'a str),
    Clear,
}

/// What it came to.
enum Change<'a> {
    Set(&'a str, String),
    Remove(&'a str),
    Add(&'a str, i64),
    Clear,
}

impl<'a> Op<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let first = text.chars().next()?;
        let rest = &text[first.len_utf8()..];
        Some(match first {
            '=' => rest
                .split_once('=')
                .map(|(name, json)| Self::Set(name, json))?,
            '+' => rest
                .split_once('=')
                .and_then(|(name, more)| Some(Self::Add(name, more.parse().ok()?)))?,
            '-' => Self::Remove(rest),
            '?' => Self::Take(rest),
            '!' => Self::Unchanged(rest),
            '*' => Self::Clear,
            _ => return None,
        })
    }

    /// Does it to the session and to the dict, which must agree on what it finds.
    fn act(self, session: &mut SessionState, dict: &mut Dict) -> Option<Change<'a>> {
        let change = match self {
            Self::Set(name, json) => {
                session.set_raw(name, json).ok()?;
                let written = session.raw(name).expect("it was set").into_owned();
                assert!(written.is_ascii());
                let value = |json: &str| serde_json::from_str::<Value>(json).ok();
                assert_eq!(value(&written), value(json), "another value");
                Change::Set(name, written)
            }
            Self::Remove(name) => {
                assert_eq!(session.remove(name), dict.value(name).is_some());
                Change::Remove(dict.value(name).map(|_| name)?)
            }
            Self::Take(name) => {
                let before = dict.value(name)?;
                let taken = session.take::<IgnoredAny>(name);
                assert_eq!(
                    taken.is_ok(),
                    serde_json::from_str::<IgnoredAny>(before).is_ok()
                );
                Change::Remove(taken.ok().map(|_| name)?)
            }
            Self::Add(name, more) => {
                let sum = dict
                    .counter(name)
                    .and_then(|before| before.checked_add(more));
                let added = session.add(name, more).ok();
                // What was added so far must fit by itself too.
                assert!(added == sum || added.is_none(), "another sum");
                Change::Add(name, added.map(|_| more)?)
            }
            Self::Unchanged(name) => {
                session.require_unchanged(name);
                return None;
            }
            Self::Clear => {
                session.clear();
                Change::Clear
            }
        };
        *dict = dict
            .clone()
            .after(std::slice::from_ref(&change))
            .expect("the session could");
        Some(change)
    }
}
