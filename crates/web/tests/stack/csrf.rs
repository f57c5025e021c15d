//! The CSRF check as the layer applies it: methods, tokens, exempt routes.

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::routing::{get, post};
use cloakroom::{Auth, CsrfToken, Session, ensure_csrf_cookie};
use cloakroom_testing::{Browser, Page};
use http::{Method, Request};

use crate::site::{PASSWORD, Plan, Site, session_key, whoami};

pub(crate) const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

/// Sends a request to the page that repeats what it gets, with `SECRET` in the cookie.
pub(crate) async fn send(site: &Site, method: &str, form: &str, headers: &[(&str, &str)]) -> Page {
    let browser = site.browser();
    browser.receive(&format!("csrftoken={SECRET}; Path=/"));
    send_from(&browser, method, form, headers).await
}

pub(crate) async fn send_from(
    browser: &Browser,
    method: &str,
    form: &str,
    headers: &[(&str, &str)],
) -> Page {
    let mut request = Request::builder().method(method).uri("/echo/");
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser
        .send(request.body(Body::from(form.to_owned())).unwrap())
        .await
}

pub(crate) fn field(token: &str) -> String {
    format!("csrfmiddlewaretoken={token}")
}

/// Another secret's characters, masked with a mask of one's own choice: all `a`, which changes nothing.
fn masked(secret: &str) -> String {
    format!("{}{secret}", "a".repeat(32))
}

#[tokio::test]
async fn unsafe_methods_need_a_token_and_safe_ones_do_not() {
    // F1.
    let site = Plan::strict().open().await;
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert_eq!(send(&site, method, "", &[]).await.status, 200, "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND"] {
        assert_eq!(send(&site, method, "", &[]).await.status, 403, "{method}");
        let page = send(&site, method, "", &[("x-csrftoken", SECRET)]).await;
        assert_eq!(page.status, 200, "{method}");
        let page = send(&site, method, &field(SECRET), &[]).await;
        let status = if method == "POST" { 200 } else { 403 };
        assert_eq!(
            page.status, status,
            "{method}: only POST has the token in its form"
        );
    }
    let no_cookie = send_from(
        &site.browser(),
        "POST",
        &field(SECRET),
        &[("x-csrftoken", SECRET)],
    )
    .await;
    assert_eq!(no_cookie.status, 403);
    let ajax = send(&site, "POST", "", &[("x-requested-with", "XMLHttpRequest")]).await;
    assert_eq!(ajax.status, 403, "CVE-2011-0696");
}

#[tokio::test]
async fn tokens_have_32_or_64_characters_and_fit_their_secret() {
    // F2, F10 (CVE-2020-36564).
    let site = Plan::strict().open().await;
    let long = SECRET.repeat(3);
    let token = masked(SECRET);
    let rows = [
        (SECRET, 200),
        (token.as_str(), 200),
        (&long[..31], 403),
        (&long[..33], 403),
        (&long[..63], 403),
        (&long[..65], 403),
        ("", 403),
        ("abcdefghijklmnopqrstuvwxyzABCDEG", 403),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef", 403),
        ("abcdefghijklmnopqrstuvwxyzABCDE-", 403),
        ("abcdefghijklmnopqrstuvwxyzABCD%C3%A9", 403),
        ("abcdefghijklmnopqrstuvwxyzABCDEF%00", 403),
        ("+abcdefghijklmnopqrstuvwxyzABCDEF", 403),
    ];
    for (token, status) in rows {
        let page = send(&site, "POST", &field(token), &[]).await;
        assert_eq!(page.status, status, "{token}");
        if !token.is_empty() && token.is_ascii() {
            let page = send(&site, "POST", "", &[("x-csrftoken", token)]).await;
            assert_eq!(page.status, status, "{token} in the header");
        }
    }
    // A cookie of another shape never switches the check off, and is replaced.
    for cookie in [
        &long[..31],
        &long[..33],
        &long[..63],
        &long[..65],
        "",
        "\u{e9}",
        "\"\\000\"",
    ] {
        let browser = site.browser();
        browser.receive(&format!("csrftoken={cookie}; Path=/"));
        let page = send_from(&browser, "POST", &field(&long[..32]), &[]).await;
        assert_eq!(page.status, 403, "{cookie}");
        assert!(page.set_cookie("csrftoken").is_some(), "{cookie}");
        let page = browser.get("/unused-token/").await;
        assert!(page.set_cookies().is_empty(), "{cookie}: it was replaced");
    }
    let browser = site.browser();
    browser.receive(&format!("csrftoken={token}; Path=/"));
    let page = send_from(&browser, "POST", &field(SECRET), &[]).await;
    assert_eq!(page.status, 200, "Django before 4.0 kept masked secrets");
}

#[tokio::test]
async fn each_form_has_another_token_and_all_are_valid() {
    // F12.
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let (one, two) = (browser.get("/form/").await, browser.get("/form/").await);
    let (one, two) = (one.csrf_token().unwrap(), two.csrf_token().unwrap());
    assert!(one != two && one.len() == 64);
    for token in [one, two, one] {
        assert_eq!(
            send_from(&browser, "POST", &field(token), &[]).await.status,
            200
        );
    }
    let other = site.browser();
    other.get("/form/").await;
    assert_eq!(
        send_from(&other, "POST", &field(one), &[]).await.status,
        403
    );
}

#[tokio::test]
async fn a_form_field_goes_before_the_header() {
    let site = Plan::strict().open().await;
    let (good, bad) = (SECRET, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef");
    let rows = [
        (Some(good), Some(bad), 200),
        (Some(bad), Some(good), 403),
        (Some(""), Some(good), 200),
        (None, Some(good), 200),
        (Some(""), None, 403),
    ];
    for (form, header, status) in rows {
        let form = form.map(field).unwrap_or_default();
        let headers = header.map(|token| ("x-csrftoken", token));
        let page = send(&site, "POST", &form, headers.as_slice()).await;
        assert_eq!(page.status, status, "{form} {header:?}");
    }
}

#[tokio::test]
async fn what_an_exempt_layer_wraps_is_exempt_and_nothing_else() {
    // F7 (CVE-2025-47910).
    let site = Plan::strict().open().await;
    let protected = Router::new()
        .route("/hook/", get(|| async { "page" }).put(|| async { "put" }))
        .route("/admin/", post(|| async { "admin" }))
        .layer(site.cloakroom.layer());
    let hook = |session: Session| async move { session.add("calls", 1).unwrap().to_string() };
    let exempt = Router::new()
        .route("/hook/", post(hook))
        .layer(site.cloakroom.layer().csrf_exempt());
    let app = protected.merge(exempt);
    let browser = Browser::new(&app);
    let send = async |method: Method, target: &str| {
        let request = Request::builder().method(method).uri(target);
        browser
            .send(request.body(Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(send(Method::POST, "/hook/").await, 200);
    assert_eq!(send(Method::PUT, "/hook/").await, 403);
    assert_eq!(send(Method::POST, "/admin/").await, 403);
    for target in [
        "/hook",
        "//hook/",
        "/hook/../admin/",
        "/hook%2f..%2fadmin/",
        "/hook/?/admin/",
        "/HOOK/",
    ] {
        let status = send(Method::POST, target).await;
        let expected = if target == "/hook/?/admin/" { 200 } else { 404 };
        assert!(status == expected || status == 403, "{target}: {status}");
    }
    let around = Router::new().merge(app).layer(site.cloakroom.layer());
    let request = Request::post("/hook/").body(Body::empty()).unwrap();
    let page = Browser::new(&around).send(request).await;
    assert_eq!(
        page.status, 403,
        "a layer around an exempt one still checks"
    );
}

#[tokio::test]
async fn a_refusal_repeats_nothing_of_the_request() {
    let site = Plan::strict().open().await;
    let echo = "<script>alert(1)</script>";
    let rows = [
        ("origin", echo),
        ("sec-fetch-site", echo),
        ("x-csrftoken", echo),
        ("host", "localhost"),
    ];
    let mut texts = Vec::new();
    for header in rows {
        let page = send(
            &site,
            "POST",
            &format!("csrfmiddlewaretoken={echo}"),
            &[header],
        )
        .await;
        assert_eq!(page.status, 403);
        assert!(
            !page.text().contains("script") && !format!("{:?}", page.headers).contains("script")
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        texts.push(page.text().to_owned());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "the reason is for the log");
    let refused = site.browser().get("/form/").await;
    assert!(!refused.text().contains("script"));
    // CVE-2010-3082.
    let browser = site.browser();
    browser.receive("csrftoken=\"><script>; Path=/");
    assert!(!browser.get("/form/").await.text().contains("script"));
}

#[tokio::test]
async fn a_token_made_after_a_login_is_the_new_secret_s() {
    // F11, where a middleware signs somebody in before the handler's extractors run.
    let handler = |request: axum::extract::Request| async move {
        let (mut parts, _) = request.into_parts();
        let auth = Auth::from_request_parts(&mut parts, &()).await?;
        let user = auth.authenticate("ann", PASSWORD).await?.unwrap();
        auth.login(&user)?;
        CsrfToken::from_request_parts(&mut parts, &())
            .await?
            .input()
    };
    let routes = Router::new().route("/magic-link/", get(handler));
    let site = Plan::strict().routes(routes).open().await;
    let browser = site.browser();
    browser.receive(&format!("csrftoken={SECRET}; Path=/"));
    let page = browser.get("/magic-link/").await;
    assert_ne!(browser.cookie("csrftoken").unwrap(), SECRET);
    assert_eq!(
        (whoami(&browser).await.as_str(), session_key(&browser).len()),
        ("ann", 32)
    );
    let token = page.csrf_token().unwrap();
    assert_eq!(
        send_from(&browser, "POST", &field(token), &[]).await.status,
        200
    );
    assert_eq!(
        send_from(&browser, "POST", &field(SECRET), &[])
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_page_that_ensures_the_cookie_sets_it_though_nobody_asks_for_a_token() {
    let page = get(|| async { "no form" }).layer(ensure_csrf_cookie());
    let routes = Router::new().route("/app/", page.post(|| async { "sent" }));
    let site = Plan::strict().routes(routes).open().await;
    let browser = site.browser();
    let page = browser.get("/app/").await;
    assert_eq!(page.header("vary"), Some("Cookie"));
    let token = browser.cookie("csrftoken").expect("the page sets it");
    let send = async |token: &str| {
        let request = Request::post("/app/").header("x-csrftoken", token);
        browser
            .send(request.body(Body::empty()).unwrap())
            .await
            .status
    };
    assert_eq!(send(&token).await, 200);
    assert_eq!(
        send(SECRET).await,
        403,
        "it refuses nothing, the layer does"
    );
    // The same secret, dated anew.
    let again = browser.get("/app/").await;
    assert!(again.set_cookie("csrftoken").unwrap().contains(&token));
}

/// CVE-2025-47910.
#[tokio::test]
async fn a_form_is_checked_once_and_within_an_exempt_layer_by_the_inner_one() {
    // F7: `csrf_protect` inside `csrf_exempt`, and twice.
    let site = Plan::strict().open().await;
    let layer = || site.cloakroom.layer();
    let sent = || post(|body: bytes::Bytes| async move { body });
    let app = Router::new()
        .route("/exempt/", sent())
        .route("/checked/", sent().layer(layer()))
        .layer(layer().csrf_exempt())
        .merge(
            Router::new()
                .route("/twice/", sent().layer(layer()))
                .layer(layer()),
        );
    let browser = Browser::new(&app);
    browser.receive(&format!("csrftoken={SECRET}; Path=/"));
    for (target, without) in [("/exempt/", 200), ("/checked/", 403), ("/twice/", 403)] {
        assert_eq!(
            browser.post(target, &[("a", "b")]).await.status.as_u16(),
            without,
            "{target}"
        );
        let page = browser
            .post(target, &[("csrfmiddlewaretoken", SECRET), ("a", "b")])
            .await;
        assert_eq!(
            page.text(),
            format!("csrfmiddlewaretoken={SECRET}&a=b"),
            "{target}"
        );
    }
}
