//! Until the database has answered for the first time: 503, and then the site itself.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom::Templates;
use http::StatusCode;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use tower::ServiceExt as _;

use super::{answer, health, with_headers};
use crate::pages::error::Unavailable;

struct Waiting {
    ready: Arc<OnceLock<Router>>,
    templates: Templates,
}

/// Answers in the place of the site until `ready` holds it.
pub(crate) fn waiting(ready: Arc<OnceLock<Router>>, templates: Templates) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .fallback(site)
        .layer(map_response(with_headers))
        .with_state(Arc::new(Waiting { ready, templates }))
}

async fn site(State(waiting): State<Arc<Waiting>>, request: Request) -> Response {
    if let Some(site) = waiting.ready.get() {
        return match site.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
    }
    let headers = [(CACHE_CONTROL, "no-store"), (RETRY_AFTER, "1")];
    let status = StatusCode::SERVICE_UNAVAILABLE;
    if request.uri().path() == "/readyz" {
        return (
            status,
            headers,
            "not ready: the database has not answered yet\n",
        )
            .into_response();
    }
    let page = answer::formless(&waiting.templates, status, &Unavailable { again: None });
    (headers, page).into_response()
}
