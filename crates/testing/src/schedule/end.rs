//! What a schedule leaves behind.

use std::sync::Arc;

use cloakroom_core::auth::Owner;
use cloakroom_core::session::{SessionKey, SessionState};

use super::paused::Call;
use super::request::name_of;
use super::site::{Outcome, Reply, Site};

/// A schedule's end: every answer, and every record that is left.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) replies: Vec<Reply>,
    pub(crate) records: Vec<Left>,
    /// The calls that failed or were cut off.
    pub(super) mishaps: Vec<Call>,
    pub(super) has_aged: bool,
    /// A call was answered that somebody else was first.
    pub(crate) met_changed: bool,
    /// A call was answered that there is no such record any more.
    pub(crate) met_gone: bool,
    pub(super) trace: String,
}

/// A record that a key opens at the end.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) key: SessionKey,
    /// The session's name.
    pub(crate) name: String,
    pub(crate) session: SessionState,
    /// Whose it is by the rules, with the users as they are now.
    pub(crate) user: Option<String>,
    /// Some answer's cookie carried this key.
    pub(crate) acknowledged: bool,
}

impl End {
    pub(crate) async fn of(site: &Arc<Site>, mishaps: Vec<Call>, trace: String) -> Self {
        let replies = site.replies();
        let mut records = Vec::new();
        for key in site.witness.keys() {
            let found = site.store.load(&key, site.now()).await;
            let Some(stored) = found.expect("the store itself does not fail") else {
                continue;
            };
            let session = SessionState::from_stored(key.clone(), stored.clone(), &site.save.codec);
            let mut verified = SessionState::from_stored(key.clone(), stored, &site.save.codec);
            let user = site
                .auth
                .claimed_user(&verified)
                .filter(|id| site.auth.verify(&mut verified, Some(&site.user(id))) == Owner::User);
            let saved = Outcome::Saved(key.clone());
            records.push(Left {
                name: name_of(&session).expect("every request names its session"),
                acknowledged: replies.iter().any(|reply| reply.outcome == saved),
                key,
                session,
                user,
            });
        }
        Self {
            replies,
            records,
            mishaps,
            has_aged: site.has_aged(),
            met_changed: site.witness.met_changed(),
            met_gone: site.witness.met_gone(),
            trace,
        }
    }

    /// Ends the test with the schedule that led here, unless `holds`.
    #[track_caller]
    pub(crate) fn require(&self, holds: bool, what: &str) {
        if !holds {
            let replies: Vec<String> = self
                .replies
                .iter()
                .map(|reply| format!("{} {:?}: {:?}", reply.tab, reply.effects, reply.outcome))
                .collect();
            panic!(
                "{what}\nafter: {}\nanswers: {}",
                self.trace,
                replies.join(", ")
            );
        }
    }

    /// What came of the last commit of the request of this name.
    pub(crate) fn outcome(&self, tab: &str) -> &Outcome {
        &self.reply(tab).outcome
    }

    pub(crate) fn is_saved(&self, tab: &str) -> bool {
        matches!(self.outcome(tab), Outcome::Saved(_))
    }

    /// It came when the key it was sent with opened nothing any more.
    pub(crate) fn was_late(&self, tab: &str) -> bool {
        let first = self.replies.iter().find(|reply| reply.tab == tab);
        first.is_some_and(|reply| reply.loaded.is_none())
    }

    /// It found the session and ended it.
    pub(crate) fn ended(&self, tab: &str) -> bool {
        let reply = self.reply(tab);
        reply.flushed && reply.loaded.is_some() && reply.is_acknowledged()
    }

    /// What was answered to the last commit of the request of this name.
    pub(crate) fn reply(&self, tab: &str) -> &Reply {
        let mut replies = self.replies.iter().rev();
        replies
            .find(|reply| reply.tab == tab)
            .expect("the scenario has this request, and nothing cut it off")
    }
}
