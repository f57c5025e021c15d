//! Families of refresh tokens: of each one token is good, and only once (RFC 9700, section 4.14.2).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::jwt::{Claims, JwtRules};
use super::ledger::{Change, Ledger};
use super::user::User;
use crate::random::RandomError;
use crate::secret::Secrets;
use crate::session::{Codec, Store, StoreError};
use crate::time::Timestamp;

/// Hands out refresh tokens and exchanges each of them once.
///
/// A family begins with a login. Its record in the store says which token is the one that counts. A token that was
/// exchanged before is in two hands, and nobody knows which are the user's: so the family ends, and its user signs in
/// again. That holds for a client that sends the same request twice, too, because it looks the same.
#[derive(Clone, Debug)]
pub struct TokenFamilies {
    ledger: Ledger,
    rules: JwtRules,
    takes_foreign: bool,
}

/// What became of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Exchanged {
    /// The one that follows it.
    For(String),
    /// Its family has ended, now or before.
    Ended,
}

/// A token could not be handed out.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum TokenError {
    /// The store did not answer. The token may or may not have been exchanged.
    Store(StoreError),
    /// No random number could be drawn.
    Random(RandomError),
}

impl TokenFamilies {
    /// `codec` writes what the store keeps.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, secrets: &Secrets, codec: Codec, rules: JwtRules) -> Self {
        Self {
            ledger: Ledger::new(store, secrets, codec, b"cloakroom.auth.jwt.family"),
            rules,
            takes_foreign: false,
        }
    }

    /// Also exchanges refresh tokens that have no family: those of simplejwt. Each of them once, too.
    #[must_use]
    pub const fn taking_foreign(mut self) -> Self {
        self.takes_foreign = true;
        self
    }

    /// Begins a family: its first refresh token. `login` is that of the [session](super::AuthRules::token_login) in which
    /// it is handed out, if it is.
    ///
    /// # Errors
    /// The store did not answer, or no random number could be drawn.
    pub async fn begin(
        &self,
        user: &User,
        login: Option<&str>,
        now: Timestamp,
    ) -> Result<String, TokenError> {
        let id = JwtRules::draw_id()?;
        let family = Family {
            jti: JwtRules::draw_id()?,
            login: login.map(str::to_owned),
            ends: self.rules.family_end(now).map(Timestamp::unix_seconds),
        };
        let end = self.token_end(&family, now);
        // A new id is taken by nobody.
        let _ = self.ledger.add(&id, &family.json(), end, now).await?;
        Ok(self.rules.mint_refresh(user, &family.jti, &id, now, end))
    }

    /// Exchanges a token that has been [read](JwtRules::read). `user` is the one whom the store has under its id now:
    /// an unknown or inactive one, or one with another password, ends the family.
    ///
    /// # Errors
    /// The store did not answer, or no random number could be drawn.
    pub async fn exchange(
        &self,
        claims: &Claims,
        user: Option<&User>,
        now: Timestamp,
    ) -> Result<Exchanged, TokenError> {
        let user = user.filter(|user| self.rules.is_of(claims, user));
        let Some(family) = &claims.family else {
            return match user {
                Some(user) if self.takes_foreign && self.take_foreign(claims, now).await? => {
                    Ok(Exchanged::For(self.begin(user, None, now).await?))
                }
                _ => Ok(Exchanged::Ended),
            };
        };
        let Some(user) = user else {
            self.end_family(family, now).await?;
            return Ok(Exchanged::Ended);
        };
        let Some(entry) = self.ledger.find(family, now).await? else {
            return Ok(Exchanged::Ended);
        };
        let kept = self.ledger.text(&entry).and_then(|json| Family::of(&json));
        if let Some(mut kept) = kept.filter(|kept| kept.jti == claims.id) {
            kept.jti = JwtRules::draw_id()?;
            // One that began before there was a limit has all of it from now on.
            let limit = self.rules.family_end(now).map(Timestamp::unix_seconds);
            kept.ends = kept.ends.or(limit);
            let end = self.token_end(&kept, now);
            let json = kept.json();
            if end > now
                && !self.has_ended(kept.login.as_deref(), now).await?
                && self.ledger.replace(&entry, &json, end, now).await? == Change::Done
            {
                let token = self.rules.mint_refresh(user, &kept.jti, family, now, end);
                return Ok(Exchanged::For(token));
            }
        }
        self.end_family(family, now).await?;
        Ok(Exchanged::Ended)
    }

    /// Ends the family of a token that has been [read](JwtRules::read): its user signs out. Of one without a family
    /// the token itself is used up.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn finish(&self, claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
        match &claims.family {
            Some(family) => self.end_family(family, now).await,
            None => self.take_foreign(claims, now).await.map(drop),
        }
    }

    /// Ends all families that were handed out in this login's session. Each finds out at its next exchange.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn end_login(&self, login: &str, now: Timestamp) -> Result<(), TokenError> {
        // By then the last of their tokens is over.
        let end = self.rules.refresh_end(now);
        let _ = self.ledger.take(&end_of(login), end, now).await?;
        Ok(())
    }

    async fn has_ended(&self, login: Option<&str>, now: Timestamp) -> Result<bool, TokenError> {
        let Some(login) = login else {
            return Ok(false);
        };
        Ok(self.ledger.find(&end_of(login), now).await?.is_some())
    }

    async fn end_family(&self, family: &str, now: Timestamp) -> Result<(), TokenError> {
        let _ = self.ledger.remove(family, now).await?;
        Ok(())
    }

    async fn take_foreign(&self, claims: &Claims, now: Timestamp) -> Result<bool, TokenError> {
        // No id of ours has a colon.
        let id = format!("jti:{}", claims.id);
        let end = Timestamp::from_unix_seconds(claims.expires_at);
        Ok(self.ledger.take(&id, end, now).await?)
    }

    /// When a token of this family ends that is made now: with the family, at the latest.
    fn token_end(&self, family: &Family, now: Timestamp) -> Timestamp {
        let end = self.rules.refresh_end(now);
        let family_end = family.ends.map(Timestamp::from_unix_seconds);
        family_end.map_or(end, |last| last.min(end))
    }
}

/// Under what the store keeps that a login has ended. No id of ours has a colon.
fn end_of(login: &str) -> String {
    format!("login:{login}")
}

/// What the store keeps of a family.
#[derive(Serialize, Deserialize)]
struct Family {
    /// The id of the token that counts.
    jti: String,
    /// The login of the session in which it was handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// When the family ends, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<i64>,
}

impl Family {
    fn of(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RandomError> for TokenError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::auth::TokenType;
    use crate::secret::SecretKey;
    use crate::session::MemoryStore;
    use crate::signing::Compression;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    /// Nothing here waits: the store is memory.
    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("a store in memory does not wait"),
        }
    }

    /// Families in this store, which live so long.
    fn families(store: &Arc<MemoryStore>, lifetime: Option<i64>) -> TokenFamilies {
        let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
        let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
        let rules = JwtRules::new(&secrets).with_family_lifetime(lifetime);
        TokenFamilies::new(Arc::clone(store) as Arc<dyn Store>, &secrets, codec, rules)
    }

    fn ann() -> User {
        User::new("7", "ann", NOW)
    }

    /// The next token and when it ends, so many seconds after [`NOW`].
    fn exchanged(families: &TokenFamilies, token: &str, at: i64) -> Option<(String, i64)> {
        let at = NOW.plus_seconds(at);
        let read = |token: &str| families.rules.read(token, TokenType::Refresh, at);
        let next = now(families.exchange(&read(token)?, Some(&ann()), at)).unwrap();
        let Exchanged::For(next) = next else {
            return None;
        };
        let end = read(&next).unwrap().expires_at - NOW.unix_seconds();
        Some((next, end))
    }

    #[test]
    fn a_family_ends_at_its_time_however_often_its_tokens_are_exchanged() {
        let store = Arc::new(MemoryStore::new(100));
        let families = families(&store, Some(200_000));
        let mut token = now(families.begin(&ann(), None, NOW)).unwrap();
        for (at, end) in [(80_000, 166_400), (150_000, 200_000), (199_999, 200_000)] {
            let next = exchanged(&families, &token, at);
            let (next, ends_at) = next.expect("its time is not over");
            assert_eq!(ends_at, end, "{at}");
            token = next;
        }
        assert_eq!(exchanged(&families, &token, 200_000), None);
    }

    #[test]
    fn a_family_without_a_limit_goes_on_until_it_is_given_one() {
        let store = Arc::new(MemoryStore::new(100));
        let without = families(&store, None);
        let mut token = now(without.begin(&ann(), None, NOW)).unwrap();
        for day in 1..=100 {
            (token, _) = exchanged(&without, &token, day * 86_000).expect("there is no limit");
        }
        let at = 101 * 86_000;
        let limited = families(&store, Some(1000));
        let (token, end) = exchanged(&limited, &token, at).unwrap();
        assert_eq!(end, at + 1000);
        let (token, end) = exchanged(&limited, &token, at + 999).unwrap();
        assert_eq!(end, at + 1000, "the first exchange began it");
        assert_eq!(exchanged(&limited, &token, at + 1000), None);
    }
}
