//! Sites whose every page is for users, but those that say otherwise.

use axum::body::Body;
use axum::extract::{MatchedPath, OriginalUri};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Request, StatusCode};

use super::required;
use crate::error::ErrorKind;
use crate::visit::Visit;

/// The request, if somebody has signed in; or else what a stranger gets.
pub(crate) async fn check(
    visit: &Visit,
    request: Request<Body>,
) -> Result<Request<Body>, Response> {
    let (parts, body) = request.into_parts();
    visit.note_wanted(&parts.headers);
    match required::signed_in(visit, &parts).await {
        Ok(_) => Ok(Request::from_parts(parts, body)),
        // The router's own answer, without its help: a fallback may be a page of the site's.
        Err(error) if error.kind() == ErrorKind::LoginRequired && has_no_route(&parts) => {
            Err(StatusCode::NOT_FOUND.into_response())
        }
        Err(error) => Err(error.into_response()),
    }
}

/// Whether a router had no route for the request. Around a whole router nobody has asked for one yet.
fn has_no_route(parts: &Parts) -> bool {
    let extensions = &parts.extensions;
    extensions.get::<OriginalUri>().is_some() && extensions.get::<MatchedPath>().is_none()
}
