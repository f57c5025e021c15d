//! What a browser's tab does: requests one after the other, each as a handler would serve it.

use std::sync::Arc;

use cloakroom_core::auth::{AuthRules, Owner};
use cloakroom_core::session::{CommitError, Committed, SessionState, Store as _};

use super::paused::{Call, Gate, PausedStore};
use super::site::{Effect, Outcome, Reply, Site};

/// The name under which each session keeps what tells it from all others, whatever its key.
pub(crate) const SESSION_NAME: &str = "session";

/// What happens in a tab, in its order.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A request with the cookie that the browser holds when it is sent.
    Request(Vec<Deed>),
    /// Not the tab's doing: time goes by.
    Age(i64),
    /// Not the tab's doing: the expired records are cleared.
    Purge,
}

/// What a handler does with the session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// Other requests may go first.
    Think,
    /// Finds out whose the session is.
    Verify,
    Login(&'static str),
    /// A login before the site's secret key was changed.
    LoginBefore(&'static str),
    Logout,
    /// Changes the password of the user whose the session is, and keeps this session.
    ChangePassword,
    /// Writes today's hash into the session and keeps its key, as software beside us might.
    RefreshHash(&'static str),
    CycleKey,
    /// Gives the name a value that nobody else gives it.
    Set(&'static str),
    Add(&'static str, i64),
    Take(&'static str),
    /// Commits before the request's end.
    Save,
}

pub(crate) const USERS: [&str; 2] = ["ann", "bob"];

/// A tab of a browser.
pub(crate) struct Visitor {
    pub(crate) site: Arc<Site>,
    pub(crate) gate: Gate,
    pub(crate) tab: &'static str,
    pub(crate) browser: usize,
}

impl Visitor {
    pub(crate) async fn act(self, acts: Vec<Act>) {
        let witness = Arc::clone(&self.site.witness);
        let store = PausedStore::new(Arc::clone(&self.site.store), self.gate.clone(), witness);
        for (number, act) in acts.into_iter().enumerate() {
            if number > 0 || matches!(act, Act::Age(_)) {
                self.gate.pass(Call::Arrive).await;
            }
            match act {
                Act::Request(deeds) => self.send(&store, deeds).await,
                Act::Age(seconds) => self.site.advance_clock(seconds),
                Act::Purge => drop(store.clear_expired(self.site.now(), u32::MAX).await),
            }
        }
    }

    async fn send(&self, store: &PausedStore, deeds: Vec<Deed>) {
        let mut session = SessionState::new();
        let now = self.site.now();
        if let Some(key) = self.site.cookie(self.browser) {
            match store.load(&key, now).await {
                Ok(Some(stored)) => {
                    session = SessionState::from_stored(key, stored, &self.site.save.codec);
                    assert!(!session.is_unreadable(), "a record is not readable");
                }
                Ok(None) => {}
                Err(_) => return,
            }
        }
        let mut reply = self.reply(&session);
        reply.loaded_when = Some(now);
        for deed in deeds {
            match deed {
                Deed::Think => drop(self.gate.pass(Call::Think).await),
                Deed::Save => {
                    let loaded_at = reply.loaded_at;
                    let _ = self.commit(store, &mut session, reply).await;
                    reply = self.reply(&session);
                    reply.loaded_at = loaded_at;
                }
                deed => self.handle(deed, &mut session, &mut reply),
            }
        }
        let outcome = self.commit(store, &mut session, reply).await;
        self.site.answer(self.browser, &outcome);
    }

    fn handle(&self, deed: Deed, session: &mut SessionState, reply: &mut Reply) {
        let site = &*self.site;
        match deed {
            Deed::Verify => {
                let _ = self.verify(session, reply);
            }
            Deed::Login(id) | Deed::LoginBefore(id) => {
                let auth = match deed {
                    Deed::LoginBefore(_) => &site.auth_before,
                    _ => &site.auth,
                };
                let (before, claimed) = (name_of(session), auth.claimed_user(session));
                auth.login(session, &site.user(id), site.now());
                let another_s = claimed.as_deref().is_some_and(|claimed| claimed != id);
                if another_s || (before.is_some() && name_of(session).is_none()) {
                    reply.flush();
                }
                reply.signs_in |= claimed.is_none() || another_s;
            }
            Deed::Logout => {
                AuthRules::logout(session);
                reply.flush();
            }
            Deed::ChangePassword => {
                if let Some(id) = self.verify(session, reply) {
                    site.change_password(id);
                    site.auth.update_session_auth_hash(session, &site.user(id));
                }
            }
            Deed::RefreshHash(_) if site.auth.claimed_user(session).is_none() => {}
            Deed::RefreshHash(id) => session
                .set(
                    "_auth_user_hash",
                    &site.auth.session_auth_hash(&site.user(id)),
                )
                .expect("text is always writable"),
            // Of a session without a name there would be nothing but the key to tell.
            Deed::CycleKey if name_of(session).is_none() => {}
            Deed::CycleKey => session.cycle_key(),
            Deed::Set(name) => {
                let value = site.number();
                session
                    .set(name, &value)
                    .expect("a number is always writable");
                reply.effects.push(Effect::Set(name, value));
            }
            Deed::Add(name, more) => {
                let _ = session.add(name, more).expect("it is a small number");
                reply.effects.push(Effect::Add(name, more));
            }
            Deed::Take(name) => {
                if let Some(value) = session.take(name).expect("it is a number") {
                    reply.effects.push(Effect::Took(name, value));
                }
            }
            Deed::Think | Deed::Save => unreachable!("these wait"),
        }
        if name_of(session).is_none() && session.names().next().is_some() {
            let name = format!("{}-{}", self.browser, site.number());
            session
                .set(SESSION_NAME, &name)
                .expect("text is always writable");
        }
    }

    fn verify(&self, session: &mut SessionState, reply: &mut Reply) -> Option<&'static str> {
        let claimed = self.site.auth.claimed_user(session)?;
        let id = USERS.into_iter().find(|id| **id == claimed)?;
        let before = name_of(session);
        let owner = self.site.auth.verify(session, Some(&self.site.user(id)));
        if before.is_some() && name_of(session).is_none() {
            reply.dropped = true;
            reply.effects.clear();
        }
        (owner == Owner::User).then_some(id)
    }

    async fn commit(
        &self,
        store: &PausedStore,
        session: &mut SessionState,
        mut reply: Reply,
    ) -> Outcome {
        let site = &*self.site;
        reply.kept_in = name_of(session);
        reply.moves = reply.loaded.is_some() && session.key().is_none();
        let now = site.now();
        reply.kept_when = now;
        let number = site.begin(reply);
        let outcome = match session.commit(store, &site.save, now).await {
            Ok(Committed::Untouched) => Outcome::Untouched,
            Ok(Committed::Saved(cookie)) => Outcome::Saved(cookie.key),
            Ok(Committed::Deleted) => Outcome::Deleted,
            Err(CommitError::Interrupted) => Outcome::Interrupted,
            Err(CommitError::Busy) => Outcome::Busy,
            Err(_) => Outcome::Unknown,
        };
        site.end(number, outcome.clone());
        outcome
    }

    fn reply(&self, session: &SessionState) -> Reply {
        Reply {
            tab: self.tab,
            browser: self.browser,
            loaded: name_of(session),
            loaded_at: self.site.step(),
            loaded_when: None,
            kept_when: self.site.now(),
            came_with: session.key().cloned(),
            signs_in: false,
            flushed: false,
            dropped: false,
            moves: false,
            kept_in: None,
            effects: Vec::new(),
            began: 0,
            ended: 0,
            outcome: Outcome::Unknown,
        }
    }
}

impl Reply {
    fn flush(&mut self) {
        self.flushed = true;
        self.effects.clear();
    }
}

pub(crate) fn name_of(session: &SessionState) -> Option<String> {
    session.get(SESSION_NAME).expect("it is a text")
}
