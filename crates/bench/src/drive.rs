//! Calls a service with requests that are made before the clock starts.

use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tower_service::Service as _;

use crate::app::App;

/// Serves the requests one after the other, or so many at once.
pub(crate) fn serve(
    runtime: &Runtime,
    app: &mut App,
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
pub(crate) fn counted(runtime: &Runtime, app: &mut App, requests: Vec<Request<Body>>) {
    runtime.block_on(async {
        for request in requests {
            drop(answer(app, request).await);
        }
    });
}

/// Serves the requests one after the other as HTTP/1.1 over a connection in memory: what hyper does is
/// measured too, the kernel's part is not.
pub(crate) fn over_http(runtime: &Runtime, app: &App, requests: &[Vec<u8>]) {
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let service = TowerToHyperService::new(app.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let serving = tokio::spawn(connection);
        let mut answer = vec![0; 1 << 16];
        for request in requests {
            client.write_all(request).await.expect("it is in memory");
            let mut read = 0;
            while !is_whole(&answer[..read]) {
                let more = client.read(&mut answer[read..]).await;
                read += more.expect("it is in memory");
            }
        }
        drop(client);
        serving
            .await
            .expect("nothing panics")
            .expect("the client speaks HTTP");
    });
}

/// Whether these bytes are a response with all of its body.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = str::from_utf8(answer)
        .expect("the answers are ASCII")
        .split_once("\r\n\r\n")
    else {
        return false;
    };
    let length = head
        .split_once("content-length: ")
        .and_then(|(_, rest)| rest.split("\r\n").next())
        .and_then(|length| length.parse().ok());
    assert!(head.starts_with("HTTP/1.1 200"), "a page failed");
    length == Some(body.len())
}

/// One response.
pub(crate) async fn answer(app: &mut App, request: Request<Body>) -> Response {
    match app.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
