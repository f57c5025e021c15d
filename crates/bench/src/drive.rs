//! Calls a service with requests that are made before the clock starts.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Request;
use tokio::runtime::Runtime;
use tower_service::Service as _;

/// Serves the requests one after the other, or so many at once.
pub(crate) fn serve(
    runtime: &Runtime,
    app: &mut Router,
    requests: Vec<Request<Body>>,
    at_once: usize,
) {
    if at_once == 1 {
        return counted(runtime, app, requests);
    }
    runtime.block_on(async {
        let mut under_way = FuturesUnordered::new();
        for request in requests {
            if under_way.len() == at_once {
                under_way.next().await;
            }
            under_way.push(app.call(request));
        }
        while under_way.next().await.is_some() {}
    });
}

/// Serves the requests one after the other. Kept apart by its name for `instructions`.
#[inline(never)]
pub(crate) fn counted(runtime: &Runtime, app: &mut Router, requests: Vec<Request<Body>>) {
    runtime.block_on(async {
        for request in requests {
            drop(answer(app, request).await);
        }
    });
}

/// One response.
pub(crate) async fn answer(app: &mut Router, request: Request<Body>) -> Response {
    match app.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
