//! Requests that an access token speaks for.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::middleware::{FromExtractorLayer, from_extractor};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::Tokens;
use crate::auth::{User, UserRow};
use crate::error::Error;
use crate::visit::Visit;

/// The user whom the request's access token speaks for: `Authorization: Bearer …`. A handler that takes it runs for
/// nobody else, and never for the user of a session.
///
/// The user is read from the store each time: who is not active, or has another password since, is nobody. Everybody
/// else gets 401 with `WWW-Authenticate`, as JSON.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::Bearer;
///
/// async fn who_am_i(user: Bearer) -> String {
///     user.username.clone()
/// }
/// # let _: Router = Router::new().route("/", get(who_am_i));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer(User);

impl Bearer {
    /// The same user, for what takes one from a session too.
    #[must_use]
    pub const fn user(&self) -> &User {
        &self.0
    }
}

impl Deref for Bearer {
    type Target = UserRow;

    fn deref(&self) -> &UserRow {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let tokens = Tokens::from_request_parts(parts, state).await?;
        let visit = Visit::of(parts)?.clone();
        {
            let mut state = visit.state();
            state.reads_authorization = true;
            if let Some(user) = state.bearer.clone() {
                return Ok(Self(user));
            }
        }
        let found = match token(&parts.headers) {
            Sent::Nothing => return Err(Error::token(false)),
            Sent::Malformed => None,
            Sent::Token(token) => tokens.user(token).await?,
        };
        let user = found.ok_or_else(|| Error::token(true))?;
        visit.state().bearer = Some(user.clone());
        Ok(Self(user))
    }
}

/// A layer for routes that only holders of an access token may call, as [`login_required`](crate::login_required) is
/// for pages.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::bearer_required;
///
/// let app: Router = Router::new().route("/api/grades/", get(|| async { "1, 2, 3" }).layer(bearer_required()));
/// ```
pub fn bearer_required() -> FromExtractorLayer<Bearer, ()> {
    from_extractor::<Bearer>()
}

enum Sent<'a> {
    Nothing,
    Malformed,
    Token(&'a str),
}

/// What follows the scheme in the one `Authorization` header. Of two, another program may have read the other.
fn token(headers: &HeaderMap) -> Sent<'_> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return match headers.contains_key(AUTHORIZATION) {
            true => Sent::Malformed,
            false => Sent::Nothing,
        };
    };
    let Ok(text) = value.to_str() else {
        return Sent::Malformed;
    };
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Sent::Token(token.trim_start_matches(' '))
        }
        None if text.eq_ignore_ascii_case("bearer") => Sent::Malformed,
        _ => Sent::Nothing,
    }
}
