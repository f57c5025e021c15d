//! The extractor that gives a handler its visitor's session.

use std::fmt;

use axum::extract::FromRequestParts;
use cloakroom_core::time::Timestamp;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use cloakroom_core::session::*;

use crate::error::Error;
use crate::visit::Visit;

/// The visitor's session, loaded by one read when the handler asks for it. A cheap handle: clones are the
/// same session.
///
/// What is changed is carried out once, after the handler, unless its response is an error of the server
/// (500 and above). Of requests at the same time, those that change different names all keep their changes.
///
/// Once the response is made every call fails (see [`Error::is_session_closed`]): a stream or a task that
/// wants to keep something calls [`save`](Self::save) before.
///
/// ```
/// use cloakroom::{Error, Session};
///
/// async fn visits(session: Session) -> Result<String, Error> {
///     let visits = session.add("visits", 1)?;
///     let name: Option<String> = session.get("name")?;
///     Ok(format!("Hello {}, visit {visits}", name.as_deref().unwrap_or("stranger")))
/// }
/// ```
#[derive(Clone)]
pub struct Session(Visit);

impl Session {
    /// The value under `name`.
    ///
    /// # Errors
    /// There is a value, but it is no `T`; or the session is closed.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        Ok(self.with(|session| session.get(name))??)
    }

    /// Gives `name` a value. Of two requests that set the same name the later one wins.
    ///
    /// # Errors
    /// The value cannot be written as JSON that Django reads; or the session is closed.
    pub fn set(&self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        Ok(self.with(|session| session.set(name, value))??)
    }

    /// The JSON text of the value under `name`, as Django wrote it or would write it.
    ///
    /// # Errors
    /// The session is closed.
    pub fn raw(&self, name: &str) -> Result<Option<String>, Error> {
        self.with(|session| session.raw(name).map(std::borrow::Cow::into_owned))
    }

    /// Gives `name` the value that stands in this JSON text, which may be more than a type of Rust holds: `NaN`,
    /// integers of any size.
    ///
    /// # Errors
    /// It is no JSON value that Django reads; or the session is closed.
    pub fn set_raw(&self, name: &str, json: &str) -> Result<(), Error> {
        Ok(self.with(|session| session.set_raw(name, json))??)
    }

    /// Removes `name`; whether it was there.
    ///
    /// # Errors
    /// The session is closed.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        self.with(|session| session.remove(name))
    }

    /// Removes `name` and gives its value to this request alone: a one-time value is taken once, however many
    /// requests try at the same time. The others are interrupted (400).
    ///
    /// # Errors
    /// There is a value, but it is no `T`; or the session is closed.
    pub fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        Ok(self.with(|session| session.take(name))??)
    }

    /// Adds `more` to the counter under `name`, which starts at 0; its new value as this request sees it.
    /// Requests that add at the same time are all counted.
    ///
    /// # Errors
    /// The value there is no integer, or the sum leaves 64 bits; or the session is closed.
    pub fn add(&self, name: &str, more: i64) -> Result<i64, Error> {
        Ok(self.with(|session| session.add(name, more))??)
    }

    /// True if `name` has a value, be it `null`.
    ///
    /// # Errors
    /// The session is closed.
    pub fn contains(&self, name: &str) -> Result<bool, Error> {
        self.with(|session| session.contains(name))
    }

    /// The names that have a value, in their order.
    ///
    /// # Errors
    /// The session is closed.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        self.with(|session| session.names().map(String::from).collect())
    }

    /// True if there is neither a record nor data.
    ///
    /// # Errors
    /// The session is closed.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.with(|session| session.is_empty())
    }

    /// The session's key, which is a secret of its visitor; `None` until it has been saved.
    ///
    /// # Errors
    /// The session is closed.
    pub fn key(&self) -> Result<Option<cloakroom_core::session::SessionKey>, Error> {
        self.with(|session| session.key().cloned())
    }

    /// The save is interrupted (400) if another request gives `name` another value first.
    ///
    /// # Errors
    /// The session is closed.
    pub fn require_unchanged(&self, name: &str) -> Result<(), Error> {
        self.with(|session| session.require_unchanged(name))
    }

    /// Removes all names; the session and its key stay.
    ///
    /// # Errors
    /// The session is closed.
    pub fn clear(&self) -> Result<(), Error> {
        self.with(SessionState::clear)
    }

    /// Ends the session. What is set from now on belongs to a new one.
    ///
    /// # Errors
    /// The session is closed.
    pub fn flush(&self) -> Result<(), Error> {
        self.with(SessionState::flush)
    }

    /// Keeps the data and gives them a new key; the old one opens nothing any more.
    ///
    /// # Errors
    /// The session is closed.
    pub fn cycle_key(&self) -> Result<(), Error> {
        self.with(SessionState::cycle_key)
    }

    /// Sets when the session ends.
    ///
    /// # Errors
    /// The session is closed.
    pub fn set_expiry(&self, expiry: Expiry) -> Result<(), Error> {
        self.with(|session| session.set_expiry(expiry, Timestamp::now()))
    }

    /// Carries out now what was changed so far, for streams and tasks that go on after the response.
    ///
    /// # Errors
    /// The store failed, or another request ended the session meanwhile; or the session is closed.
    pub async fn save(&self) -> Result<(), Error> {
        if self.0.state().sealed {
            return Err(Error::closed());
        }
        self.0.commit(false).await.map(drop)
    }

    fn with<T>(&self, action: impl FnOnce(&mut SessionState) -> T) -> Result<T, Error> {
        self.0.with_session(action)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        visit.load_session(&parts.headers).await?;
        Ok(Self(visit))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Session(..)")
    }
}
