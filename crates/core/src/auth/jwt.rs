//! Access and refresh tokens that `djangorestframework-simplejwt` reads, and those that it writes (RFC 7519).

mod claims;
mod key;

use std::fmt;
use std::sync::Arc;

use md5::{Digest as _, Md5};
use serde_json::{Map, Value};

use super::user::User;
use crate::random::{self, RandomError};
use crate::secret::{SecretKey, Secrets, same};
use crate::signing::SaltedHmac;
use crate::time::Timestamp;

pub use claims::{Claims, TokenType};
pub use key::derived_signing_key;

use claims::TOKEN_TYPE;
use key::Key;

/// Mints tokens and reads them. Clones share the keys.
///
/// There is one algorithm, HS256, and the keys are those that the site has been given: nothing that a token says of
/// keys or algorithms leads anywhere. Which key has signed is found out before a byte of the token is parsed.
///
/// ```
/// use cloakroom_core::auth::{JwtRules, TokenType, User};
/// use cloakroom_core::secret::{SecretKey, Secrets};
/// use cloakroom_core::time::Timestamp;
///
/// let key = SecretKey::new("fifty random characters that nobody else knows, say")?;
/// let rules = JwtRules::new(&Secrets::new(key));
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let user = User::new("7", "ann", now);
/// let token = rules.mint_access(&user, now)?;
/// let claims = rules.read(&token, TokenType::Access, now).expect("it is ours");
/// assert_eq!(claims.user_id, "7");
/// assert!(rules.is_of(&claims, &user));
/// assert!(rules.read(&token, TokenType::Refresh, now).is_none());
/// assert!(rules.read(&token, TokenType::Access, now.plus_seconds(300)).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JwtRules {
    /// The key that signs comes first.
    keys: Arc<[Key]>,
    /// For the claim that ties a token to its user's password.
    passwords: Arc<[SaltedHmac]>,
    access_lifetime: i64,
    refresh_lifetime: i64,
    family_lifetime: Option<i64>,
    issuer: Option<String>,
    audience: Option<String>,
    user_id_claim: String,
    checks_revoke: bool,
}

impl JwtRules {
    /// The most seconds of an access token's life. It is not asked for at the store, so this is how long it outlives a
    /// logout.
    pub const LONGEST_ACCESS: i64 = 300;
    /// A day, as in simplejwt.
    pub const REFRESH_LIFETIME: i64 = 86_400;
    /// The name of simplejwt's claim of the user.
    pub const USER_ID_CLAIM: &str = "user_id";

    const PASSWORD_SALT: &[u8] = b"cloakroom.auth.jwt.password";
    const PASSWORD_CLAIM: &str = "auth_hash";
    /// `REVOKE_TOKEN_CLAIM` of simplejwt.
    const REVOKE_CLAIM: &str = "hash_password";
    const FAMILY_CLAIM: &str = "family";
    /// More than any site's token has.
    const LONGEST: usize = 8192;

    /// simplejwt's defaults, with keys of their own: each is [derived](derived_signing_key) from a secret key.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let keys = secrets.iter().map(Key::derived);
        let passwords = secrets
            .iter()
            .map(|secret| SaltedHmac::new(Self::PASSWORD_SALT, secret));
        Self {
            keys: keys.collect(),
            passwords: passwords.collect(),
            access_lifetime: Self::LONGEST_ACCESS,
            refresh_lifetime: Self::REFRESH_LIFETIME,
            family_lifetime: None,
            issuer: None,
            audience: None,
            user_id_claim: Self::USER_ID_CLAIM.to_owned(),
            checks_revoke: false,
        }
    }

    /// `SIGNING_KEY`: another key instead of those derived, such as that of a Django site which has its tokens already.
    #[must_use]
    pub fn with_signing_key(mut self, key: &SecretKey) -> Self {
        self.keys = [Key::new(key.expose())].into();
        self
    }

    /// `ACCESS_TOKEN_LIFETIME` and `REFRESH_TOKEN_LIFETIME` in seconds; the first is at most
    /// [`LONGEST_ACCESS`](Self::LONGEST_ACCESS).
    #[must_use]
    pub fn with_lifetimes(mut self, access: i64, refresh: i64) -> Self {
        self.access_lifetime = access.min(Self::LONGEST_ACCESS);
        self.refresh_lifetime = refresh;
        self
    }

    /// How many seconds after its login a family of refresh tokens ends, however often they are exchanged; `None`: never,
    /// as in simplejwt.
    #[must_use]
    pub const fn with_family_lifetime(mut self, seconds: Option<i64>) -> Self {
        self.family_lifetime = seconds;
        self
    }

    /// `ISSUER` and `AUDIENCE`: written, and asked of every token.
    #[must_use]
    pub fn with_issuer_and_audience(
        mut self,
        issuer: Option<String>,
        audience: Option<String>,
    ) -> Self {
        self.issuer = issuer;
        self.audience = audience;
        self
    }

    /// `USER_ID_CLAIM`: the name of the claim that says whose a token is.
    #[must_use]
    pub fn with_user_id_claim(mut self, name: String) -> Self {
        self.user_id_claim = name;
        self
    }

    /// `CHECK_REVOKE_TOKEN`: each token must have simplejwt's claim of the password, the MD5 of its hash.
    #[must_use]
    pub const fn checking_revoke_token(mut self) -> Self {
        self.checks_revoke = true;
        self
    }

    /// When a refresh token ends that is made now.
    #[must_use]
    pub const fn refresh_end(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.refresh_lifetime)
    }

    /// When a family ends that begins now.
    #[must_use]
    pub fn family_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.family_lifetime
            .map(|seconds| now.plus_seconds(seconds))
    }

    /// An access token for the user.
    ///
    /// # Errors
    /// No random number could be drawn.
    pub fn mint_access(&self, user: &User, now: Timestamp) -> Result<String, RandomError> {
        let (id, end) = (Self::draw_id()?, now.plus_seconds(self.access_lifetime));
        Ok(self.mint(TokenType::Access, user, &id, None, now, end))
    }

    /// A refresh token with this id (`jti`) and of this family, which ends then.
    #[must_use]
    pub fn mint_refresh(
        &self,
        user: &User,
        id: &str,
        family: &str,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> String {
        self.mint(TokenType::Refresh, user, id, Some(family), now, ends_at)
    }

    /// An id that no other token has: 32 hexadecimal digits, as simplejwt's.
    ///
    /// # Errors
    /// No random number could be drawn.
    pub fn draw_id() -> Result<String, RandomError> {
        random::text(b"0123456789abcdef", 32)
    }

    fn mint(
        &self,
        kind: TokenType,
        user: &User,
        id: &str,
        family: Option<&str>,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> String {
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set(TOKEN_TYPE, kind.word().into());
        set("exp", ends_at.unix_seconds().into());
        set("iat", now.unix_seconds().into());
        set("jti", id.into());
        set(&self.user_id_claim, user.id.as_str().into());
        set(
            Self::PASSWORD_CLAIM,
            password_hash(&self.passwords[0], user).into(),
        );
        if self.checks_revoke {
            set(Self::REVOKE_CLAIM, revoke_hash(user).into());
        }
        let texts = [
            (Self::FAMILY_CLAIM, family),
            ("iss", self.issuer.as_deref()),
            ("aud", self.audience.as_deref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                set(name, text.into());
            }
        }
        self.keys[0].sign(&Value::Object(claims).to_string())
    }

    /// What a token says, if one of the site's keys signed it, for this site, as this kind, and it has not expired.
    /// Whose password it was made under is asked by [`is_of`](Self::is_of).
    #[must_use]
    pub fn read(&self, token: &str, kind: TokenType, now: Timestamp) -> Option<Claims> {
        if token.len() > Self::LONGEST {
            return None;
        }
        let payload = self.keys.iter().find_map(|key| key.verified(token))?;
        let claims = serde_json::from_slice::<Map<String, Value>>(&payload).ok()?;
        Claims::read(&claims, kind, now, self)
    }

    /// Whether the user is active and the password still that under which the token was made. Of a token of
    /// simplejwt's, which does not say unless it is told to, the first alone is known.
    #[must_use]
    pub fn is_of(&self, claims: &Claims, user: &User) -> bool {
        let made_here = claims.password.as_ref().is_none_or(|stored| {
            let mut hashes = self.passwords.iter().map(|key| password_hash(key, user));
            hashes.any(|hash| same(hash.as_bytes(), stored.as_bytes()))
        });
        let revoked = self.checks_revoke
            && !claims
                .revoke
                .as_ref()
                .is_some_and(|stored| same(revoke_hash(user).as_bytes(), stored.as_bytes()));
        user.is_active && user.id == claims.user_id && made_here && !revoked
    }
}

impl fmt::Debug for JwtRules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JwtRules")
            .field("access_lifetime", &self.access_lifetime)
            .field("refresh_lifetime", &self.refresh_lifetime)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Half of a MAC of the stored hash: who holds a token learns nothing of it.
fn password_hash(key: &SaltedHmac, user: &User) -> String {
    let mut digits = key.hex(user.password.as_bytes());
    digits.truncate(32);
    digits
}

/// `get_md5_hash_password`.
fn revoke_hash(user: &User) -> String {
    let bytes = Md5::digest(user.password.as_bytes());
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests;
