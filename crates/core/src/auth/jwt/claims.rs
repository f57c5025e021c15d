//! What a token says.

use serde_json::{Map, Value};

use super::JwtRules;
use crate::time::Timestamp;

/// `TOKEN_TYPE_CLAIM` of simplejwt.
pub(super) const TOKEN_TYPE: &str = "token_type";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are the two")]
pub enum TokenType {
    /// Speaks for its user for some minutes.
    Access,
    /// Is exchanged for another pair, once.
    Refresh,
}

impl TokenType {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// The claims of a token that has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// Whose it is: the primary key as text.
    pub user_id: String,
    /// Its own id (`jti`).
    pub id: String,
    /// When it ends, in seconds since 1970.
    pub expires_at: i64,
    /// The family of a refresh token of ours.
    pub family: Option<String>,
    pub(super) password: Option<String>,
    pub(super) revoke: Option<String>,
}

impl Claims {
    /// `None` if one is missing, or is not as the rules want it.
    pub(super) fn read(
        claims: &Map<String, Value>,
        kind: TokenType,
        now: Timestamp,
        rules: &JwtRules,
    ) -> Option<Self> {
        let text = |name: &str| claims.get(name)?.as_str();
        if text(TOKEN_TYPE) != Some(kind.word()) {
            return None;
        }
        let seconds = now.unix_seconds_f64();
        let expires_at = claims.get("exp")?.as_f64().filter(|end| *end > seconds)?;
        // As PyJWT has it: what begins later is not valid yet.
        let begun = ["nbf", "iat"].iter().all(|name| {
            let begin = claims.get(*name);
            begin.is_none_or(|begin| begin.as_f64().is_some_and(|begin| begin <= seconds))
        });
        if !begun {
            return None;
        }
        if let Some(issuer) = &rules.issuer
            && text("iss") != Some(issuer)
        {
            return None;
        }
        if !is_for(claims.get("aud"), rules.audience.as_deref()) {
            return None;
        }
        let user_id = match claims.get(&rules.user_id_claim)? {
            Value::String(id) => id.clone(),
            // As older releases of simplejwt write it.
            Value::Number(id) if !id.is_f64() => id.to_string(),
            _ => return None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let expires_at = expires_at as i64;
        Some(Self {
            user_id,
            id: text("jti")?.to_owned(),
            expires_at,
            family: text(JwtRules::FAMILY_CLAIM).map(str::to_owned),
            password: text(JwtRules::PASSWORD_CLAIM).map(str::to_owned),
            revoke: text(JwtRules::REVOKE_CLAIM).map(str::to_owned),
        })
    }
}

/// Whether the audience, a text or a list, has us in it. A site without a name is in none (RFC 7519, section 4.1.3).
fn is_for(audience: Option<&Value>, us: Option<&str>) -> bool {
    match (audience, us) {
        (None, None) => true,
        (Some(Value::String(name)), Some(us)) => name == us,
        (Some(Value::Array(names)), Some(us)) => names.iter().any(|name| name == us),
        _ => false,
    }
}
