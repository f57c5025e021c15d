//! The CSRF check reads a form's beginning; the handler gets it whole, byte for byte.

use std::collections::VecDeque;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use bytes::Bytes;
use cloakroom_testing::{Browser, Page};
use http::Request;

use crate::site::{Plan, Site};

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

async fn big_site() -> (Site, Router) {
    let site = Plan::strict().open().await;
    let app = site.app.clone().layer(DefaultBodyLimit::disable());
    (site, app)
}

async fn post(app: &Router, body: Body, headers: &[(&str, &str)]) -> Page {
    let browser = Browser::new(app);
    browser.receive(&format!("csrftoken={TOKEN}; Path=/"));
    let mut request = Request::post("/echo/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request.body(body).unwrap()).await
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A body that arrives in pieces, as large ones do.
fn pieces(text: &str) -> Body {
    let pieces = text.as_bytes().chunks(16_000).map(Bytes::copy_from_slice);
    Body::from_stream(Pieces(pieces.map(Ok).collect()))
}

struct Pieces(VecDeque<Result<Bytes, std::io::Error>>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test]
async fn ten_megabytes_reach_the_handler_byte_for_byte() {
    let (_site, app) = big_site().await;
    let filler: String = (0..10 << 20)
        .map(|n: u32| char::from(b'a' + (n % 23) as u8))
        .collect();
    let early = format!("csrfmiddlewaretoken={TOKEN}&a=%zz&b={filler}");
    let page = post(&app, pieces(&early), &[FORM]).await;
    assert_eq!(page.status, 200);
    assert!(page.body == early.as_bytes());
    let late = format!("b={filler}&csrfmiddlewaretoken={TOKEN}");
    let page = post(&app, pieces(&late), &[FORM]).await;
    assert_eq!(
        page.status, 403,
        "the token is looked for in the first 64 kB"
    );
    let page = post(&app, pieces(&late), &[FORM, ("x-csrftoken", TOKEN)]).await;
    assert_eq!(page.status, 200, "a header does for such forms");
    assert!(page.body == late.as_bytes());
}

#[tokio::test]
async fn whatever_stands_around_the_token_is_handed_on() {
    let site = Plan::strict().open().await;
    let token = format!("csrfmiddlewaretoken={TOKEN}");
    let rows = [
        (token.clone(), 200),
        (format!("{token}&a=%&b=%z&c=%zz&d=%C3%28"), 200),
        (format!("&&=&&{token}&&"), 200),
        (format!("a=1;{token}"), 403),
        (format!("csrfmiddlewaretoken=wrong&{token}"), 200),
        (format!("{token}&csrfmiddlewaretoken=wrong"), 403),
        (format!("{token}&csrfmiddlewaretoken="), 403),
        (format!("{token}&csrfmiddlewaretoken"), 403),
        (format!("CSRFmiddlewaretoken={TOKEN}"), 403),
        (format!("%63srfmiddlewaretoken={TOKEN}"), 200),
        (format!("csrfmiddlewaretoken%00={TOKEN}"), 403),
        (format!("csrfmiddlewaretoken=%61{}", &TOKEN[1..]), 200),
        (format!("\u{feff}{token}"), 403),
        (String::new(), 403),
    ];
    for (form, status) in rows {
        let page = post(&site.app, pieces(&form), &[FORM]).await;
        assert_eq!(page.status, status, "{form}");
        if status == 200 {
            assert_eq!(page.text(), form);
        }
    }
}

#[tokio::test]
async fn only_a_form_of_one_kind_is_read() {
    let site = Plan::strict().open().await;
    let token = format!("csrfmiddlewaretoken={TOKEN}");
    let rows = [
        ("application/x-www-form-urlencoded", 200),
        ("Application/X-WWW-Form-Urlencoded ; charset=UTF-8", 200),
        ("application/json", 403),
        ("text/plain", 403),
        ("multipart/form-data", 403),
        ("application/x-www-form-urlencodedx", 403),
        ("", 403),
    ];
    for (kind, status) in rows {
        let page = post(&site.app, pieces(&token), &[("content-type", kind)]).await;
        assert_eq!(page.status, status, "{kind}");
        let page = post(
            &site.app,
            pieces(&token),
            &[("content-type", kind), ("x-csrftoken", TOKEN)],
        )
        .await;
        assert_eq!(page.status, 200, "{kind} with the header");
    }
    assert_eq!(
        post(&site.app, pieces(&token), &[]).await.status,
        403,
        "no type at all"
    );
    // CVE-2026-84429.
    let long = format!(
        "application/x-www-form-urlencoded; a=\"{}",
        ";".repeat(50_000)
    );
    assert_eq!(
        post(&site.app, pieces(&token), &[("content-type", &long)])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_has_no_token() {
    let site = Plan::strict().open().await;
    let token = format!("csrfmiddlewaretoken={TOKEN}");
    let broken = || {
        let pieces = [
            Ok(Bytes::from(token.clone())),
            Err(std::io::Error::other("gone")),
        ];
        Body::from_stream(Pieces(pieces.into()))
    };
    assert_eq!(post(&site.app, broken(), &[FORM]).await.status, 403);
    let page = post(&site.app, broken(), &[FORM, ("x-csrftoken", TOKEN)]).await;
    assert_eq!(page.status, 400, "the handler finds the break where it was");
}

#[tokio::test]
async fn without_a_cookie_the_body_is_not_read() {
    let site = Plan::strict().open().await;
    let request = Request::post("/echo/").header(FORM.0, FORM.1);
    let unread = Body::from_stream(Unread);
    let page = site.browser().send(request.body(unread).unwrap()).await;
    assert_eq!(page.status, 403);
}

/// A body that nobody may look at.
struct Unread;

impl futures_core::Stream for Unread {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        panic!("the body is read");
    }
}
