//! A site in miniature: users, a clock, browsers with their cookies, and a record of every answer.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use cloakroom_core::auth::{AuthRules, Relogin, User};
use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::{Codec, Lifetime, SaveRules, SessionKey, Store};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;

use super::paused::Witness;

/// All that the requests of one schedule share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) auth: AuthRules,
    /// The same site before its secret key was changed; today's takes the old key as a fallback.
    pub(crate) auth_before: AuthRules,
    pub(crate) save: SaveRules,
    pub(crate) witness: Arc<Witness>,
    /// When the schedule began: today, as some stores let records end by a clock of their own.
    start: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Counts what the schedule lets go.
    step: usize,
    next_number: u64,
    /// How often each user has changed the password.
    passwords: HashMap<&'static str, u32>,
    cookies: HashMap<usize, SessionKey>,
    replies: Vec<Reply>,
}

/// What came of one commit.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) tab: &'static str,
    pub(crate) browser: usize,
    /// The session that was loaded, by the name it carries through all renewals of its key.
    pub(crate) loaded: Option<String>,
    pub(crate) loaded_at: usize,
    /// The time by the site's clock when it was loaded; `None` if this is not the request's first commit.
    pub(crate) loaded_when: Option<Timestamp>,
    /// The time by the site's clock from which what is kept here lives on.
    pub(crate) kept_when: Timestamp,
    /// The key of the record that was loaded.
    pub(crate) came_with: Option<SessionKey>,
    /// A user signs in who was not signed in here.
    pub(crate) signs_in: bool,
    /// The session that is loaded ends, by the user's wish.
    pub(crate) flushed: bool,
    /// The session that is loaded was found to be no longer valid.
    pub(crate) dropped: bool,
    /// The record that was loaded is to be there no longer.
    pub(crate) moves: bool,
    /// The session in which the changes are to be kept.
    pub(crate) kept_in: Option<String>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) began: usize,
    pub(crate) ended: usize,
    pub(crate) outcome: Outcome,
}

/// A change that a commit acknowledges.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Set(&'static str, u64),
    Add(&'static str, i64),
    Took(&'static str, u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nobody knows: the request was cut off, or the store failed.
    Unknown,
    Untouched,
    Saved(SessionKey),
    Deleted,
    Interrupted,
    Busy,
}

impl Reply {
    pub(crate) const fn is_acknowledged(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Untouched | Outcome::Saved(_) | Outcome::Deleted
        )
    }
}

impl Site {
    pub(crate) const AGE: i64 = 1_209_600;

    pub(crate) fn new(store: &Arc<dyn Store>, relogin: Relogin) -> Self {
        let start = Timestamp::from_unix_seconds(Timestamp::now().unix_seconds());
        Self {
            store: Arc::clone(store),
            auth: AuthRules::new(&SECRETS, relogin),
            auth_before: AuthRules::new(&SECRETS_BEFORE, relogin),
            save: SaveRules {
                codec: CODEC.clone(),
                lifetime: Lifetime {
                    age: Self::AGE,
                    ..Lifetime::DJANGO
                },
                guarded_names: Vec::new(),
                save_every_request: false,
                key_length: SessionKey::LENGTH,
            },
            witness: Arc::default(),
            start,
            state: Mutex::new(State {
                now: start,
                step: 0,
                next_number: 1,
                passwords: HashMap::new(),
                cookies: HashMap::new(),
                replies: Vec::new(),
            }),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    pub(crate) fn has_aged(&self) -> bool {
        self.now() != self.start
    }

    pub(crate) fn advance_clock(&self, seconds: i64) {
        let mut state = self.state();
        state.now = state.now.plus_seconds(seconds);
    }

    pub(crate) fn tick(&self) {
        self.state().step += 1;
    }

    pub(crate) fn step(&self) -> usize {
        self.state().step
    }

    /// A number that nobody else got.
    pub(crate) fn number(&self) -> u64 {
        let mut state = self.state();
        state.next_number += 1;
        state.next_number
    }

    pub(crate) fn user(&self, id: &str) -> User {
        let changes = self.state().passwords.get(id).copied().unwrap_or(0);
        let mut user = User::new(id, id, self.start);
        user.password = format!("pbkdf2_sha256$1${id}${changes}");
        user
    }

    pub(crate) fn change_password(&self, id: &'static str) {
        *self.state().passwords.entry(id).or_default() += 1;
    }

    pub(crate) fn cookie(&self, browser: usize) -> Option<SessionKey> {
        self.state().cookies.get(&browser).cloned()
    }

    /// The browser does what an answer's cookie says.
    pub(crate) fn answer(&self, browser: usize, outcome: &Outcome) {
        match outcome {
            Outcome::Saved(key) => drop(self.state().cookies.insert(browser, key.clone())),
            Outcome::Deleted => drop(self.state().cookies.remove(&browser)),
            _ => {}
        }
    }

    /// Writes down a commit that is about to begin; [`end`](Self::end) tells what came of it.
    pub(crate) fn begin(&self, mut reply: Reply) -> usize {
        let mut state = self.state();
        reply.began = state.step;
        reply.ended = usize::MAX;
        reply.outcome = Outcome::Unknown;
        state.replies.push(reply);
        state.replies.len() - 1
    }

    pub(crate) fn end(&self, reply: usize, outcome: Outcome) {
        let mut state = self.state();
        state.replies[reply].ended = state.step;
        state.replies[reply].outcome = outcome;
    }

    pub(crate) fn replies(&self) -> Vec<Reply> {
        self.state().replies.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the lock held")
    }
}

static SECRETS_BEFORE: LazyLock<Secrets> = LazyLock::new(|| Secrets::new(secret("before")));
static SECRETS: LazyLock<Secrets> =
    LazyLock::new(|| Secrets::new(secret("now")).with_fallbacks(vec![secret("before")]));
static CODEC: LazyLock<Codec> =
    LazyLock::new(|| Codec::new(&SECRETS, Codec::DJANGO_SALT, Compression::Never));

fn secret(when: &str) -> SecretKey {
    SecretKey::new(format!("a key for tests, of 32 bytes and more: {when}"))
        .expect("it is long enough and not Django's")
}
