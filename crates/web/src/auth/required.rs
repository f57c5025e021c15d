//! Pages for users: what everybody else gets.

use axum::middleware::{FromExtractorLayer, from_extractor};
use cloakroom_core::auth::{REDIRECT_FIELD_NAME, full_path, login_redirect, next_of_request};
use http::header::{ACCEPT, HeaderName};
use http::request::Parts;

use super::{User, original_uri};
use crate::csrf::has_bearer;
use crate::error::Error;
use crate::visit::Visit;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// A layer for routes that only users may see. A browser's page load is sent to `LOGIN_URL`, with the way back
/// in `next`; anything else gets 401. The handler needs no [`User`] in its arguments for it.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::login_required;
///
/// let app: Router = Router::new().route("/class_list/", get(|| async { "1, 2, 3" }).layer(login_required()));
/// ```
pub fn login_required() -> FromExtractorLayer<User, ()> {
    from_extractor::<User>()
}

/// The user who is signed in, or what a visitor gets in place of a page for users.
pub(super) async fn signed_in(visit: &Visit, parts: &Parts) -> Result<User, Error> {
    let user = visit.load_user(&parts.headers).await?.map(User);
    user.ok_or_else(|| to_login(visit, parts).unwrap_or_else(|| Error::login_required(None)))
}

/// Sends a browser's page load to the login page; `None` for anything else.
pub(super) fn to_login(visit: &Visit, parts: &Parts) -> Option<Error> {
    // Whoever sends a token is a program.
    let bearer = visit.site().config.csrf.bearer_has_no_cookies && has_bearer(&parts.headers);
    if bearer || !is_page_load(parts) {
        return None;
    }
    let login_url = &visit.site().config.login.login_url;
    let place = visit.place();
    let uri = original_uri(parts);
    let scheme = if place.secure { "https" } else { "http" };
    let path = full_path(uri.path(), uri.query());
    let next = next_of_request(login_url, scheme, &place.host, &path);
    let location = login_redirect(login_url, &next, REDIRECT_FIELD_NAME);
    Some(Error::login_required(Some(location)))
}

/// Whether somebody may look at the answer as a page: by the browser's word, or else by what it would accept.
fn is_page_load(parts: &Parts) -> bool {
    let header = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    match (header(SEC_FETCH_MODE), header(SEC_FETCH_DEST)) {
        (Some(mode), dest) => {
            mode == "navigate"
                && dest.is_none_or(|dest| {
                    matches!(dest, "document" | "iframe" | "frame" | "fencedframe")
                })
        }
        // A client that accepts anything is sent on as by Django; one that names what it wants is told.
        (None, _) => header(ACCEPT).is_none_or(|accept| {
            accept.split(',').any(|range| {
                let range = range.split(';').next().unwrap_or_default().trim();
                matches!(
                    range,
                    "*/*" | "text/*" | "text/html" | "application/xhtml+xml"
                )
            })
        }),
    }
}
