//! The extractor that gives a handler its visitor's session.

use std::fmt;
use std::time::SystemTime;

use axum::extract::FromRequestParts;
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
/// # Requests at the same time
///
/// Of two requests that give one and the same name a value, by [`set`](Self::set), [`update`](Self::update),
/// [`set_default`](Self::set_default), [`remove`](Self::remove) or [`pop`](Self::pop), the later one wins, as
/// in Django; names that only one of them touches are all kept, which Django does not promise. Where the later
/// one must not win:
///
/// | for | use | what happens |
/// |---|---|---|
/// | counters | [`add`](Self::add) | all are counted |
/// | codes, one-time values | [`take`](Self::take) | one request gets the value, the others are interrupted (400) |
/// | a value that a decision rests on | [`require_unchanged`](Self::require_unchanged) | who would decide on an old one is interrupted |
///
/// # Django's names
///
/// | Django | here |
/// |---|---|
/// | `get(name)`, `[name]` | [`get`](Self::get), which gives a type of yours by serde; [`raw`](Self::raw) for the JSON text |
/// | `[name] = value` | [`set`](Self::set), [`set_raw`](Self::set_raw). A list or dict that was read is a copy: set it again |
/// | `del [name]` | [`remove`](Self::remove). Where there is nothing Django raises, this is `false` |
/// | `name in`, `has_key` | [`contains`](Self::contains) |
/// | `pop` | [`pop`](Self::pop), or [`take`](Self::take) |
/// | `setdefault`, `update`, `clear` | [`set_default`](Self::set_default), [`update`](Self::update), [`clear`](Self::clear) |
/// | `keys`, `values`, `items` | [`names`](Self::names), [`values`](Self::values), [`items`](Self::items) |
/// | `flush`, `cycle_key` | [`flush`](Self::flush), [`cycle_key`](Self::cycle_key), both carried out with the response |
/// | `set_expiry(300)`, `(timedelta)`, `(datetime)`, `(0)`, `(None)` | [`set_expiry`](Self::set_expiry) with an [`Expiry`] |
/// | `get_expiry_age`, `get_expiry_date`, `get_expire_at_browser_close` | [`expiry_age`](Self::expiry_age), [`expiry_date`](Self::expiry_date), [`ends_with_browser`](Self::ends_with_browser) |
/// | `set_test_cookie`, `test_cookie_worked`, `delete_test_cookie` | the same names |
/// | `modified = True` | [`touch`](Self::touch) |
/// | `modified`, `is_empty`, `session_key` | [`is_modified`](Self::is_modified), [`is_empty`](Self::is_empty), [`key`](Self::key) |
/// | `accessed` | that the handler asked for a `Session` |
/// | `save` | [`save`](Self::save), where a stream or a task goes on |
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
        Ok(self.change(|session| session.set(name, value))??)
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
        Ok(self.change(|session| session.set_raw(name, json))??)
    }

    /// Removes `name`; whether it was there.
    ///
    /// # Errors
    /// The session is closed.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        self.change(|session| session.remove(name))
    }

    /// Removes `name` and gives its value. Requests that do so at the same time may all get it; see
    /// [`take`](Self::take).
    ///
    /// # Errors
    /// There is a value, but it is no `T`; or the session is closed.
    pub fn pop<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        Ok(self.change(|session| session.pop(name))??)
    }

    /// The value under `name`, which is given `value` if it has none.
    ///
    /// # Errors
    /// There is a value, but it is no `T`; it cannot be written as JSON that Django reads; or the session is
    /// closed.
    pub fn set_default<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        value: T,
    ) -> Result<T, Error> {
        Ok(self.change(|session| session.set_default(name, value))??)
    }

    /// Gives each name its value, or none of them.
    ///
    /// # Errors
    /// One of them cannot be written as JSON that Django reads; or the session is closed.
    pub fn update<N: AsRef<str>, V: Serialize>(
        &self,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), Error> {
        Ok(self.change(|session| session.update(values))??)
    }

    /// Removes `name` and gives its value to this request alone: a one-time value is taken once, however many
    /// requests try at the same time. The others are interrupted (400).
    ///
    /// # Errors
    /// There is a value, but it is no `T`; or the session is closed.
    pub fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        Ok(self.change(|session| session.take(name))??)
    }

    /// Adds `more` to the counter under `name`, which starts at 0; its new value as this request sees it.
    /// Requests that add at the same time are all counted.
    ///
    /// # Errors
    /// The value there is no integer, or the sum leaves 64 bits; or the session is closed.
    pub fn add(&self, name: &str, more: i64) -> Result<i64, Error> {
        Ok(self.change(|session| session.add(name, more))??)
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

    /// The names that have a value, each with it, in their order.
    ///
    /// # Errors
    /// One of the values is no `T`; or the session is closed.
    pub fn items<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>, Error> {
        Ok(self.with(|session| session.items())??)
    }

    /// The values in their names' order.
    ///
    /// # Errors
    /// One of them is no `T`; or the session is closed.
    pub fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        Ok(self.items()?.into_iter().map(|(_, value)| value).collect())
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
        self.change(|session| session.require_unchanged(name))
    }

    /// Removes all names; the session and its key stay.
    ///
    /// # Errors
    /// The session is closed.
    pub fn clear(&self) -> Result<(), Error> {
        self.change(SessionState::clear)
    }

    /// Ends the session. What is set from now on belongs to a new one.
    ///
    /// # Errors
    /// The session is closed.
    pub fn flush(&self) -> Result<(), Error> {
        self.change(SessionState::flush)
    }

    /// Keeps the data and gives them a new key; the old one opens nothing any more.
    ///
    /// # Errors
    /// The session is closed.
    pub fn cycle_key(&self) -> Result<(), Error> {
        self.change(SessionState::cycle_key)
    }

    /// Sets when the session ends.
    ///
    /// # Errors
    /// The session is closed.
    pub fn set_expiry(&self, expiry: Expiry) -> Result<(), Error> {
        let (zone, now) = (self.lifetime().zone, self.0.site().now());
        self.change(|session| session.set_expiry(expiry, zone, now))
    }

    /// Seconds until the session ends if it is saved now.
    ///
    /// # Errors
    /// The session is closed.
    pub fn expiry_age(&self) -> Result<i64, Error> {
        let (lifetime, now) = (self.lifetime(), self.0.site().now());
        self.with(|session| session.expiry_age(lifetime, now))
    }

    /// When the session ends if it is saved now.
    ///
    /// # Errors
    /// The session is closed.
    pub fn expiry_date(&self) -> Result<SystemTime, Error> {
        let (lifetime, now) = (self.lifetime(), self.0.site().now());
        self.with(|session| session.expiry_date(lifetime, now).into())
    }

    /// True if the browser is to forget the session when it closes.
    ///
    /// # Errors
    /// The session is closed.
    pub fn ends_with_browser(&self) -> Result<bool, Error> {
        let lifetime = self.lifetime();
        self.with(|session| session.ends_with_browser(lifetime))
    }

    /// Has the session saved though nothing has changed, so that it lives on from now. A visitor without a
    /// session does not get one by it.
    ///
    /// # Errors
    /// The session is closed.
    pub fn touch(&self) -> Result<(), Error> {
        self.change(SessionState::touch)
    }

    /// True if the response will save the session, or an earlier [`save`](Self::save) has.
    ///
    /// # Errors
    /// The session is closed.
    pub fn is_modified(&self) -> Result<bool, Error> {
        self.with(|session| session.is_modified() || session.was_saved())
    }

    /// Puts something into the session, to see at the next request whether the browser keeps cookies.
    ///
    /// # Errors
    /// The session is closed.
    pub fn set_test_cookie(&self) -> Result<(), Error> {
        self.change(SessionState::set_test_cookie)
    }

    /// True if what [`set_test_cookie`](Self::set_test_cookie) put there has come back.
    ///
    /// # Errors
    /// The session is closed.
    pub fn test_cookie_worked(&self) -> Result<bool, Error> {
        self.with(|session| session.test_cookie_worked())
    }

    /// Removes it again; whether it was there.
    ///
    /// # Errors
    /// The session is closed.
    pub fn delete_test_cookie(&self) -> Result<bool, Error> {
        self.change(SessionState::delete_test_cookie)
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

    fn lifetime(&self) -> &Lifetime {
        &self.0.site().config.session.lifetime
    }

    fn with<T>(&self, action: impl FnOnce(&SessionState) -> T) -> Result<T, Error> {
        self.0.with_session(action)
    }

    fn change<T>(&self, action: impl FnOnce(&mut SessionState) -> T) -> Result<T, Error> {
        self.0.change_session(action)
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
