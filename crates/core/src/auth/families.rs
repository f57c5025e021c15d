//! Families of refresh tokens: of each one token is good, and only once (RFC 9700, section 4.14.2).

use std::sync::Arc;

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

    /// Begins a family: its first refresh token.
    ///
    /// # Errors
    /// The store did not answer, or no random number could be drawn.
    pub async fn begin(&self, user: &User, now: Timestamp) -> Result<String, TokenError> {
        let (family, id) = (JwtRules::draw_id()?, JwtRules::draw_id()?);
        // A new id is taken by nobody.
        let _ = self
            .ledger
            .add(&family, &record(&id), self.end(now), now)
            .await?;
        Ok(self.rules.mint_refresh(user, &id, &family, now))
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
                    Ok(Exchanged::For(self.begin(user, now).await?))
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
        let kept = self.ledger.text(&entry);
        let counts = kept.is_some_and(|json| id_in(&json).as_deref() == Some(&*claims.id));
        let id = JwtRules::draw_id()?;
        if counts {
            let (next, end) = (record(&id), self.end(now));
            if self.ledger.replace(&entry, &next, end, now).await? == Change::Done {
                let token = self.rules.mint_refresh(user, &id, family, now);
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

    fn end(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.rules.refresh_lifetime())
    }
}

/// What the store keeps of a family whose next token has this id. Ids that we draw are hexadecimal.
fn record(id: &str) -> String {
    format!(r#"{{"jti":"{id}"}}"#)
}

fn id_in(record: &str) -> Option<String> {
    let record = serde_json::from_str::<serde_json::Value>(record).ok()?;
    Some(record.get("jti")?.as_str()?.to_owned())
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
