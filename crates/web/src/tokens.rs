//! Access and refresh tokens, and tickets: what speaks for a user without a session.

mod bearer;
mod routes;
mod ticket;

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use cloakroom_core::auth::{Claims, Exchanged, TokenType};
use cloakroom_core::time::Timestamp;
use http::request::Parts;
use serde::Serialize;

pub use bearer::{Bearer, bearer_required};
pub use ticket::Tickets;

use crate::auth::User;
use crate::error::Error;
use crate::site::{Remembered, Site};
use crate::visit::Visit;

/// An access token and the refresh token that will be exchanged for the next pair. As JSON it is what simplejwt answers.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pair {
    /// Speaks for its user for five minutes.
    pub access: String,
    /// Is exchanged once.
    pub refresh: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pair(..)")
    }
}

/// Hands tokens out, exchanges them and ends them.
///
/// ```
/// use axum::Json;
/// use cloakroom::{Error, Pair, Tokens, User};
///
/// async fn for_the_app(user: User, tokens: Tokens) -> Result<Json<Pair>, Error> {
///     Ok(Json(tokens.obtain(&user).await?))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::post(for_the_app));
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    site: Arc<Site>,
    /// The request in whose session they may be handed out.
    visit: Option<Visit>,
}

impl Tokens {
    pub(crate) fn of(site: &Arc<Site>) -> Self {
        Self {
            site: Arc::clone(site),
            visit: None,
        }
    }

    /// A pair for the user, whose password has been verified; a new family begins.
    ///
    /// If this user's session is loaded in this request, the family belongs to it, and whatever ends that session's login
    /// ends the family too: a logout, a login as somebody else, an end from the list of sessions.
    ///
    /// # Errors
    /// The store failed, or the site has none, or the session is closed.
    pub async fn obtain(&self, user: &User) -> Result<Pair, Error> {
        let now = self.site.now();
        let families = &self.remembered()?.families;
        let login = match &self.visit {
            Some(visit) => visit.token_login(user)?,
            None => None,
        };
        let refresh = families.begin(user, login.as_deref(), now).await?;
        self.pair(user, refresh, now)
    }

    /// Exchanges a refresh token for the next pair; `None` for one that is not valid, or whose family has ended.
    ///
    /// Of several requests with one token one gets a pair. Then the family ends, and with it the pair's refresh token:
    /// the token is in two hands, and nobody knows which are the user's.
    ///
    /// # Errors
    /// The store failed, or the site has none. The token may or may not have been exchanged.
    pub async fn refresh(&self, token: &str) -> Result<Option<Pair>, Error> {
        let now = self.site.now();
        let families = &self.remembered()?.families;
        let Some(claims) = self.site.jwt.read(token, TokenType::Refresh, now) else {
            return Ok(None);
        };
        let user = self.user_of(&claims).await?;
        let exchanged = families.exchange(&claims, user.as_deref(), now).await?;
        match (exchanged, user) {
            (Exchanged::For(refresh), Some(user)) => Ok(Some(self.pair(&user, refresh, now)?)),
            _ => Ok(None),
        }
    }

    /// Ends the family of a refresh token: its user signs out of the program that had it. Access tokens that are out
    /// end by themselves, within five minutes.
    ///
    /// # Errors
    /// The store failed, or the site has none.
    pub async fn end(&self, token: &str) -> Result<(), Error> {
        let now = self.site.now();
        let families = &self.remembered()?.families;
        match self.site.jwt.read(token, TokenType::Refresh, now) {
            Some(claims) => Ok(families.finish(&claims, now).await?),
            None => Ok(()),
        }
    }

    /// The user whom an access token speaks for, as the store has them now; `None` if it speaks for nobody.
    ///
    /// # Errors
    /// The store failed.
    pub async fn user(&self, token: &str) -> Result<Option<User>, Error> {
        let now = self.site.now();
        let Some(claims) = self.site.jwt.read(token, TokenType::Access, now) else {
            return Ok(None);
        };
        let user = self.user_of(&claims).await?;
        Ok(user.filter(|user| self.site.jwt.is_of(&claims, user)))
    }

    async fn user_of(&self, claims: &Claims) -> Result<Option<User>, Error> {
        let row = self.site.users.by_id(&claims.user_id).await?;
        Ok(row.map(User::from))
    }

    fn pair(&self, user: &User, refresh: String, now: Timestamp) -> Result<Pair, Error> {
        let access = self.site.jwt.mint_access(user, now)?;
        Ok(Pair { access, refresh })
    }

    fn remembered(&self) -> Result<&Remembered, Error> {
        self.site
            .remembered
            .as_ref()
            .ok_or_else(Error::no_token_store)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Tokens {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?;
        Ok(Self {
            visit: Some(visit.clone()),
            ..Self::of(visit.site())
        })
    }
}
