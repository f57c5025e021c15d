//! `/login/`.

use axum::extract::{OriginalUri, RawForm};
use axum::response::{IntoResponse as _, Response};
use cloakroom_core::auth::normalize_username;
use cloakroom_core::time::Timestamp;
use http::header::{COOKIE, REFERER, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde::Serialize;

use super::form::{FormErrors, REQUIRED, last_field};
use super::{LOGIN, PASSWORD_RESET, View, shown, sibling};
use crate::auth::Auth;
use crate::error::{Error, ErrorKind};
use crate::templates::Page;
use crate::visit::find_cookie;

/// The form, before and after a try.
#[derive(Debug, Default, Serialize)]
pub(super) struct Login<'a> {
    pub(super) action: &'a str,
    /// Where to go on to, as it came in the address or the form. Judged when the login succeeds, not here.
    pub(super) next: &'a str,
    /// As it was typed, so that it need not be typed again. The password never comes back.
    pub(super) username: &'a str,
    #[serde(flatten)]
    pub(super) errors: FormErrors,
    /// Where a forgotten password is asked for, if the site can do that.
    pub(super) reset: Option<String>,
    /// Where somebody with a second factor is to sign in, if this is such a one.
    pub(super) second_factor: Option<&'a str>,
    /// Why the cookie of a login did not come back, if it seems so.
    pub(super) cookie_lost: Option<CookieLost>,
}

/// Why a browser does not send the cookie of a login.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CookieLost {
    /// It is for https, and this is not.
    Insecure,
    /// It is blocked, or another host's.
    Blocked,
}

impl View for Login<'_> {
    const TEMPLATE: &'static str = "registration/login.html";
}

impl<'a> Login<'a> {
    fn new(auth: &Auth, uri: &'a OriginalUri, next: &'a str, username: &'a str) -> Self {
        let site = auth.visit.site();
        Self {
            action: uri.path(),
            next,
            username,
            errors: FormErrors::none("username"),
            reset: site
                .offers_reset()
                .then(|| sibling(uri, LOGIN, PASSWORD_RESET)),
            second_factor: None,
            cookie_lost: None,
        }
    }

    /// After a try that failed, whatever the reason: a wrong name, a wrong password and a disabled account must look the
    /// same, or the page tells who has an account.
    pub(super) fn refuse(&mut self) {
        self.errors.add("username", "", REFUSED);
        self.errors.invalid.push("password");
        self.errors.focus = "password";
    }

    /// After a try that was not looked at, because too many have failed.
    pub(super) fn throttle(&mut self, until: Timestamp, seconds: i64) {
        let wait = match seconds {
            ..=1 => "a second".to_owned(),
            2..=119 => format!("{seconds} seconds"),
            120..=7199 => format!("{} minutes", (seconds + 59) / 60),
            _ => format!("{} hours", (seconds + 3599) / 3600),
        };
        // `2026-11-22T17:45:30…` in UTC.
        let text = until.iso_text();
        let clock = text.get(11..19).unwrap_or_default();
        let message = format!(
            "Too many attempts to log in have failed. Your password was not looked at. Please try again in {wait}, at \
             {clock} UTC."
        );
        self.errors.add("password", "", message);
        self.errors.invalid.clear();
    }

    /// The password is right, and is not enough.
    pub(super) fn ask_elsewhere(&mut self, url: Option<&'a str>) {
        let message = "This account has a second factor, which this page cannot ask for. Please log in at the site's other \
                       login page.";
        self.errors.add("username", "", message);
        self.errors.invalid.clear();
        self.second_factor = url;
    }
}

/// Django's words.
const REFUSED: &str = "Please enter a correct username and password. \
                       Note that both fields may be case-sensitive.";

/// The form, also for somebody who is signed in: they may want to be somebody else.
pub(super) async fn form(
    auth: Auth,
    page: Page,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let next = auth.next().unwrap_or_default();
    let mut view = Login::new(&auth, &uri, &next, "");
    view.cookie_lost = cookie_lost(&auth, &uri, &headers);
    shown(&page, &view)
}

/// Whether somebody comes here from this very page without the cookie that it has just given them. Without a word of it
/// they would be sent to and fro.
fn cookie_lost(auth: &Auth, uri: &OriginalUri, headers: &HeaderMap) -> Option<CookieLost> {
    let referer = headers.get(REFERER)?.to_str().ok()?.parse::<Uri>().ok()?;
    let session = &auth.visit.site().config.session.cookie;
    let has_session = headers.contains_key(COOKIE) && find_cookie(headers, &session.name).is_some();
    if referer.path() != uri.path() || uri.query().is_none() || has_session {
        return None;
    }
    let place = auth.visit.place();
    Some(if !place.secure && auth.visit.secure(session.secure) {
        CookieLost::Insecure
    } else {
        CookieLost::Blocked
    })
}

/// The answer is the same whether the name is unknown, the password wrong or the user inactive.
pub(super) async fn submit(
    auth: Auth,
    page: Page,
    uri: OriginalUri,
    RawForm(form): RawForm,
) -> Result<Response, Error> {
    let config = &auth.visit.site().config.login;
    let typed = last_field(&form, "username");
    let password = last_field(&form, "password");
    let next = auth.next().unwrap_or_default();
    let mut view = Login::new(&auth, &uri, &next, &typed);
    if typed.trim().is_empty() {
        view.errors.add("username", "Username", REQUIRED);
    }
    if password.is_empty() {
        view.errors.add("password", "Password", REQUIRED);
    }
    if !view.errors.is_empty() {
        return shown(&page, &view);
    }
    // A name that no user can have is still looked for, so that it takes as long as any other.
    let username = normalize_username(&typed).unwrap_or_default();
    let error = match auth.authenticate(&username, password.as_bytes()).await {
        Ok(Some(user)) => {
            auth.login(&user)?;
            return Ok(auth.redirect_next(&config.login_redirect_url));
        }
        Ok(None) => {
            view.refuse();
            return shown(&page, &view);
        }
        Err(error) => error,
    };
    if let Some(until) = error.throttled_until() {
        let seconds = error.throttled_seconds();
        view.throttle(until, seconds);
        let headers = [(RETRY_AFTER, HeaderValue::from(seconds))];
        return Ok((StatusCode::TOO_MANY_REQUESTS, headers, shown(&page, &view)?).into_response());
    }
    if error.kind() == ErrorKind::SecondFactor {
        view.ask_elsewhere(config.second_factor_url.as_deref());
        return Ok((StatusCode::FORBIDDEN, shown(&page, &view)?).into_response());
    }
    Err(error)
}
