//! Sessions in signed cookies that end when they are ended, in all copies of their cookies.

use super::super::commit::CommitError;
use super::super::state::{Fate, Origin, SessionState};
use super::super::store::StoreError;
use super::{CookieId, Revocations, SignedCookieEngine, WrittenCookie};
use crate::time::Timestamp;

/// Reads and writes sessions that are kept in a signed cookie, and keeps a list of those that have ended.
///
/// Each session has an id, which stands in all of its cookies under `_cookie_id` and is hidden from the site's pages.
/// Whatever ends a session or gives it a new key (a logout, a login, a changed password, `flush`, `cycle_key`) puts
/// that id on the list, and no cookie with it opens anything any more. One read of the list for each request that
/// looks at a session, and one more where it is saved, is what that costs.
///
/// # What holds, and what does not
///
/// A list that does not answer is an error, never "not ended". Of a session that only Django wrote, the cookie that was
/// sent is the only one that ends: there may be older copies, and we do not know them. A Django beside us knows nothing
/// of the list: what ended here is valid there, and the other way round. A `SESSION_COOKIE_AGE` that is raised later
/// brings back what ended longer ago than the former one.
#[derive(Clone, Debug)]
pub struct RevocableCookies {
    engine: SignedCookieEngine,
    revocations: Revocations,
}

impl RevocableCookies {
    /// `engine`'s cookies, and the list of those that are void.
    #[must_use]
    pub const fn new(engine: SignedCookieEngine, revocations: Revocations) -> Self {
        Self {
            engine,
            revocations,
        }
    }

    /// The session in a cookie's value, if it was signed within `SESSION_COOKIE_AGE` and has not ended; otherwise an
    /// empty one.
    ///
    /// # Errors
    /// The list did not answer.
    pub async fn load(&self, value: &str, now: Timestamp) -> Result<SessionState, StoreError> {
        let Some(data) = self.engine.data(value, now) else {
            return Ok(SessionState::new());
        };
        let (id, data) = CookieId::take_from(data, value);
        if self.revocations.holds(&id, now).await? {
            return Ok(SessionState::new());
        }
        Ok(SessionState::from_cookie(data, Some(id)))
    }

    /// What the response's cookie says, after the list knows what has ended; starts `state` afresh from it.
    ///
    /// Of several requests that end one session or give it a new key, one succeeds. The others are interrupted: what
    /// they were asked to end may live on under another id.
    ///
    /// # Errors
    /// Nothing is acknowledged; see [`CommitError`].
    pub async fn commit(
        &self,
        state: &mut SessionState,
        name: &str,
        save_every_request: bool,
        now: Timestamp,
    ) -> Result<WrittenCookie, CommitError> {
        let fate = state.fate;
        let before = match &state.origin {
            Origin::Lost => return Err(CommitError::Interrupted),
            Origin::Cookie(id) => id.clone(),
            _ => None,
        };
        let id = match &before {
            Some(id) if matches!(fate, Fate::Stay | Fate::Upgrade) => id.clone(),
            _ => CookieId::generate().map_err(CommitError::Random)?,
        };
        let written = self
            .engine
            .write_as(state, Some(id), name, save_every_request, now)?;
        let Some(before) = before.filter(|_| written != WrittenCookie::Untouched) else {
            return Ok(written);
        };
        // Until the list has answered, whatever happens.
        let kept = std::mem::replace(state, SessionState::lost());
        let has_ended = match fate {
            Fate::Stay | Fate::Upgrade => self.revocations.holds(&before, now).await?,
            Fate::Renew | Fate::Flush | Fate::Drop => !self.revocations.add(&before, now).await?,
        };
        match fate {
            _ if !has_ended => {}
            // Our own findings, not the request's wish: the browser may hold the cookie of whoever was first.
            Fate::Upgrade => return Ok(WrittenCookie::Untouched),
            Fate::Drop if written == WrittenCookie::Deleted => return Ok(WrittenCookie::Untouched),
            Fate::Drop => {}
            Fate::Stay | Fate::Renew | Fate::Flush => return Err(CommitError::Interrupted),
        }
        *state = kept;
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
