//! `/logout/`.

use axum::extract::OriginalUri;
use axum::response::Response;
use serde::Serialize;

use super::{View, shown};
use crate::auth::{Auth, User};
use crate::error::Error;
use crate::redirect::redirect;
use crate::templates::Page;

/// The question.
#[derive(Debug, Serialize)]
pub(super) struct Logout<'a> {
    pub(super) action: &'a str,
    /// Who would be logged out.
    pub(super) name: &'a str,
    /// Where to go instead.
    pub(super) stay: &'a str,
}

impl View for Logout<'_> {
    const TEMPLATE: &'static str = "registration/logout.html";
}

/// Asks, because a link must not sign anybody out: another site could show it as a picture.
pub(super) async fn ask(
    auth: Auth,
    user: Option<User>,
    page: Page,
    uri: OriginalUri,
) -> Result<Response, Error> {
    let config = &auth.visit.site().config.login;
    let Some(user) = user else {
        return Ok(redirect(&config.logout_redirect_url));
    };
    let view = Logout {
        action: uri.path(),
        name: &user.display_name(),
        stay: &config.login_redirect_url,
    };
    shown(&page, &view)
}

pub(super) async fn submit(auth: Auth) -> Result<Response, Error> {
    // Who it was is for the log and for whoever listens.
    let _ = auth.user().await?;
    auth.logout()?;
    let config = &auth.visit.site().config.login;
    Ok(auth.redirect_next(&config.logout_redirect_url))
}
