//! One request's view of a session: what was loaded, what was changed, and what is to become of it.

mod dict;
mod lasting;
mod test_cookie;

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TOKEN_LOGIN_NAME;
use super::change::Changes;
use super::codec::Codec;
use super::data::{self, SessionData, ValueError, ascii};
use super::key::SessionKey;
use super::signed_cookie::CookieId;
use super::store::{Form, Stored, Version};

/// A session in a request's hands. Plain data: it never touches a store.
#[derive(Debug)]
pub struct SessionState {
    pub(super) origin: Origin,
    pub(super) base: SessionData,
    pub(super) changes: Changes,
    pub(super) fate: Fate,
    /// Saved since it was loaded, so the response must carry the cookie.
    pub(super) cookie_due: bool,
    /// To be saved though nothing may have changed.
    pub(super) touched: bool,
    /// What tied tokens to the login that this request has ended.
    ended_login: Option<String>,
}

/// Where a session came from.
#[derive(Debug)]
pub(super) enum Origin {
    /// No record: the browser sent no key, or one that opens nothing.
    Nothing,
    /// There is a record that cannot be read. It is never overwritten, only deleted by a logout.
    Unreadable(SessionKey),
    /// A record that was read.
    Record(Seen),
    /// The browser's own signed cookie, and what tells its session from others where they can be revoked.
    Cookie(Option<CookieId>),
    /// What is kept is not known any more: a commit failed, or another request renewed the key. Nothing more may be
    /// written.
    Lost,
}

/// A record as it was when we last read or wrote it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) key: SessionKey,
    pub(super) version: Version,
    pub(super) form: Form,
}

/// What is to become of the record a session came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays where it is.
    Stay,
    /// Its data move to a new key.
    Renew,
    /// The same, by our own wish and not the request's: whoever did it first has done it for us.
    Upgrade,
    /// It ends, by the user's wish: a logout, or a login as somebody else.
    Flush,
    /// It ends because it is no longer valid; whoever got there first has done it for us.
    Drop,
}

impl SessionState {
    /// A session of a browser that has none.
    #[must_use]
    pub fn new() -> Self {
        Self::from_parts(Origin::Nothing, SessionData::empty())
    }

    /// The session that a store found under `key`.
    #[must_use]
    pub fn from_stored(key: SessionKey, stored: Stored, codec: &Codec) -> Self {
        match stored.form.data(codec) {
            Some(data) => Self::from_parts(
                Origin::Record(Seen {
                    key,
                    version: stored.version,
                    form: stored.form,
                }),
                data,
            ),
            None => Self::from_parts(Origin::Unreadable(key), SessionData::empty()),
        }
    }

    pub(super) const fn from_cookie(data: SessionData, id: Option<CookieId>) -> Self {
        Self::from_parts(Origin::Cookie(id), data)
    }

    /// A session of which nobody knows what is kept, until a commit says so.
    pub(super) fn lost() -> Self {
        Self::from_parts(Origin::Lost, SessionData::empty())
    }

    const fn from_parts(origin: Origin, base: SessionData) -> Self {
        Self {
            origin,
            base,
            changes: Changes::new(),
            fate: Fate::Stay,
            cookie_due: false,
            touched: false,
            ended_login: None,
        }
    }

    /// The key under which the session is kept now; `None` for a new one and for one that is to get a new key.
    #[must_use]
    pub const fn key(&self) -> Option<&SessionKey> {
        match (&self.origin, self.fate) {
            (Origin::Record(seen), Fate::Stay) => Some(&seen.key),
            _ => None,
        }
    }

    /// The key under which there is a record now, whatever is to become of it.
    #[must_use]
    pub const fn record_key(&self) -> Option<&SessionKey> {
        match &self.origin {
            Origin::Record(Seen { key, .. }) | Origin::Unreadable(key) => Some(key),
            Origin::Nothing | Origin::Cookie(_) | Origin::Lost => None,
        }
    }

    /// True if there is a record that none of the secret keys can read.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.origin, Origin::Unreadable(_))
    }

    /// True if nothing is kept, and nothing is to be. A record that we cannot read, or of which we do not know whether
    /// it is there, is not nothing.
    pub(super) fn opens_nothing(&self) -> bool {
        matches!((&self.origin, self.fate), (Origin::Nothing, Fate::Stay)) && self.is_empty()
    }

    /// True if there is neither a record nor data: Django's `is_empty`. A browser's own cookie is a record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let has_record = match self.fate {
            Fate::Stay => matches!(self.origin, Origin::Record(_) | Origin::Cookie(_)),
            Fate::Renew | Fate::Upgrade => true,
            Fate::Flush | Fate::Drop => false,
        };
        !has_record && self.names().next().is_none()
    }

    /// True if something is to be written.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        self.fate != Fate::Stay || !self.changes.is_empty() || self.touched
    }

    /// True if it was saved since it was loaded: the response is to carry its cookie.
    #[must_use]
    pub const fn was_saved(&self) -> bool {
        self.cookie_due
    }

    /// What ties tokens to the login of this session, if any were handed out in it.
    #[must_use]
    pub fn token_login(&self) -> Option<String> {
        self.get(TOKEN_LOGIN_NAME).ok().flatten()
    }

    /// What tied tokens to the login that this request has ended. They are to end before this is committed: a logout is
    /// acknowledged when nothing of it is left.
    #[must_use]
    pub fn ended_login(&self) -> Option<&str> {
        self.ended_login.as_deref()
    }

    /// The value under `name`.
    ///
    /// # Errors
    /// There is a value, but it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ValueError> {
        self.raw(name).map(|raw| data::parse(&raw)).transpose()
    }

    /// The JSON text of the value under `name`.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<Cow<'_, str>> {
        self.changes.value(&self.base, &ascii::escaped(name))
    }

    /// True if `name` has a value, be it `null`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The names that have a value.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.changes.names(&self.base).map(ascii::unescaped)
    }

    /// Gives `name` a value.
    ///
    /// Of two requests that set the same name the later one wins; other names are not affected.
    ///
    /// # Errors
    /// The value cannot be written as JSON, or Django could not read it.
    pub fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), ValueError> {
        self.set_json(name, ascii::to_json(value)?)
    }

    /// [`set`](Self::set) for a text, which Django can always read.
    pub(crate) fn set_text(&mut self, name: &'static str, value: &str) {
        self.own_change();
        self.changes.set(ascii::escaped(name), ascii::text(value));
    }

    /// Gives `name` the value that stands in this JSON text: for what another program wrote and no type of Rust
    /// holds, such as `NaN` and integers of any size. It is kept as it stands, without blanks around it and with text in
    /// ASCII.
    ///
    /// # Errors
    /// It is no JSON value that Python reads.
    pub fn set_raw(&mut self, name: &str, json: &str) -> Result<(), ValueError> {
        // Before the escaping: a backslash in front of such a character would turn into another escape's.
        data::check_value(json).map_err(ValueError::Unreadable)?;
        self.set_json(name, ascii::from_text(data::trimmed(json)))
    }

    fn set_json(&mut self, name: &str, json: String) -> Result<(), ValueError> {
        let json = checked(json)?;
        self.own_change();
        self.changes.set(ascii::escaped(name).into_owned(), json);
        Ok(())
    }

    /// Removes `name`; whether it was there. Removing what is not there changes nothing.
    pub fn remove(&mut self, name: &str) -> bool {
        let found = self.contains(name);
        if found {
            self.own_change();
            self.changes.remove(&ascii::escaped(name));
        }
        found
    }

    /// Removes `name` and gives its value to this request alone: if another request has changed or taken it
    /// by the time this one is saved, the save is interrupted.
    ///
    /// # Errors
    /// There is a value, but it is no `T`; it stays.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ValueError> {
        let value = self.get(name)?;
        if value.is_some() {
            self.require_unchanged(name);
            self.remove(name);
        }
        Ok(value)
    }

    /// Adds `more` to the counter under `name`, which starts at 0; its new value as this request sees it.
    ///
    /// Requests that add at the same time are all counted.
    ///
    /// # Errors
    /// The value there is no integer, or the sum leaves 64 bits.
    pub fn add(&mut self, name: &str, more: i64) -> Result<i64, ValueError> {
        self.own_change();
        self.changes.add(&self.base, &ascii::escaped(name), more)
    }

    /// The save will be interrupted if another request gives `name` another value first.
    pub fn require_unchanged(&mut self, name: &str) {
        self.changes
            .require_unchanged(&self.base, &ascii::escaped(name));
    }

    /// Removes all names; the session and its key stay.
    pub fn clear(&mut self) {
        self.own_change();
        self.changes.clear();
    }

    /// Ends the session: its record is deleted, and what is set from now on belongs to a new one.
    ///
    /// If another request has ended it or moved it to another key by the time this one is carried out, this
    /// one is interrupted: what it was asked to end may live on under that key.
    pub fn flush(&mut self) {
        self.ended_login = self.token_login().or_else(|| self.ended_login.take());
        self.end(Fate::Flush);
    }

    /// Ends a session that is found to be no longer valid. If another request changed it meanwhile, that one
    /// knew better.
    pub(crate) fn drop_invalid(&mut self) {
        if self.fate != Fate::Flush {
            self.end(Fate::Drop);
        }
    }

    /// The request has something of its own to keep, so it must not pass for done if that is lost.
    fn own_change(&mut self) {
        if self.fate == Fate::Upgrade {
            self.fate = Fate::Renew;
        }
    }

    fn end(&mut self, fate: Fate) {
        self.base = SessionData::empty();
        self.changes = Changes::new();
        self.cookie_due = false;
        self.touched = false;
        // Where nothing is, nothing ends, and nothing is to be carried out.
        self.fate = if matches!(self.origin, Origin::Nothing) {
            Fate::Stay
        } else {
            fate
        };
    }

    /// Keeps the data and gives them a new key; the old one opens nothing any more.
    pub fn cycle_key(&mut self) {
        if matches!(self.fate, Fate::Stay | Fate::Upgrade) {
            self.fate = Fate::Renew;
        }
    }

    /// Gives the data a new key because of what they are, with one name set anew. A page's requests at the
    /// same time all find that this is due; the first does it, and the others must not fail for it.
    pub(crate) fn upgrade_key(&mut self, name: &'static str, value: &str) {
        let only_this = self.fate == Fate::Stay && self.changes.is_empty();
        self.changes.set(ascii::escaped(name), ascii::text(value));
        self.fate = if only_this {
            Fate::Upgrade
        } else {
            Fate::Renew
        };
    }

    /// Has the session saved though nothing has changed, so that it lives on from now: Django's `modified = True`. A
    /// visitor without a session does not get one by it.
    pub const fn touch(&mut self) {
        self.touched = true;
    }

    /// The data as they would be saved now, if no other request has changed them.
    #[must_use]
    pub fn data(&self) -> SessionData {
        // `add` has checked every counter against this base, so nothing can conflict.
        self.changes
            .apply(&self.base)
            .unwrap_or_else(|_| self.base.clone())
    }
}

/// A value's text, if Django can read it.
pub(super) fn checked(json: String) -> Result<String, ValueError> {
    match data::check_value(&json) {
        Ok(()) => Ok(json),
        Err(error) => Err(ValueError::Unreadable(error)),
    }
}

impl Default for SessionState {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
