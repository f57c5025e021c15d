//! `/login/`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{RawForm, State};
use axum::response::{IntoResponse as _, Response};
use cloakroom::auth::normalize_username;
use cloakroom::time::Timestamp;
use cloakroom::{Auth, Error, Page};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::{App, answer};
use crate::pages::login::Login;

/// The form, also for somebody who is signed in: they may want to be somebody else.
pub(super) async fn form(auth: Auth, page: Page) -> Result<Response, Error> {
    let next = auth.next().unwrap_or_default();
    let page = answer::page(&page, &Login::form(&next))?;
    Ok(answer::uncached(page))
}

/// The answer is the same whether the name is unknown, the password wrong or the user inactive.
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    auth: Auth,
    page: Page,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let typed = last_field(&form, "username");
    let password = last_field(&form, "password");
    let next = auth.next().unwrap_or_default();
    let view = if typed.trim().is_empty() || password.is_empty() {
        Login::incomplete(&next, &typed, !password.is_empty())
    } else {
        // A name that no user can have is still looked for, so that it takes as long as any other.
        let username = normalize_username(&typed).unwrap_or_default();
        match auth.authenticate(&username, password.as_bytes()).await {
            Ok(Some(user)) => {
                auth.login(&user)?;
                return Ok(auth.redirect_next(&app.cloakroom.config().login.login_redirect_url));
            }
            Ok(None) => Login::refused(&next, &typed),
            Err(error) => return throttled(&page, &next, &typed, error),
        }
    };
    Ok(answer::uncached(answer::page(&page, &view)?))
}

/// The form again with the time at which it may be sent again, if that is the error.
fn throttled(page: &Page, next: &str, typed: &str, error: Error) -> Result<Response, Error> {
    let Some(until) = error.throttled_until() else {
        return Err(error);
    };
    let seconds = until.whole_seconds_since(Timestamp::now()).max(0) + 1;
    let page = answer::page(page, &Login::throttled(next, typed, until, seconds))?;
    let headers = [(RETRY_AFTER, HeaderValue::from(seconds))];
    Ok((
        StatusCode::TOO_MANY_REQUESTS,
        headers,
        answer::uncached(page),
    )
        .into_response())
}

/// The last field of this name, as Django's `QueryDict` gives it; empty if there is none.
pub(super) fn last_field<'a>(form: &'a [u8], name: &str) -> Cow<'a, str> {
    form_urlencoded::parse(form)
        .filter(|(known, _)| known == name)
        .last()
        .map(|(_, value)| value)
        .unwrap_or_default()
}
