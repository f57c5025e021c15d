//! Questions that name everything they are about, so that millions of them leave no session behind.

use std::time::Duration;

use cloakroom_core::auth::{AuthRules, Owner, Relogin, User};
use cloakroom_core::session::{
    Codec, Expiry, Lifetime, SessionData, SessionKey, SessionState, SignedCookieEngine, Stored,
    WrittenCookie,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::{Timestamp, Zone};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::json::Json;
use crate::question::{Answer, Ask, Fault};
use crate::signing::{Keys, Now};
use crate::store;

/// What the text of a row holds: its JSON, and each name with its value's text.
#[derive(Deserialize)]
pub(crate) struct Decode {
    keys: Keys,
    salt: String,
    text: String,
}

impl Ask for Decode {
    fn answer(self) -> Answer {
        let codec = Codec::new(&self.keys.secrets()?, &self.salt, Compression::Always);
        let bytes = codec
            .decode(&self.text)
            .map_err(|error| Fault::new("decode", error))?;
        let data = SessionData::from_bytes(bytes).map_err(|error| Fault::new("data", error))?;
        let entries: Vec<_> = data.names().map(|name| (data.raw(&name), name)).collect();
        Ok(json!({"json": &**data.text(), "entries": entries}))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    /// A value as a handler would give it.
    Set(String, String),
    /// The same for a number with a fraction, whose text is read without `serde_json`: its default is off by a bit.
    SetFloat(String, String),
    /// The text of a value.
    SetRaw(String, String),
    Remove(String),
    Add(String, i64),
    Clear,
}

impl Change {
    /// Whether it could be made.
    fn make(&self, session: &mut SessionState) -> Result<bool, Fault> {
        Ok(match self {
            Self::Set(name, json) => {
                let value: Json =
                    serde_json::from_str(json).map_err(|error| Fault::new("value", error))?;
                session.set(name, &value).is_ok()
            }
            Self::SetFloat(name, text) => {
                let number: f64 = text.parse().map_err(|error| Fault::new("value", error))?;
                session.set(name, &number).is_ok()
            }
            Self::SetRaw(name, json) => session.set_raw(name, json).is_ok(),
            Self::Remove(name) => session.remove(name),
            Self::Add(name, more) => session.add(name, *more).is_ok(),
            Self::Clear => {
                session.clear();
                true
            }
        })
    }
}

fn change(session: &mut SessionState, changes: &[Change]) -> Result<Vec<bool>, Fault> {
    changes.iter().map(|change| change.make(session)).collect()
}

/// A session with this JSON, as if a store had held it.
fn holding(json: &str, codec: &Codec) -> Result<SessionState, Fault> {
    let key = SessionKey::parse("aaaaaaaa").ok_or_else(|| Fault::new("key", "no key"))?;
    Ok(SessionState::from_stored(
        key,
        Stored::json(json, Timestamp::MAX),
        codec,
    ))
}

/// What a session's data are after some changes.
#[derive(Deserialize)]
pub(crate) struct Changed {
    keys: Keys,
    json: String,
    changes: Vec<Change>,
}

impl Ask for Changed {
    fn answer(self) -> Answer {
        let codec = Codec::new(
            &self.keys.secrets()?,
            Codec::DJANGO_SALT,
            Compression::Never,
        );
        let mut session = holding(&self.json, &codec)?;
        let unreadable = session.is_unreadable();
        let made = change(&mut session, &self.changes)?;
        Ok(json!({"json": &**session.data().text(), "made": made, "unreadable": unreadable}))
    }
}

/// What `set_expiry` leaves under its name.
#[derive(Deserialize)]
pub(crate) struct SetExpiryText {
    form: Form,
    now: Now,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    SiteDefault,
    AtBrowserClose,
    Seconds(i64),
    InMicros(u64),
    At(Now),
}

impl Ask for SetExpiryText {
    fn answer(self) -> Answer {
        let expiry = match self.form {
            Form::SiteDefault => Expiry::SiteDefault,
            Form::AtBrowserClose => Expiry::AtBrowserClose,
            Form::Seconds(seconds) => Expiry::Seconds(seconds),
            Form::InMicros(micros) => Expiry::In(Duration::from_micros(micros)),
            Form::At(moment) => Expiry::At(moment.timestamp()),
        };
        let mut session = SessionState::new();
        session.set_expiry(expiry, Zone::UTC, self.now.timestamp());
        Ok(json!(session.raw("_session_expiry")))
    }
}

/// A session in the browser's own cookie: read, changed, and written again.
#[derive(Deserialize)]
pub(crate) struct InCookie {
    keys: Keys,
    age: i64,
    at_browser_close: bool,
    value: String,
    changes: Vec<Change>,
    now: Now,
}

impl Ask for InCookie {
    fn answer(self) -> Answer {
        let lifetime = Lifetime {
            age: self.age,
            at_browser_close: self.at_browser_close,
            ..Lifetime::DJANGO
        };
        let engine = SignedCookieEngine::new(&self.keys.secrets()?, lifetime);
        let now = self.now.timestamp();
        let mut session = engine.read(&self.value, now);
        let read = (!session.is_empty()).then(|| session.data().text().to_string());
        change(&mut session, &self.changes)?;
        let changed = session.data().text().to_string();
        let written = engine
            .write(&mut session, "sessionid", true, now)
            .map_err(|error| Fault::new("too_large", error))?;
        let written = match written {
            WrittenCookie::Untouched => json!("untouched"),
            WrittenCookie::Deleted => json!("deleted"),
            WrittenCookie::Saved { value, max_age } => json!({"value": value, "max_age": max_age}),
        };
        Ok(json!({"read": read, "changed": changed, "written": written}))
    }
}

/// Whose a session is that holds this JSON, if the user's row is as given.
#[derive(Deserialize)]
pub(crate) struct OwnerOf {
    keys: Keys,
    backends: Vec<String>,
    json: String,
    user: Value,
}

impl Ask for OwnerOf {
    fn answer(self) -> Answer {
        let secrets = self.keys.secrets()?;
        let rules = AuthRules::new(&secrets, Relogin::KeepsKey).with_backends(self.backends);
        let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
        let mut session = holding(&self.json, &codec)?;
        let user: User = store::user(&self.user)
            .ok_or_else(|| Fault::new("user", "the columns have another form"))?;
        let claimed = rules.claimed_user(&session);
        let owner = match &claimed {
            None => Owner::Nobody,
            Some(id) => rules.verify(&mut session, Some(&user).filter(|user| user.id == *id)),
        };
        Ok(json!({
            "claimed": claimed,
            "owner": owner == Owner::User,
            "renewed": session.is_modified() && owner == Owner::User,
            "json": &**session.data().text(),
        }))
    }
}
