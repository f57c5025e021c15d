//! Tickets, among them for a WebSocket over a real connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::extract::Query;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use cloakroom::auth::{TicketRules, UserStore as _};
use cloakroom::time::Timestamp;
use cloakroom::{Bearer, Error, Tickets, User};
use cloakroom_testing::Browser;

use crate::site::{Engine, Plan, Site, codec, hashers, secrets};
use crate::stores::Failing;

#[derive(serde::Deserialize)]
struct Entry {
    ticket: String,
}

async fn issue(user: User, tickets: Tickets) -> Result<String, Error> {
    tickets.issue(&user)
}

async fn issue_to_bearer(user: Bearer, tickets: Tickets) -> Result<String, Error> {
    tickets.issue(user.user())
}

async fn enter(tickets: Tickets, Query(entry): Query<Entry>) -> Result<String, Error> {
    let user = tickets.redeem(&entry.ticket).await?;
    Ok(user.username.clone())
}

async fn socket(
    tickets: Tickets,
    Query(entry): Query<Entry>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Error> {
    let user = tickets.redeem(&entry.ticket).await?;
    Ok(upgrade.on_upgrade(move |mut socket| async move {
        let _ = socket.send(Message::text(user.username.clone())).await;
    }))
}

fn app(site: &Site) -> Router {
    Router::new()
        .route("/ticket/", get(issue))
        .route("/api/ticket/", post(issue_to_bearer))
        .route("/enter/", get(enter))
        .route("/socket/", get(socket))
        .layer(site.cloakroom.layer())
        .merge(site.app.clone())
}

async fn enter_with(browser: &Browser, ticket: &str) -> String {
    let page = browser.get(&format!("/enter/?ticket={ticket}")).await;
    match page.status.as_u16() {
        200 => page.text().to_owned(),
        status => status.to_string(),
    }
}

#[tokio::test]
async fn a_ticket_opens_once() {
    for engine in [Engine::Sqlite, Engine::Memory] {
        let site = Plan::strict().engine(engine).open().await;
        let ann = site.ann().await.with_app(&app(&site));
        let stranger = Browser::new(&app(&site));
        let page = ann.get("/ticket/").await;
        let ticket = page.text();
        assert_eq!(enter_with(&stranger, ticket).await, "ann");
        for browser in [&stranger, &ann] {
            assert_eq!(enter_with(browser, ticket).await, "401");
        }
        assert_eq!(enter_with(&stranger, "").await, "401");
        assert_eq!(enter_with(&stranger, &ticket[1..]).await, "401");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_bring_one_ticket_at_once_one_enters() {
    let site = Plan::strict().open().await;
    let app = app(&site);
    let ann = site.ann().await.with_app(&app);
    let ticket = ann.get("/ticket/").await.text().to_owned();
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (app, ticket) = (app.clone(), ticket.clone());
            tokio::spawn(async move { enter_with(&Browser::new(&app), &ticket).await })
        })
        .collect();
    let mut entered = 0;
    for outcome in tries {
        match outcome.await.unwrap().as_str() {
            "ann" => entered += 1,
            refused => assert_eq!(refused, "401"),
        }
    }
    assert_eq!(entered, 1);
}

/// CVE-2026-43983, CVE-2025-53942, CVE-2025-64521.
#[tokio::test]
async fn a_ticket_ends_after_half_a_minute_and_with_its_user() {
    let site = Plan::strict().open().await;
    let rules = TicketRules::new(site.store.clone(), &secrets(), codec());
    let ann = site.user("ann").await;
    let now = Timestamp::now();
    let issue = |at| rules.issue(&ann, at).unwrap();
    let redeemed = async |ticket: String, at| rules.redeem(&ticket, at).await.unwrap();
    let soon = redeemed(issue(now), now.plus_seconds(29)).await.unwrap();
    assert!(rules.is_of(&soon, &ann));
    assert!(redeemed(issue(now), now.plus_seconds(31)).await.is_none());

    let stranger = Browser::new(&app(&site));
    let ticket = issue(now);
    let active = "UPDATE auth_user SET is_active = ?1 WHERE username = 'ann'";
    site.sql().execute(active, [false]).unwrap();
    assert_eq!(enter_with(&stranger, &ticket).await, "401");
    site.sql().execute(active, [true]).unwrap();
    let ticket = issue(now);
    let encoded = hashers().make(b"another long password").unwrap();
    let _ = site
        .database
        .set_password(&ann.id, None, &encoded)
        .await
        .unwrap();
    assert_eq!(enter_with(&stranger, &ticket).await, "401");
}

#[tokio::test]
async fn a_ticket_that_could_not_be_taken_opens_nothing() {
    let site = Plan::strict().open().await;
    let ann = site.ann().await.with_app(&app(&site));
    let page = ann.get("/ticket/").await;
    let stranger = Browser::new(&app(&site));
    site.store.fail(Failing::Everything);
    assert_eq!(enter_with(&stranger, page.text()).await, "503");
    site.store.fail(Failing::Nothing);
    assert_eq!(enter_with(&stranger, page.text()).await, "ann");
}

#[tokio::test]
async fn a_ticket_is_no_token_and_a_token_no_ticket() {
    let site = Plan::strict().open().await;
    let ann = site.ann().await.with_app(&app(&site));
    let ticket = ann.get("/ticket/").await.text().to_owned();
    let tokens = site.cloakroom.tokens();
    assert!(tokens.user(&ticket).await.unwrap().is_none());
    assert!(tokens.refresh(&ticket).await.unwrap().is_none());
    let pair = tokens.obtain(&site.user("ann").await.into()).await.unwrap();
    for token in [&pair.access, &pair.refresh] {
        assert_eq!(enter_with(&ann, token).await, "401");
    }
    let request = http::Request::post("/api/ticket/")
        .header("authorization", format!("Bearer {}", pair.access));
    let page = ann
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(enter_with(&ann, page.text()).await, "ann");
}

/// What the server answers to a WebSocket's handshake: the status line, and the text of the first frame.
fn shake_hands(address: SocketAddr, target: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut bytes = Vec::new();
    let end = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
        if bytes.ends_with(b"\r\n\r\n") {
            break bytes.len();
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.lines().next().unwrap().to_owned();
    if !status.contains("101") {
        return (status, String::new());
    }
    let mut frame = [0; 2];
    stream.read_exact(&mut frame).unwrap();
    let mut text = vec![0; usize::from(frame[1])];
    stream.read_exact(&mut text).unwrap();
    (status, String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_is_opened_with_a_ticket_once() {
    let site = Plan::strict().open().await;
    let app = app(&site);
    let ann = site.ann().await.with_app(&app);
    let ticket = ann.get("/ticket/").await.text().to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let outcomes = tokio::task::spawn_blocking(move || {
        let target = format!("/socket/?ticket={ticket}");
        [
            shake_hands(address, &target),
            shake_hands(address, &target),
            shake_hands(address, "/socket/?ticket=x"),
        ]
    });
    let [first, second, third] = outcomes.await.unwrap();
    server.abort();
    assert_eq!(
        first,
        ("HTTP/1.1 101 Switching Protocols".into(), "ann".into())
    );
    assert_eq!(second.0, "HTTP/1.1 401 Unauthorized");
    assert_eq!(third.0, "HTTP/1.1 401 Unauthorized");
}
