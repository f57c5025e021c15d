//! Errors as clients get them: text, JSON for programs, and a site's own pages.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use cloakroom::csrf::FormNext;
use cloakroom::{ErrorKind, Session};
use cloakroom_testing::{Browser, Page};
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tower_layer::Layer as _;

use crate::csrf::{SECRET, field};
use crate::site::{Plan, Site};
use crate::stores::Failing;

async fn ask(
    browser: &Browser,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Page {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

const JSON: (&str, &str) = ("accept", "application/json");
const SENT_JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

fn assert_json(page: &Page, status: u16, word: &str) {
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (status, Some("application/json"))
    );
    assert_eq!(page.header("cache-control"), Some("no-store"), "{word}");
    let json: serde_json::Value = serde_json::from_str(page.text()).unwrap();
    assert_eq!(json["error"], word);
    assert!(json["detail"].is_string() && json.as_object().unwrap().len() == 2);
}

/// V1.
#[tokio::test]
async fn whoever_asks_for_json_is_refused_in_json() {
    let site = Plan::strict().open().await;
    let stranger = site.browser();
    for headers in [&[JSON][..], &[SENT_JSON], &[SENT_JSON, ("accept", "*/*")]] {
        let page = ask(&stranger, "POST", "/echo/", headers, "{}").await;
        assert_json(&page, 403, "csrf_failed");
        assert!(
            !page.text().contains("cookie"),
            "the reason is for the log: {}",
            page.text()
        );
    }
    let page = ask(&stranger, "GET", "/guarded/", &[JSON], "").await;
    assert_json(&page, 401, "login_required");
    assert_eq!(page.vary(), ["cookie"]);
    let page = ask(&stranger, "GET", "/", &[JSON, ("host", "evil.example")], "").await;
    assert_json(&page, 400, "bad_host");

    let ann = site.ann().await;
    site.store.fail(Failing::Everything);
    let page = ask(&ann, "GET", "/session/get/?name=a", &[JSON], "").await;
    assert_json(&page, 503, "unavailable");
    assert_eq!(page.header("retry-after"), Some("1"));
    site.store.fail(Failing::Writes);
    let page = ask(&ann, "GET", "/session/set/?name=a&value=1", &[JSON], "").await;
    assert_json(&page, 503, "unavailable");
    site.store.fail(Failing::Nothing);
    let page = ask(&ann, "GET", "/whoami/", &[JSON], "").await;
    assert_eq!((page.status.as_u16(), page.text()), (200, "ann"));
}

#[tokio::test]
async fn whoever_asks_for_html_or_for_nothing_is_refused_in_text() {
    let site = Plan::strict().open().await;
    let html = ("accept", "text/html,application/json");
    for headers in [&[][..], &[html], &[html, SENT_JSON], &[("accept", "*/*")]] {
        let page = ask(&site.browser(), "POST", "/echo/", headers, "{}").await;
        assert_eq!(page.status, 403);
        assert_eq!(
            page.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(
            page.text()
                .starts_with("Forbidden: CSRF verification failed.")
        );
    }
}

#[tokio::test]
async fn around_a_whole_router_the_length_is_that_of_the_json() {
    let site = Plan::strict().open().await;
    let handler = |session: Session| async move { session.set("a", &1).map(|()| "set") };
    let routes = Router::new().route("/set/", get(handler));
    let whole = Router::new().fallback_service(site.cloakroom.layer().layer(routes));
    let ann = site.ann().await.with_app(&whole);
    site.store.fail(Failing::Everything);
    let page = ask(&ann, "GET", "/set/", &[JSON], "").await;
    assert_json(&page, 503, "unavailable");
    let length = page.text().len().to_string();
    assert!(
        page.header("content-length")
            .is_none_or(|said| said == length)
    );
}

/// The example of [`ErrorKind`].
async fn own_pages(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let refused = matches!(
        response.extensions().get(),
        Some(ErrorKind::CsrfFailed { .. })
    );
    let is_text = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/plain; charset=utf-8");
    if refused && is_text {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from("<h1>Please load the form again.</h1>");
    }
    response
}

#[tokio::test]
async fn a_site_makes_its_own_page_of_a_refusal() {
    let site = Plan::strict().open().await;
    let app = site.app.clone().layer(from_fn(own_pages));
    let browser = site.browser().with_app(&app);
    let page = browser.post("/echo/", &[]).await;
    assert_eq!(
        (page.status.as_u16(), page.text()),
        (403, "<h1>Please load the form again.</h1>")
    );
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.vary(), ["cookie"]);
    assert_json(
        &ask(&browser, "POST", "/echo/", &[JSON], "").await,
        403,
        "csrf_failed",
    );
    assert_eq!(browser.get("/").await.text(), "untouched");
}

/// What the refusal of this form tells an outer layer of its `next`.
async fn next_of_refused(site: &Site, headers: &[(&str, &str)], form: &str) -> Option<String> {
    let browser = site.browser();
    browser.receive(&format!("csrftoken={SECRET}; Path=/"));
    let mut request = http::Request::post("/echo/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = browser
        .begin(request.body(Body::from(form.to_owned())).unwrap())
        .await;
    assert_eq!(response.status(), 403);
    let next = response.extensions().get::<FormNext>();
    next.map(|next| next.0.clone())
}

#[tokio::test]
async fn a_refused_form_keeps_its_next_if_it_was_read() {
    let site = Plan::strict().open().await;
    let wrong = format!("{}&next=/x/%3Fa%3Db", field(&"x".repeat(64)));
    let next = next_of_refused(&site, &[], &wrong).await;
    assert_eq!(next.as_deref(), Some("/x/?a=b"));
    assert_eq!(
        next_of_refused(&site, &[], &field(&"x".repeat(64))).await,
        None
    );
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(
        next_of_refused(&site, &foreign, &wrong).await,
        None,
        "the head was reason enough"
    );
}
