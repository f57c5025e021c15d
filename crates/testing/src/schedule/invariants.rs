//! What must hold after every schedule, whatever the requests did.

use cloakroom_core::session::SessionKey;

use super::end::{End, Left};
use super::paused::Call;
use super::request::USERS;
use super::site::{Effect, Outcome, Reply, Site};

impl End {
    pub(crate) fn check_invariants(&self) {
        for record in &self.records {
            self.check_whole(record);
        }
        for reply in &self.replies {
            self.check_reply(reply);
        }
        let mut names: Vec<&str> = self
            .replies
            .iter()
            .filter_map(|reply| reply.kept_in.as_deref())
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.check_session(name);
        }
        self.check_takes();
    }

    /// A user's id stands with backend and hash or not at all, and is one that this browser signed in.
    fn check_whole(&self, record: &Left) {
        let names = ["_auth_user_id", "_auth_user_backend", "_auth_user_hash"];
        let there = names.map(|name| record.session.contains(name));
        self.require(there[0] == there[1] && there[1] == there[2], "half a login");
        let id: Option<String> = record.session.get(names[0]).expect("it is a text");
        let known = id.is_none_or(|id| USERS.contains(&&*id));
        self.require(known, "a user nobody knows");
    }

    fn check_reply(&self, reply: &Reply) {
        let Some(loaded) = &reply.loaded else { return };
        let own = loaded.starts_with(&format!("{}-", reply.browser));
        self.require(own, "a request got another browser's session");
        let same = matches!((&reply.outcome, &reply.came_with), (Outcome::Saved(key), Some(old)) if key == old);
        self.require(
            !(reply.signs_in && same),
            "a login kept the key it came with",
        );
        let ended_before = self
            .replies
            .iter()
            .any(|other| other.has_ended(loaded) && other.ended < reply.loaded_at);
        self.require(
            !ended_before,
            "a session was loaded after its end was acknowledged",
        );
        let Some(loaded_when) = reply.loaded_when else {
            return;
        };
        let alive = self
            .replies
            .iter()
            .filter(|other| other.kept_in.as_deref() == Some(loaded))
            .filter(|other| other.began < reply.loaded_at || reply.loaded_at == 0)
            .any(|other| other.kept_when.plus_seconds(Site::AGE) > loaded_when);
        self.require(alive, "a session was loaded after it expired");
    }

    fn check_session(&self, name: &str) {
        let left: Vec<&Left> = self
            .records
            .iter()
            .filter(|record| record.name == name)
            .collect();
        let known = left.iter().filter(|record| record.acknowledged).count();
        self.require(known <= 1, "two keys open the same session");
        // A record whose key no answer carried can only be what a mishap left behind.
        let stray = left.len() > known;
        self.require(
            !self.mishaps.is_empty() || !stray,
            "a key that nobody was given",
        );
        if self.replies.iter().any(|reply| reply.has_ended(name)) {
            return self.require(known == 0, "a session outlived its acknowledged end");
        }
        let Some(key) = self.last_key(name) else {
            return;
        };
        match left.iter().find(|record| record.acknowledged) {
            Some(record) => {
                self.require(record.key == *key, "the last cookie opens nothing");
                self.check_values(record);
            }
            None => self.require(self.may_have_ended(name), "a session that nobody ended"),
        }
    }

    /// The key in the last cookie that was earned by a write to this session. A request that saved early may
    /// send the same cookie once more at its end, when the key may be another by then.
    fn last_key(&self, name: &str) -> Option<&SessionKey> {
        let mut saved: Vec<_> = self
            .replies
            .iter()
            .filter(|reply| reply.kept_in.as_deref() == Some(name) && reply.ended > reply.began)
            .filter_map(|reply| match &reply.outcome {
                Outcome::Saved(key) => Some((reply.ended, key)),
                _ => None,
            })
            .collect();
        saved.sort_by_key(|(ended, _)| *ended);
        saved.last().map(|(_, key)| *key)
    }

    /// Time, a changed password, or a delete nobody knows the end of: the visitor signs in again. Any other
    /// call that goes wrong ends no session: what replaces it is kept before it is deleted.
    fn may_have_ended(&self, name: &str) -> bool {
        let by = |reply: &Reply| {
            reply.loaded.as_deref() == Some(name)
                && match reply.outcome {
                    Outcome::Unknown => reply.moves && self.mishaps.contains(&Call::Delete),
                    _ => reply.dropped,
                }
        };
        self.has_aged || self.replies.iter().any(by)
    }

    /// Each name holds what an acknowledged change left there that no later one overwrote.
    fn check_values(&self, record: &Left) {
        let writers: Vec<&Reply> = self
            .replies
            .iter()
            .filter(|reply| reply.kept_in.as_deref() == Some(&*record.name))
            .filter(|reply| reply.is_acknowledged() || reply.outcome == Outcome::Unknown)
            .collect();
        for name in NAMES {
            let found: Option<u64> = record.session.get(name).expect("it is a number");
            let mut writes: Vec<(&Reply, Option<u64>)> = Vec::new();
            for writer in &writers {
                if let Some(value) = writer.leaves(name) {
                    writes.push((writer, value));
                }
            }
            let overwritten = |write: &Reply| {
                writes
                    .iter()
                    .any(|(later, _)| later.is_acknowledged() && later.began > write.ended)
            };
            let untouched = !writes.iter().any(|(write, _)| write.is_acknowledged());
            let explained = (found.is_none() && untouched)
                || writes
                    .iter()
                    .any(|(write, value)| *value == found && !overwritten(write));
            self.require(
                explained,
                &format!("{name} holds {found:?}: an acknowledged write is lost"),
            );
        }
        for name in COUNTERS {
            let found: i64 = record
                .session
                .get(name)
                .expect("it is a number")
                .unwrap_or(0);
            let sum = |known: bool| {
                let adds = writers
                    .iter()
                    .filter(|writer| writer.is_acknowledged() == known);
                adds.map(|writer| writer.adds(name)).sum::<i64>()
            };
            let (sure, perhaps) = (sum(true), sum(false));
            self.require(
                (sure..=sure + perhaps).contains(&found),
                &format!("{name} is {found}, not {sure}"),
            );
        }
    }

    /// What was there once was given to one request only.
    fn check_takes(&self) {
        let acknowledged = self.replies.iter().filter(|reply| reply.is_acknowledged());
        let effects = acknowledged.flat_map(|reply| &reply.effects);
        let mut taken: Vec<u64> = effects
            .filter_map(|effect| match effect {
                Effect::Took(_, value) => Some(*value),
                _ => None,
            })
            .collect();
        let all = taken.len();
        taken.sort_unstable();
        taken.dedup();
        self.require(taken.len() == all, "two requests took the same value");
    }
}

impl Reply {
    /// The end of this session was acknowledged.
    fn has_ended(&self, name: &str) -> bool {
        self.flushed && self.is_acknowledged() && self.loaded.as_deref() == Some(name)
    }

    /// What this request leaves under `name`; `None` if it does not touch it.
    fn leaves(&self, name: &str) -> Option<Option<u64>> {
        let touching = |effect: &Effect| match effect {
            Effect::Set(known, value) if *known == name => Some(Some(*value)),
            Effect::Took(known, _) if *known == name => Some(None),
            _ => None,
        };
        self.effects.iter().rev().find_map(touching)
    }

    fn adds(&self, name: &str) -> i64 {
        let adding = |effect: &Effect| match effect {
            Effect::Add(known, more) if *known == name => *more,
            _ => 0,
        };
        self.effects.iter().map(adding).sum()
    }
}

/// The names that requests set and take.
pub(crate) const NAMES: [&str; 4] = ["a", "b", "c", "once"];
/// The names that requests count with.
pub(crate) const COUNTERS: [&str; 1] = ["count"];
