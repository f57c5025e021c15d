//! The accept loop as a socket sees it: what slow, greedy and broken clients get, and what happens at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use cloakroom_server::accept::{Limits, listen, serve};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// A server with a page for each test's question.
struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    /// Lets `/held` answer.
    release: Arc<Notify>,
}

impl Server {
    async fn start(mut limits: Limits) -> Self {
        let release = Arc::new(Notify::new());
        let held = Arc::clone(&release);
        let app = Router::new()
            .route("/", get(|| async { "hello" }))
            .route(
                "/peer",
                get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
            )
            .route(
                "/names",
                get(|headers: HeaderMap| async move {
                    let mut names: Vec<_> = headers
                        .keys()
                        .map(|name| name.as_str().to_owned())
                        .collect();
                    names.sort();
                    names.join(" ")
                }),
            )
            .route(
                "/held",
                get(move || async move {
                    held.notified().await;
                    "released"
                }),
            )
            .route(
                "/length",
                post(|body: Bytes| async move { body.len().to_string() }),
            )
            .route("/endless", get(|| async { Body::new(Endless) }))
            .route(
                "/panic",
                get(|| async {
                    if true {
                        panic!("as asked")
                    }
                }),
            );
        let listener = listen("127.0.0.1:0".parse().unwrap(), &mut limits)
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(serve(listener, app, limits, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop: Some(stop),
            running,
            release,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

/// A body without an end.
struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(
            &[b'x'; 4096],
        )))))
    }
}

fn quick() -> Limits {
    Limits {
        head: Duration::from_millis(200),
        crowded_head: Duration::from_millis(60),
        idle: Duration::from_millis(600),
        patience: Duration::from_millis(200),
        grace: Duration::from_millis(500),
        linger: Duration::from_millis(100),
        ..Limits::default()
    }
}

/// Reads until the server closes; nothing here takes longer than a few seconds.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut text));
    let _ = read.await.expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads one answer whose body is `ending`.
async fn read_answer(stream: &mut TcpStream, ending: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.ends_with(ending) {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer));
        let bytes = read.await.expect("an answer").unwrap();
        assert!(bytes > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..bytes]).unwrap());
    }
    text
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn an_ordinary_request_is_answered_and_the_connection_kept() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(GET).await.unwrap();
        assert!(
            read_answer(&mut stream, "hello")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_or_half_a_head_is_closed() {
    let server = Server::start(quick()).await;
    for begun in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let start = Instant::now();
        read_all(&mut stream).await;
        let held = start.elapsed();
        assert!(held >= Duration::from_millis(150), "{begun:?} {held:?}");
        assert!(held < Duration::from_millis(600), "{begun:?} {held:?}");
    }
}

#[tokio::test]
async fn a_trickle_buys_no_time() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_answer(&mut stream, "hello").await;
    let start = Instant::now();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        .await
        .unwrap();
    while stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(start.elapsed() < Duration::from_secs(5), "still open");
    }
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_a_slow_head() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_answer(&mut stream, "hello").await;
    let start = Instant::now();
    assert_eq!(read_all(&mut stream).await, "");
    assert!(
        start.elapsed() >= Duration::from_millis(550),
        "{:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn heads_beyond_the_limit_are_answered_with_431() {
    let server = Server::start(Limits {
        linger: Duration::from_secs(5),
        ..quick()
    })
    .await;
    let many = "X-A: b\r\n".repeat(5000);
    let hundred = (0..101)
        .map(|n| format!("X-{n}: b\r\n"))
        .collect::<String>();
    for (what, headers) in [
        ("33 kB", format!("Cookie: {}\r\n", "a".repeat(33 * 1024))),
        ("400 kB", format!("Cookie: {}\r\n", "a".repeat(400 * 1024))),
        // More than the system holds: a client that sends all before it reads would find itself reset.
        (
            "16 MB",
            format!("Cookie: {}\r\n", "a".repeat(16 * 1024 * 1024)),
        ),
        ("5,000 headers", many),
        ("101 headers", hundred),
    ] {
        let mut stream = server.connect().await;
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect(what);
        assert!(answer.starts_with("HTTP/1.1 431 "), "{what}: {answer:?}");
    }
    let mut stream = server.connect().await;
    let fits = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n",
        "a".repeat(31 * 1024)
    );
    stream.write_all(fits.as_bytes()).await.unwrap();
    read_answer(&mut stream, "hello").await;
}

#[tokio::test]
async fn garbage_is_answered_with_400() {
    let server = Server::start(quick()).await;
    for garbage in [
        "\x16\x03\x01\x02\x00\x01\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "G@T  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(garbage.as_bytes()).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 "),
            "{garbage:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_fails_and_a_slow_but_steady_one_arrives() {
    let server = Server::start(Limits {
        slowest: 50,
        ..quick()
    })
    .await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegun")
        .await
        .unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:?}");

    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        .await
        .unwrap();
    let start = Instant::now();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        stream.write_all(b"12345").await.unwrap();
    }
    read_answer(&mut stream, "100").await;
    assert!(
        start.elapsed() > quick().patience,
        "longer than the patience for one byte"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_the_connection() {
    let mut server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.stop();
    let start = Instant::now();
    server.running.await.unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(300),
        "no connection was left"
    );
}

#[tokio::test]
async fn the_number_of_connections_is_bounded_and_recovers() {
    let limits = Limits {
        connections: 4,
        head: Duration::from_secs(1),
        crowded_head: Duration::from_millis(300),
        ..quick()
    };
    let server = Server::start(limits).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(server.connect().await);
    }
    let mut newcomer = server.connect().await;
    newcomer.write_all(GET).await.unwrap();
    let start = Instant::now();
    // The silent ones have less time in a crowd, so the newcomer need not wait for long.
    read_answer(&mut newcomer, "hello").await;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
    assert!(waited < Duration::from_millis(900), "{waited:?}");
}

#[tokio::test]
async fn in_a_crowd_idle_connections_make_room() {
    let limits = Limits {
        connections: 4,
        idle: Duration::from_secs(60),
        ..quick()
    };
    let server = Server::start(limits).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = server.connect().await;
        stream.write_all(GET).await.unwrap();
        read_answer(&mut stream, "hello").await;
        idle.push(stream);
    }
    let mut newcomer = server.connect().await;
    newcomer.write_all(GET).await.unwrap();
    let start = Instant::now();
    read_answer(&mut newcomer, "hello").await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_request_under_way_is_not_driven_out_by_a_crowd() {
    let server = Server::start(Limits {
        connections: 1,
        ..quick()
    })
    .await;
    let mut first = server.connect().await;
    first
        .write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut second = server.connect().await;
    second.write_all(GET).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.release.notify_one();
    read_answer(&mut first, "released").await;
    read_answer(&mut second, "hello").await;
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way() {
    let mut server = Server::start(quick()).await;
    let mut idle = server.connect().await;
    idle.write_all(GET).await.unwrap();
    read_answer(&mut idle, "hello").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop();
    assert_eq!(read_all(&mut idle).await, "");
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody is let in any more"
    );
    server.release.notify_one();
    let answer = read_all(&mut busy).await;
    assert!(answer.ends_with("released"), "{answer:?}");
    assert!(answer.contains("connection: close"), "{answer:?}");
    server.running.await.unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let mut server = Server::start(quick()).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    server.stop();
    server.running.await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(450));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn http2_is_spoken_to_who_begins_with_it() {
    let mut server = Server::start(quick()).await;
    let stream = server.connect().await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::get("http://a/").body(Body::empty()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
    }
    let large = Request::get("http://a/")
        .header("cookie", "a".repeat(40 * 1024))
        .body(Body::empty())
        .unwrap();
    let refused = sender.send_request(large).await;
    assert!(refused.map_or(true, |response| response.status() == 431));

    let held = sender.send_request(Request::get("http://a/held").body(Body::empty()).unwrap());
    let held = tokio::spawn(held);
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.release.notify_one();
    let response = held.await.unwrap().unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "released"
    );
    connection.await.unwrap().unwrap();
    server.running.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_of_http2_is_closed_too() {
    let server = Server::start(quick()).await;
    let stream = server.connect().await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let response = sender
        .send_request(Request::get("http://a/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    response.into_body().collect().await.unwrap();
    let start = Instant::now();
    let _ = tokio::time::timeout(Duration::from_secs(5), connection)
        .await
        .expect("closed");
    assert!(
        start.elapsed() >= Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
}

/// CVE-2026-3902, CVE-2015-0219.
#[tokio::test]
async fn the_application_sees_the_peer_and_no_header_with_an_underscore() {
    let server = Server::start(quick()).await;
    let mut stream = server.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    stream
        .write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_answer(&mut stream, &own).await;
    stream
        .write_all(b"GET /names HTTP/1.1\r\nHost: a\r\nRemote_User: admin\r\nX_Forwarded_Proto: https\r\nRemote-User: b\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let answer = read_all(&mut stream).await;
    assert!(
        answer.ends_with("connection host remote-user"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_no_other() {
    let server = Server::start(Limits::default()).await;
    let mut other = server.connect().await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_all(&mut stream).await;
    other.write_all(GET).await.unwrap();
    read_answer(&mut other, "hello").await;
}

#[tokio::test]
async fn a_taken_address_is_named_with_the_way_out() {
    let server = Server::start(quick()).await;
    let error = listen(server.address, &mut quick())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is taken by another program") && error.contains("--listen 127.0.0.1:PORT"),
        "{error}"
    );
}
