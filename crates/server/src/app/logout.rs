//! `/logout/`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cloakroom::{Auth, Error, Page, User, redirect};

use super::{App, answer};
use crate::pages::home::name;
use crate::pages::logout::Logout;

/// Asks, because a link must not sign anybody out: another site could show it as a picture.
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    user: Option<User>,
    page: Page,
) -> Result<Response, Error> {
    let Some(user) = user else {
        return Ok(redirect(&app.cloakroom.config().login.logout_redirect_url));
    };
    let view = Logout { name: &name(&user) };
    Ok(answer::uncached(answer::page(&page, &view)?))
}

pub(super) async fn submit(State(app): State<Arc<App>>, auth: Auth) -> Result<Response, Error> {
    if let Some(user) = auth.user().await? {
        tracing::info!(user = %user.id, "signs out");
    }
    auth.logout()?;
    Ok(auth.redirect_next(&app.cloakroom.config().login.logout_redirect_url))
}
