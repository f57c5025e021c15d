//! Carrying out what a request did to its session: once, in an order in which nothing acknowledged is lost
//! and nothing that was logged out comes back.

use std::fmt;

use super::change::Changes;
use super::codec::Codec;
use super::data::SessionData;
use super::expiry::Lifetime;
use super::key::SessionKey;
use super::signed_cookie::CookieTooLarge;
use super::state::{Fate, Origin, Seen, SessionState};
use super::store::{Created, Deleted, Form, Record, Replaced, Store, StoreError, Version};
use crate::random::RandomError;
use crate::time::Timestamp;

/// How often a save begins again because another request was first. Each round somebody has succeeded, so
/// this bounds what one request waits for, not what all of them get done.
const ROUNDS: usize = 16;
/// How often a key that is already taken is drawn again: 165 random bits make even one unlikely.
const DRAWS: usize = 4;

/// The rules by which sessions are saved.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made whole by the configuration")]
pub struct SaveRules {
    /// Writes the text that the store keeps.
    pub codec: Codec,
    /// How long sessions live.
    pub lifetime: Lifetime,
    /// Names that may never change underneath a request, besides those beginning with `_`.
    pub guarded_names: Vec<String>,
    /// `SESSION_SAVE_EVERY_REQUEST`: a session that is only looked at is saved too, for its expiry.
    pub save_every_request: bool,
    /// Characters of a new session's key; see [`SessionKey::generate_of`].
    pub key_length: usize,
}

impl SaveRules {
    /// Django's messages merge like a visitor's own names, and so does the CSRF secret: two pages that are loaded at
    /// once may each make the session's first. Everything else that begins with `_` belongs to Django's logic.
    fn guards(&self, name: &str) -> bool {
        (name.starts_with('_') && !matches!(name, "_messages" | "_csrftoken"))
            || self.guarded_names.iter().any(|guarded| guarded == name)
    }
}

/// What a commit did, and so what the response's cookie says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "the response must handle every case"
)]
pub enum Committed {
    /// Nothing was written and no cookie is due.
    Untouched,
    /// The session is kept; the cookie carries this key until then.
    Saved(CookieValue),
    /// The session is gone, and so should be the cookie.
    Deleted,
}

/// What a session's cookie is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieValue {
    /// The session's key.
    pub key: SessionKey,
    /// Seconds the browser keeps it; `None` until it closes.
    pub max_age: Option<i64>,
}

/// Why a commit was not carried out. Nothing is acknowledged then, and no cookie is sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommitError {
    /// Another request ended, moved or changed the session in a way that cannot be merged: Django's
    /// `SessionInterrupted`, which answers 400.
    Interrupted,
    /// Other requests were always first.
    Busy,
    /// The store failed.
    Store(StoreError),
    /// The operating system's random generator failed.
    Random(RandomError),
    /// The session does not fit the cookie that keeps it.
    TooLarge(CookieTooLarge),
}

impl fmt::Display for CommitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            // Django's words, but for the full stops.
            Self::Interrupted => {
                "the request's session was deleted before the request completed; \
                 the user may have logged out in a concurrent request, for example"
            }
            Self::Busy => "other requests kept changing the session",
            Self::Store(_) => "the session store failed",
            Self::Random(_) => "no new session key could be drawn",
            Self::TooLarge(error) => return error.fmt(formatter),
        })
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Random(error) => Some(error),
            Self::Interrupted | Self::Busy | Self::TooLarge(_) => None,
        }
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CookieTooLarge> for CommitError {
    fn from(error: CookieTooLarge) -> Self {
        Self::TooLarge(error)
    }
}

impl SessionState {
    /// Carries out what was done to this session, and starts afresh from what is kept then.
    ///
    /// The future must run to its end: dropped in the middle it may leave a new record without its old one
    /// deleted. The caller runs it in a task of its own that a client who hangs up cannot cancel.
    ///
    /// # Errors
    /// Nothing is acknowledged; see [`CommitError`].
    pub async fn commit(
        &mut self,
        store: &dyn Store,
        rules: &SaveRules,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        let commit = Commit { store, rules, now };
        // Until this one is through, whatever happens; a second commit after a failed one could otherwise
        // keep under a new key what another request has ended.
        let origin = std::mem::replace(&mut self.origin, Origin::Lost);
        let outcome = match (origin, self.fate) {
            (Origin::Lost, _) => return Err(CommitError::Interrupted),
            // Only looked at, or saved before and nothing done since.
            (Origin::Record(seen), Fate::Stay)
                if !self.is_modified() && !rules.save_every_request =>
            {
                self.origin = Origin::Record(seen);
                return Ok(if self.cookie_due {
                    self.cookie(rules, now)
                } else {
                    Committed::Untouched
                });
            }
            (Origin::Record(seen), Fate::Stay) => {
                Outcome::Kept(commit.save(seen, &self.base, &self.changes).await?)
            }
            (Origin::Record(seen), Fate::Renew) => {
                // In boxes what is rare, so that every commit is small.
                let renewal = Box::pin(commit.renew(seen, &self.base, &self.changes));
                Outcome::Kept(renewal.await?)
            }
            (Origin::Record(seen), Fate::Upgrade) => {
                match Box::pin(commit.renew(seen, &self.base, &self.changes)).await {
                    Err(CommitError::Interrupted) => {
                        // Done, by another request and under a key that we do not know: what was loaded may
                        // be read to the end, and nothing more be written.
                        self.changes = Changes::new();
                        self.fate = Fate::Stay;
                        self.touched = false;
                        return Ok(Committed::Untouched);
                    }
                    renewed => Outcome::Kept(renewed?),
                }
            }
            (Origin::Record(Seen { key, .. }) | Origin::Unreadable(key), Fate::Flush) => {
                Box::pin(commit.end(&key, None, &self.data())).await?
            }
            (Origin::Record(seen), Fate::Drop) => {
                Box::pin(commit.end(&seen.key, Some(&seen.version), &self.data())).await?
            }
            (origin, fate) => {
                let data = self.data();
                if data.is_empty() && fate != Fate::Renew {
                    self.origin = origin;
                    return Ok(Committed::Untouched);
                }
                Outcome::Kept(commit.create(&data, commit.record(&data)).await?)
            }
        };
        *self = Self::new();
        match outcome {
            Outcome::Untouched => Ok(Committed::Untouched),
            Outcome::Deleted => Ok(Committed::Deleted),
            Outcome::Kept(Kept { seen, data, end }) => {
                self.origin = Origin::Record(seen);
                self.base = data;
                self.cookie_due = true;
                Ok(self.cookie_until(end, rules, now))
            }
        }
    }

    fn cookie(&self, rules: &SaveRules, now: Timestamp) -> Committed {
        self.cookie_until(rules.lifetime.expiry_date(&self.base, now), rules, now)
    }

    fn cookie_until(&self, end: Timestamp, rules: &SaveRules, now: Timestamp) -> Committed {
        let Some(key) = self.key().cloned() else {
            return Committed::Untouched;
        };
        let lasting = !rules.lifetime.ends_with_browser(&self.base);
        let max_age = lasting.then(|| end.whole_seconds_since(now));
        Committed::Saved(CookieValue { key, max_age })
    }
}

/// One commit's surroundings.
struct Commit<'a> {
    store: &'a dyn Store,
    rules: &'a SaveRules,
    now: Timestamp,
}

/// What became of a session.
enum Outcome {
    Kept(Kept),
    Deleted,
    Untouched,
}

/// A record that is kept now, its data, and when it ends.
struct Kept {
    seen: Seen,
    data: SessionData,
    end: Timestamp,
}

impl Kept {
    fn new(key: SessionKey, version: Version, record: &Record, data: SessionData) -> Self {
        // Its form only matters where the data stay the same, so the signed text is only there if the store asked
        // for it.
        let form = record.form();
        Self {
            seen: Seen { key, version, form },
            data,
            end: record.expire_date(),
        }
    }
}

impl Commit<'_> {
    /// Keeps data under a new key.
    async fn create(&self, data: &SessionData, record: Record) -> Result<Kept, CommitError> {
        for _ in 0..DRAWS {
            let key =
                SessionKey::generate_of(self.rules.key_length).map_err(CommitError::Random)?;
            if let Created::Created(version) = self.store.create(&key, &record).await? {
                return Ok(Kept::new(key, version, &record, data.clone()));
            }
        }
        Err(CommitError::Busy)
    }

    /// Changes a record in its place, merging with what others did to it meanwhile.
    async fn save(
        &self,
        mut before: Seen,
        base: &SessionData,
        changes: &Changes,
    ) -> Result<Kept, CommitError> {
        let mut base = base.clone();
        for _ in 0..ROUNDS {
            let data = changes.apply(&base).map_err(|_| CommitError::Interrupted)?;
            let record = self.record(&data);
            let record = if std::sync::Arc::ptr_eq(data.text(), base.text()) {
                record.keeping(&before.form)
            } else {
                record.changed_from(&before.form)
            };
            match self
                .store
                .replace(&before.key, &before.version, &record, self.now)
                .await?
            {
                Replaced::Replaced(version) => {
                    return Ok(Kept::new(before.key, version, &record, data));
                }
                Replaced::Gone => return Err(CommitError::Interrupted),
                Replaced::Changed(stored) => {
                    base = self.merged_base(&base, &stored.form, changes)?;
                    before = Seen {
                        key: before.key,
                        version: stored.version,
                        form: stored.form,
                    };
                }
            }
        }
        Err(CommitError::Busy)
    }

    /// Moves a record to a new key: first the new one is kept, then the old one deleted if it is still what
    /// was copied. Whoever wrote to the old one meanwhile is merged; whoever ended it has ended the new one.
    async fn renew(
        &self,
        before: Seen,
        base: &SessionData,
        changes: &Changes,
    ) -> Result<Kept, CommitError> {
        let data = changes.apply(base).map_err(|_| CommitError::Interrupted)?;
        let new = self
            .create(&data, self.record(&data).changed_from(&before.form))
            .await?;
        let new_key = new.seen.key.clone();
        let renewed = self.hand_over(new, before, base, changes).await;
        if renewed.is_err() {
            // Nobody knows the new key, so a record left under it by a failing store opens nothing.
            let _ = self.store.delete(&new_key, None, self.now).await;
        }
        renewed
    }

    async fn hand_over(
        &self,
        mut new: Kept,
        before: Seen,
        base: &SessionData,
        changes: &Changes,
    ) -> Result<Kept, CommitError> {
        let mut base = base.clone();
        let mut version = before.version;
        for _ in 0..ROUNDS {
            match self
                .store
                .delete(&before.key, Some(&version), self.now)
                .await?
            {
                Deleted::Deleted => return Ok(new),
                Deleted::Gone => return Err(CommitError::Interrupted),
                Deleted::Changed(stored) => {
                    base = self.merged_base(&base, &stored.form, changes)?;
                    version = stored.version;
                    let data = changes.apply(&base).map_err(|_| CommitError::Interrupted)?;
                    let record = self.record(&data).changed_from(&stored.form);
                    let Seen { key, version, .. } = new.seen;
                    match self
                        .store
                        .replace(&key, &version, &record, self.now)
                        .await?
                    {
                        Replaced::Replaced(version) => new = Kept::new(key, version, &record, data),
                        Replaced::Changed(_) | Replaced::Gone => {
                            return Err(CommitError::Interrupted);
                        }
                    }
                }
            }
        }
        Err(CommitError::Busy)
    }

    /// Ends a record, after keeping `data` under a new key if there are any.
    ///
    /// Without `seen` this is a user's wish, and a record that is gone already may live on under another key,
    /// so the end cannot be acknowledged. With `seen` it is our own finding about that version: whoever
    /// changed or ended it meanwhile knew better, and the browser may hold their cookie by now.
    async fn end(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        data: &SessionData,
    ) -> Result<Outcome, CommitError> {
        let new = if data.is_empty() {
            None
        } else {
            Some(self.create(data, self.record(data)).await?)
        };
        let ended = match self.store.delete(key, seen, self.now).await {
            Ok(Deleted::Deleted) => Ok(Outcome::Deleted),
            Ok(_) if seen.is_some() => Ok(Outcome::Untouched),
            Ok(_) => Err(CommitError::Interrupted),
            Err(error) => Err(CommitError::Store(error)),
        };
        match (ended, new) {
            (Ok(_), Some(new)) => Ok(Outcome::Kept(new)),
            (Err(error), Some(Kept { seen, .. })) => {
                let _ = self.store.delete(&seen.key, None, self.now).await;
                Err(error)
            }
            (ended, None) => ended,
        }
    }

    /// What another request left, if our changes may be made to it.
    fn merged_base(
        &self,
        base: &SessionData,
        form: &Form,
        changes: &Changes,
    ) -> Result<SessionData, CommitError> {
        let theirs = form
            .data(&self.rules.codec)
            .ok_or(CommitError::Interrupted)?;
        let guarded = |name: &str| self.rules.guards(name);
        changes
            .check(base, &theirs, guarded)
            .map_err(|_| CommitError::Interrupted)?;
        Ok(theirs)
    }

    fn record(&self, data: &SessionData) -> Record {
        let expire_date = self.rules.lifetime.expiry_date(data, self.now);
        Record::of(data, expire_date, self.rules.codec.clone(), self.now)
    }
}

#[cfg(test)]
mod tests;
