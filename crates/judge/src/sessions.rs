//! Session objects, each named by a handle.

pub(crate) mod whole;

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom_core::session::{
    Codec, CommitError, Committed, Deleted, Expiry, Lifetime, SaveRules, SessionData, SessionKey,
    SessionState, SignedCookieEngine, Store as _, WrittenCookie,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::{Timestamp, Zone};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::json::Json;
use crate::question::{Answer, Ask, Fault};
use crate::signing::{Keys, Now};
use crate::store::{Kept, SiteSessions};

thread_local! {
    static SESSIONS: RefCell<Vec<Option<SessionState>>> = const { RefCell::new(Vec::new()) };
}

/// A session object. It lives as long as the process: a test run makes some thousands.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(crate) struct Handle(usize);

impl Handle {
    fn new(session: SessionState) -> Self {
        SESSIONS.with_borrow_mut(|sessions| {
            sessions.push(Some(session));
            Self(sessions.len() - 1)
        })
    }

    /// Does something with the session. It is out of the table meanwhile, so that calls back may ask further
    /// questions.
    pub(crate) fn with<T>(
        self,
        action: impl FnOnce(&mut SessionState) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut session = SESSIONS
            .with_borrow_mut(|sessions| sessions.get_mut(self.0).and_then(Option::take))
            .ok_or_else(|| Fault::new("handle", "no such session, or it is in use"))?;
        let outcome = action(&mut session);
        SESSIONS.with_borrow_mut(|sessions| sessions[self.0] = Some(session));
        outcome
    }
}

/// Runs a future that never waits: its stores block.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> Result<T, Fault> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(Fault::new("pending", "a store waited")),
    }
}

/// The site's rules, as its settings are at the time of the question.
#[derive(Deserialize)]
pub(crate) struct Rules {
    keys: Keys,
    salt: String,
    age: i64,
    at_browser_close: bool,
    /// Which session object's table the calls back are about.
    site: u64,
    /// In which form that table keeps the data.
    kept: Kept,
}

impl Rules {
    const fn lifetime(&self) -> Lifetime {
        Lifetime {
            age: self.age,
            at_browser_close: self.at_browser_close,
            ..Lifetime::DJANGO
        }
    }

    fn codec(&self) -> Result<Codec, Fault> {
        Ok(Codec::new(
            &self.keys.secrets()?,
            &self.salt,
            Compression::Always,
        ))
    }

    const fn store(&self) -> SiteSessions {
        SiteSessions {
            site: self.site,
            kept: self.kept,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct KeyGenerate {}

impl Ask for KeyGenerate {
    fn answer(self) -> Answer {
        let key = SessionKey::generate().map_err(|error| Fault::new("random", error))?;
        Ok(json!(key.as_str()))
    }
}

#[derive(Deserialize)]
pub(crate) struct KeyParse {
    text: String,
}

impl Ask for KeyParse {
    fn answer(self) -> Answer {
        Ok(json!(SessionKey::parse(&self.text).is_some()))
    }
}

/// How long a session with this `_session_expiry` lives that was modified at `now`.
#[derive(Deserialize)]
pub(crate) struct ExpiryOf {
    expiry: Option<String>,
    age: i64,
    at_browser_close: bool,
    now: Now,
}

impl Ask for ExpiryOf {
    fn answer(self) -> Answer {
        let text = self.expiry.map_or_else(
            || "{}".to_owned(),
            |expiry| format!("{{\"_session_expiry\":{expiry}}}"),
        );
        let data = data(text)?;
        let lifetime = Lifetime {
            age: self.age,
            at_browser_close: self.at_browser_close,
            ..Lifetime::DJANGO
        };
        let now = self.now.timestamp();
        Ok(json!({
            "age": lifetime.expiry_age(&data, now),
            "date": lifetime.expiry_date(&data, now).unix_micros(),
            "row": lifetime.expiry_date(&data, now).sql_text(),
            "at_browser_close": lifetime.ends_with_browser(&data),
        }))
    }
}

fn data(text: String) -> Result<SessionData, Fault> {
    SessionData::from_bytes(text.into_bytes()).map_err(|error| Fault::new("data", error))
}

#[derive(Deserialize)]
pub(crate) struct New {}

impl Ask for New {
    fn answer(self) -> Answer {
        Ok(json!(Handle::new(SessionState::new()).0))
    }
}

#[derive(Deserialize)]
pub(crate) struct Load {
    key: String,
    rules: Rules,
    now: Now,
}

impl Ask for Load {
    fn answer(self) -> Answer {
        let found = match SessionKey::parse(&self.key) {
            None => None,
            Some(key) => {
                let load = run(self.rules.store().load(&key, self.now.timestamp()))?;
                load?.map(|stored| (key, stored))
            }
        };
        let is_there = found.is_some();
        let codec = self.rules.codec()?;
        let session = found.map_or_else(SessionState::new, |(key, stored)| {
            SessionState::from_stored(key, stored, &codec)
        });
        let unreadable = session.is_unreadable();
        Ok(json!({
            "handle": Handle::new(session).0,
            "found": is_there,
            "unreadable": unreadable,
        }))
    }
}

/// A session in the browser's own cookie.
#[derive(Deserialize)]
pub(crate) struct Read {
    value: String,
    rules: Rules,
    now: Now,
}

impl Ask for Read {
    fn answer(self) -> Answer {
        let engine = SignedCookieEngine::new(&self.rules.keys.secrets()?, self.rules.lifetime());
        let session = engine.read(&self.value, self.now.timestamp());
        let found = !session.is_empty();
        Ok(json!({"handle": Handle::new(session).0, "found": found}))
    }
}

#[derive(Deserialize)]
pub(crate) struct Data {
    handle: Handle,
}

impl Ask for Data {
    fn answer(self) -> Answer {
        self.handle
            .with(|session| Ok(json!(&**session.data().text())))
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    handle: Handle,
    name: String,
}

impl Ask for Get {
    fn answer(self) -> Answer {
        self.handle
            .with(|session| Ok(json!(session.raw(&self.name))))
    }
}

#[derive(Deserialize)]
pub(crate) struct Set {
    handle: Handle,
    name: String,
    json: String,
}

impl Ask for Set {
    fn answer(self) -> Answer {
        let value: Json =
            serde_json::from_str(&self.json).map_err(|error| Fault::new("value", error))?;
        self.handle.with(|session| {
            session
                .set(&self.name, &value)
                .map_err(|error| Fault::new("value", error))?;
            Ok(Value::Null)
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Remove {
    handle: Handle,
    name: String,
}

impl Ask for Remove {
    fn answer(self) -> Answer {
        self.handle
            .with(|session| Ok(json!(session.remove(&self.name))))
    }
}

#[derive(Deserialize)]
pub(crate) struct Clear {
    handle: Handle,
}

impl Ask for Clear {
    fn answer(self) -> Answer {
        self.handle.with(|session| {
            session.clear();
            Ok(Value::Null)
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Flush {
    handle: Handle,
}

impl Ask for Flush {
    fn answer(self) -> Answer {
        self.handle.with(|session| {
            session.flush();
            Ok(Value::Null)
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Cycle {
    handle: Handle,
}

impl Ask for Cycle {
    fn answer(self) -> Answer {
        self.handle.with(|session| {
            session.cycle_key();
            Ok(Value::Null)
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct IsEmpty {
    handle: Handle,
}

impl Ask for IsEmpty {
    fn answer(self) -> Answer {
        self.handle.with(|session| Ok(json!(session.is_empty())))
    }
}

#[derive(Deserialize)]
pub(crate) struct SetExpiry {
    handle: Handle,
    /// Seconds, unless one of the others is there.
    seconds: Option<i64>,
    until: Option<i64>,
    micros: Option<u64>,
    now: Now,
}

impl Ask for SetExpiry {
    fn answer(self) -> Answer {
        let expiry = match (self.until, self.micros, self.seconds) {
            (Some(moment), _, _) => Expiry::At(Timestamp::from_unix_micros(moment)),
            (_, Some(micros), _) => Expiry::In(Duration::from_micros(micros)),
            (_, _, Some(0)) => Expiry::AtBrowserClose,
            (_, _, Some(seconds)) => Expiry::Seconds(seconds),
            _ => Expiry::SiteDefault,
        };
        self.handle.with(|session| {
            session.set_expiry(expiry, Zone::UTC, self.now.timestamp());
            Ok(Value::Null)
        })
    }
}

/// Carries out what was done to a session, even if that is nothing: Django's `save` always writes.
#[derive(Deserialize)]
pub(crate) struct Commit {
    handle: Handle,
    rules: Rules,
    now: Now,
}

impl Ask for Commit {
    fn answer(self) -> Answer {
        let rules = SaveRules {
            codec: self.rules.codec()?,
            lifetime: self.rules.lifetime(),
            guarded_names: Vec::new(),
            save_every_request: true,
            key_length: SessionKey::LENGTH,
        };
        let store = self.rules.store();
        let committed = self
            .handle
            .with(|session| run(session.commit(&store, &rules, self.now.timestamp())))?;
        match committed {
            Ok(Committed::Untouched) => Ok(json!({"done": "untouched"})),
            Ok(Committed::Deleted) => Ok(json!({"done": "deleted"})),
            Ok(Committed::Saved(cookie)) => Ok(json!({
                "done": "saved",
                "key": cookie.key.as_str(),
                "max_age": cookie.max_age,
            })),
            Err(CommitError::Interrupted) => Err(Fault::new("interrupted", "")),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(error) => Err(Fault::new("commit", error)),
        }
    }
}

/// Writes a session into the browser's own cookie.
#[derive(Deserialize)]
pub(crate) struct Write {
    handle: Handle,
    name: String,
    rules: Rules,
    now: Now,
}

impl Ask for Write {
    fn answer(self) -> Answer {
        let engine = SignedCookieEngine::new(&self.rules.keys.secrets()?, self.rules.lifetime());
        let written = self.handle.with(|session| {
            engine
                .write(session, &self.name, true, self.now.timestamp())
                .map_err(|error| Fault::new("too_large", error))
        })?;
        Ok(match written {
            WrittenCookie::Untouched => json!({"done": "untouched"}),
            WrittenCookie::Deleted => json!({"done": "deleted"}),
            WrittenCookie::Saved { value, max_age } => {
                json!({"done": "saved", "value": value, "max_age": max_age})
            }
        })
    }
}

/// Whether a key opens a session.
#[derive(Deserialize)]
pub(crate) struct StoreExists {
    key: String,
    rules: Rules,
    now: Now,
}

impl Ask for StoreExists {
    fn answer(self) -> Answer {
        let Some(key) = SessionKey::parse(&self.key) else {
            return Ok(json!(false));
        };
        let found = run(self.rules.store().load(&key, self.now.timestamp()))??;
        Ok(json!(found.is_some()))
    }
}

/// Removes a record whatever it holds, without its session object.
#[derive(Deserialize)]
pub(crate) struct StoreDelete {
    key: String,
    rules: Rules,
    now: Now,
}

impl Ask for StoreDelete {
    fn answer(self) -> Answer {
        let Some(key) = SessionKey::parse(&self.key) else {
            return Ok(json!(false));
        };
        let deleted = run(self.rules.store().delete(&key, None, self.now.timestamp()))??;
        Ok(json!(matches!(deleted, Deleted::Deleted)))
    }
}

#[derive(Deserialize)]
pub(crate) struct StoreClear {
    rules: Rules,
    now: Now,
}

impl Ask for StoreClear {
    fn answer(self) -> Answer {
        let store = self.rules.store();
        Ok(json!(run(
            store.clear_expired(self.now.timestamp(), u32::MAX)
        )??))
    }
}
