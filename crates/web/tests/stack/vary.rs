//! What caches are told (§2.4): whatever depends on a cookie says so.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom::{CsrfToken, Error, Session, User};
use cloakroom_testing::Browser;

use crate::site::{PASSWORD, Plan, Site, press, sign_in};

const ACTIONS: [&str; 12] = [
    "open", "get", "contains", "names", "is_empty", "set", "add", "take", "clear", "flush",
    "cycle", "expiry",
];

/// S14.
#[tokio::test]
async fn whatever_looks_at_the_session_varies_by_cookie() {
    // CVE-2023-30861, CVE-2026-27205, CVE-2026-35192.
    for plan in [Plan::strict, Plan::shared, Plan::django] {
        for refresh in [false, true] {
            let plan = plan()
                .engine(crate::site::Engine::Memory)
                .config(|config| config.session.save_every_request = refresh);
            let site = plan.open().await;
            for action in ACTIONS {
                for status in [200, 304, 302, 500] {
                    for browser in visitors(&site).await {
                        let target = format!("/session/{action}/?name=a&value=60&status={status}");
                        check(&browser, &target, status).await;
                    }
                }
            }
        }
    }
}

/// One without cookies, one with another cookie, one with a session.
async fn visitors(site: &Site) -> [Browser; 3] {
    let [none, other, session] = [site.browser(), site.browser(), site.browser()];
    other.receive("theme=x; Path=/");
    session.get("/session/add/?name=n").await;
    session.get("/session/set/?name=a&value=1").await;
    [none, other, session]
}

async fn check(browser: &Browser, target: &str, status: u16) {
    let cookie = browser.cookie("sessionid");
    let name_is_text = target.contains("/add/") && cookie.is_some();
    let page = browser.get(target).await;
    // Adding to a text is the handler's mistake.
    assert_eq!(
        page.status,
        if name_is_text { 500 } else { status },
        "{target}"
    );
    assert_eq!(page.vary(), ["cookie"], "{target}");
    if page.set_cookie("sessionid").is_some() {
        assert!(page.status != 500, "{target}");
    }
}

#[tokio::test]
async fn what_does_not_look_at_cookies_varies_by_nothing() {
    let site = Plan::strict().open().await;
    for browser in visitors(&site).await {
        for path in ["/", "/no-such-page/"] {
            let page = browser.get(path).await;
            assert!(
                page.vary().is_empty() && page.header("cache-control").is_none(),
                "{path}"
            );
        }
    }
}

/// CVE-2014-1418.
#[tokio::test]
async fn a_page_with_a_token_varies_by_cookie() {
    // CVE-2014-0473.
    for plan in [Plan::strict, Plan::shared, Plan::django] {
        let site = plan().open().await;
        let browser = site.browser();
        for _ in 0..2 {
            let page = browser.get("/form/").await;
            assert!(page.csrf_token().is_some() && page.set_cookie("csrftoken").is_some());
            assert_eq!(page.vary(), ["cookie"]);
        }
    }
}

#[tokio::test]
async fn a_token_that_nobody_uses_sets_no_cookie() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    for _ in 0..2 {
        let page = browser.get("/unused-token/").await;
        assert!(page.set_cookies().is_empty() && page.vary().is_empty());
        browser.receive("csrftoken=abcdefghijklmnopqrstuvwxyzABCDEF; Path=/");
    }
}

#[tokio::test]
async fn who_reads_or_sets_cookies_varies_by_them() {
    let site = Plan::strict().open().await;
    for action in ["get", "count", "set", "delete", "sign", "unsign"] {
        let page = site
            .browser()
            .get(&format!("/cookie/{action}/?name=theme&value=x"))
            .await;
        assert_eq!(
            (page.status.as_u16(), page.vary()),
            (200, vec!["cookie".into()]),
            "{action}"
        );
    }
}

#[tokio::test]
async fn pages_that_know_the_user_are_private() {
    // S14.
    for (plan, private) in [
        (Plan::strict as fn() -> Plan, true),
        (Plan::shared, true),
        (Plan::django, false),
    ] {
        let site = plan().open().await;
        let browser = site.browser();
        let expected = private.then_some("private, no-store");
        let page = sign_in(&browser, "ann", PASSWORD).await;
        assert_eq!(page.header("cache-control"), expected, "a login");
        for path in ["/home/", "/whoami/", "/guarded/", "/whoami-if-known/"] {
            let page = browser.get(path).await;
            assert_eq!(
                (page.header("cache-control"), page.vary()),
                (expected, vec!["cookie".into()]),
                "{path}"
            );
        }
        assert_eq!(
            site.browser().get("/whoami/").await.header("cache-control"),
            None
        );
        let page = press(&browser, "/logout/").await;
        assert_eq!(page.header("cache-control").is_some(), private, "a logout");
    }
}

#[tokio::test]
async fn no_shared_cache_keeps_a_response_that_gives_somebody_a_session() {
    // CVE-2026-48588: a cache that is told to vary by cookie may still keep it for all who have none.
    let site = Plan::strict().open().await;
    for browser in [site.browser(), visitors(&site).await[1].clone()] {
        for target in [
            "/session/set/?name=a&value=1",
            "/session/cycle/",
            "/session/flush/",
            "/form/",
        ] {
            let page = browser.get(target).await;
            assert!(!page.set_cookies().is_empty(), "{target}");
            assert_eq!(page.header("cache-control"), Some("private"), "{target}");
        }
    }
}

#[tokio::test]
async fn headers_of_the_handler_are_completed_and_kept() {
    // CVE-2026-8404, CVE-2026-48587, CVE-2026-6907.
    let vary =
        |text: &'static str| move |_: Session| async move { [("vary", text)].into_response() };
    let cached = |_: User| async { [("cache-control", "PRIVATE, max-age=5")].into_response() };
    let token = |token: CsrfToken| async move { Ok::<_, Error>(([("vary", "*")], token.token()?)) };
    let routes = Router::new()
        .route("/one/", get(vary("Accept-Encoding")))
        .route("/two/", get(vary("Accept, cOOkie")))
        .route("/star/", get(vary("Accept, * ")))
        .route("/token/", get(token))
        .route("/cached/", get(cached));
    let site = Plan::strict().routes(routes).open().await;
    let browser = site.ann().await;
    assert_eq!(
        browser.get("/one/").await.vary(),
        ["accept-encoding", "cookie"]
    );
    assert_eq!(browser.get("/two/").await.vary(), ["accept", "cookie"]);
    assert_eq!(browser.get("/star/").await.vary(), ["*"]);
    assert_eq!(browser.get("/token/").await.vary(), ["*"]);
    let page = browser.get("/cached/").await;
    assert_eq!(page.header("cache-control"), Some("PRIVATE, max-age=5"));
}
