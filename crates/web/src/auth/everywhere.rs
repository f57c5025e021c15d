//! Sites whose every page is for users, but those that say otherwise.

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts as _, MatchedPath, OriginalUri, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Request, StatusCode};

use super::required;
use crate::visit::Visit;

/// The request, if somebody has signed in; or else what a stranger gets.
pub(crate) async fn check(
    visit: &Visit,
    request: Request<Body>,
) -> Result<Request<Body>, Response> {
    let (mut parts, body) = request.into_parts();
    visit.note_wanted(&parts.headers);
    if is_nowhere(&mut parts).await {
        // The router's own answer, without its help: nothing behind the layer runs for strangers by mistake.
        return Err(StatusCode::NOT_FOUND.into_response());
    }
    match required::signed_in(visit, &parts).await {
        Ok(_) => Ok(Request::from_parts(parts, body)),
        Err(error) => Err(error.into_response()),
    }
}

/// Whether a router had no route for the request and no fallback of the site's own. Around a whole router nobody has
/// asked for a route yet.
async fn is_nowhere(parts: &mut Parts) -> bool {
    let in_router = parts.extensions.get::<OriginalUri>().is_some();
    if !in_router || parts.extensions.get::<MatchedPath>().is_some() {
        return false;
    }
    // A nested service and a fallback have no path of their own, but have been routed to.
    matches!(
        RawPathParams::from_request_parts(parts, &()).await,
        Err(RawPathParamsRejection::MissingPathParams(_))
    )
}
