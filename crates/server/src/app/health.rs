//! `/livez` and `/readyz`, for whoever starts and watches the server.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, RETRY_AFTER};

use super::App;

/// The process answers.
pub(super) async fn livez() -> Response {
    ([(CACHE_CONTROL, "no-store")], "live\n").into_response()
}

/// The stores answer, and the secret key is the one that signed its sessions.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let problem = if !app.key_fits {
        Some("not ready: the newest session was not signed with this SECRET_KEY\n")
    } else if let Err(error) = app.stores.answer().await {
        tracing::error!(reason = ?error.to_string(), "not ready");
        Some("not ready: a store does not answer\n")
    } else {
        None
    };
    match problem {
        None => ([(CACHE_CONTROL, "no-store")], "ready\n").into_response(),
        Some(problem) => {
            let headers = [(CACHE_CONTROL, "no-store"), (RETRY_AFTER, "1")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, problem).into_response()
        }
    }
}
