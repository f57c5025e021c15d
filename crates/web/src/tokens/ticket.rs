//! Tickets for WebSockets and downloads.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::auth::User;
use crate::error::Error;
use crate::site::{Remembered, Site};
use crate::visit::Visit;

/// Issues tickets and takes each of them once, within 30 seconds.
///
/// A browser sends no `Authorization` with a WebSocket, and a token in a URL stands in logs. So a page asks for a
/// ticket by a request of its own and puts that into the URL.
///
/// ```
/// use axum::extract::Query;
/// use axum::{Router, routing::get, routing::post};
/// use cloakroom::{Bearer, Error, Tickets};
///
/// async fn ticket(user: Bearer, tickets: Tickets) -> Result<String, Error> {
///     tickets.issue(user.user())
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Entry { ticket: String }
///
/// async fn download(tickets: Tickets, Query(entry): Query<Entry>) -> Result<String, Error> {
///     let user = tickets.redeem(&entry.ticket).await?;
///     Ok(format!("report of {}", user.username))
/// }
///
/// let app: Router = Router::new().route("/api/ticket/", post(ticket)).route("/report/", get(download));
/// ```
#[derive(Clone, Debug)]
pub struct Tickets(Arc<Site>);

impl Tickets {
    /// A ticket for the user, whom a session or an access token speaks for.
    ///
    /// # Errors
    /// No random number could be drawn, or the site has no store.
    pub fn issue(&self, user: &User) -> Result<String, Error> {
        Ok(self.remembered()?.tickets.issue(user, self.0.now())?)
    }

    /// Takes a ticket: its user as the store has them now.
    ///
    /// # Errors
    /// 401 for a ticket that is not valid any more: it is too old, was taken, or its user is not active or has another
    /// password. 503 if the store failed; the ticket may or may not have been taken.
    pub async fn redeem(&self, text: &str) -> Result<User, Error> {
        let tickets = &self.remembered()?.tickets;
        let ticket = tickets.redeem(text, self.0.now()).await?;
        let ticket = ticket.ok_or_else(|| Error::token(true))?;
        let user = self.0.users.by_id(&ticket.user_id).await?;
        user.filter(|user| tickets.is_of(&ticket, user))
            .map(User::from)
            .ok_or_else(|| Error::token(true))
    }

    fn remembered(&self) -> Result<&Remembered, Error> {
        self.0.remembered.as_ref().ok_or_else(Error::no_token_store)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Tickets {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Ok(Self(Arc::clone(Visit::of(parts)?.site())))
    }
}
