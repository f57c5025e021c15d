//! Requests that a token in a header speaks for, and no cookie.

use axum::body::Body;
use axum::routing::any;
use axum::{Router, routing::get};
use cloakroom::{Cookies, Session, User, login_required};
use cloakroom_testing::{Browser, Page};
use http::Request;

use crate::csrf::SECRET;
use crate::site::{Plan, session_key, whoami};

/// A service that has tokens of its own: it knows one, and answers the rest by who the session's user is.
fn api() -> Router {
    let thing = |headers: http::HeaderMap, user: Option<User>| async move {
        let good = headers
            .get("authorization")
            .is_some_and(|value| value == "Bearer good");
        match (good, user) {
            (true, _) => (http::StatusCode::OK, "by token"),
            (false, Some(_)) => (http::StatusCode::OK, "by session"),
            (false, None) => (http::StatusCode::UNAUTHORIZED, "nobody"),
        }
    };
    let seen = |cookies: Cookies| async move { cookies.iter().count().to_string() };
    Router::new()
        .route("/api/", any(thing))
        .route("/api/seen/", get(seen))
        .route(
            "/api/users/",
            any(|| async { "users" }).layer(login_required()),
        )
        .route(
            "/api/write/",
            any(|session: Session| async move { session.set("a", &1) }),
        )
}

async fn ask(browser: &Browser, method: &str, target: &str, authorization: Option<&str>) -> Page {
    let mut request = Request::builder().method(method).uri(target);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    browser.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_request_with_a_bearer_token_has_no_cookies() {
    // B1.
    for plan in [Plan::strict, Plan::shared] {
        let site = plan().routes(api()).open().await;
        let browser = site.ann().await;
        let rows = [
            ("GET", None, 200, "by session"),
            ("POST", None, 403, ""),
            ("GET", Some("Bearer good"), 200, "by token"),
            ("POST", Some("Bearer good"), 200, "by token"),
            ("DELETE", Some("bearer good"), 401, "nobody"),
            ("GET", Some("Bearer bad"), 401, "nobody"),
            ("POST", Some("Bearer bad"), 401, "nobody"),
            ("POST", Some("BEARER"), 401, "nobody"),
            ("POST", Some("Bearer "), 401, "nobody"),
            ("POST", Some("Bearerx good"), 403, ""),
            ("POST", Some(" Bearer"), 403, ""),
            ("POST", Some("Basic Bearer"), 403, ""),
        ];
        for (method, authorization, status, text) in rows {
            let page = ask(&browser, method, "/api/", authorization).await;
            assert_eq!(page.status.as_u16(), status, "{method} {authorization:?}");
            assert!(page.text().starts_with(text), "{method} {authorization:?}");
        }
        assert_eq!(
            ask(&browser, "GET", "/api/seen/", Some("Bearer x"))
                .await
                .text(),
            "0"
        );
        let page = ask(&browser, "POST", "/api/users/", Some("Bearer x")).await;
        assert_eq!(page.status, 401);

        // Nothing that it does becomes the visitor's, and their session is as it was.
        let key = session_key(&browser);
        let page = ask(&browser, "POST", "/api/write/", Some("Bearer x")).await;
        assert_eq!(page.status, 200);
        let made = page.set_cookie("sessionid").expect("a session of its own");
        assert!(!made.contains(&key));
        assert!(site.row(&key).is_some());
    }
}

#[tokio::test]
async fn two_authorization_headers_have_a_bearer_if_either_has() {
    let site = Plan::strict().routes(api()).open().await;
    let browser = site.ann().await;
    for (first, second) in [("Basic x", "Bearer y"), ("Bearer y", "Basic x")] {
        let request = Request::post("/api/")
            .header("authorization", first)
            .header("authorization", second);
        let page = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, 401, "{first}");
    }
}

#[tokio::test]
async fn in_django_s_profile_a_bearer_token_changes_nothing() {
    let site = Plan::django().routes(api()).open().await;
    let browser = site.ann().await;
    let page = ask(&browser, "GET", "/api/", Some("Bearer bad")).await;
    assert_eq!(page.text(), "by session");
    assert_eq!(
        ask(&browser, "POST", "/api/", Some("Bearer bad"))
            .await
            .status,
        403
    );
    let token = browser
        .cookie("csrftoken")
        .unwrap_or_else(|| SECRET.to_owned());
    let request = Request::post("/api/")
        .header("authorization", "Bearer bad")
        .header("x-csrftoken", token);
    let page = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(page.text(), "by session");
    assert_eq!(whoami(&browser).await, "ann");
}
