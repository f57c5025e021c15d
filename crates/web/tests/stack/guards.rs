//! What visitors get who are not signed in, and extracting where the layer does not run.

use axum::body::Body;
use axum::routing::get;
use axum::{Json, Router};
use cloakroom::{Auth, Cookies, CsrfToken, Session, User};
use cloakroom_testing::Browser;
use http::{Method, Request};
use tower::ServiceExt as _;
use tower_layer::Layer as _;

use crate::log;
use crate::site::Plan;

fn request(method: Method, target: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn page_loads_are_sent_to_the_login_page_and_the_rest_gets_401() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let mode = |value| ("sec-fetch-mode", value);
    let dest = |value| ("sec-fetch-dest", value);
    let rows: [(&[(&str, &str)], u16); 14] = [
        (&[mode("navigate"), dest("document"), html], 302),
        (&[mode("navigate"), dest("iframe")], 302),
        (&[mode("navigate")], 302),
        (&[mode("navigate"), dest("embed"), html], 401),
        (&[mode("cors"), dest("empty"), html], 401),
        (&[mode("no-cors"), dest("image"), html], 401),
        (&[mode("websocket"), html], 401),
        (&[html], 302),
        (&[("accept", "*/*")], 302),
        (&[("accept", "text/*;q=0.5")], 302),
        (&[], 302),
        (&[("accept", "application/json")], 401),
        (&[("accept", "image/png, text/htmlx")], 401),
        (&[("accept", "")], 401),
    ];
    for target in ["/guarded/", "/home/"] {
        for (headers, status) in rows {
            let page = browser.send(request(Method::GET, target, headers)).await;
            assert_eq!(page.status, status, "{headers:?}");
            assert_eq!(page.location().is_some(), status == 302);
            // V1: the answer depends on headers that no cache looks at.
            assert_eq!(page.header("cache-control"), Some("no-store"));
            assert_eq!(page.vary(), ["cookie"]);
            assert_eq!(page.set_cookies().len(), 0);
        }
    }
}

#[tokio::test]
async fn the_way_back_is_the_whole_path_that_was_asked_for() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let rows = [
        ("/home/", "/login/?next=/home/"),
        ("/home/?a=b", "/login/?next=/home/%3Fa%3Db"),
        (
            "/home/?a=b&c=d%20e",
            "/login/?next=/home/%3Fa%3Db%26c%3Dd%2520e",
        ),
        ("/home/?next=/x/", "/login/?next=/home/%3Fnext%3D/x/"),
        ("/section/page/?q=1", "/login/?next=/section/page/%3Fq%3D1"),
        ("/section/%C3%A9/", "/login/?next=/section/%25C3%25A9/"),
    ];
    for (target, location) in rows {
        let page = browser.get(target).await;
        assert_eq!(page.location(), Some(location), "{target}");
    }
    let elsewhere = Plan::strict()
        .config(|config| config.login.login_url = "https://accounts.example/in/?a=1".into())
        .open()
        .await;
    let page = elsewhere.browser().get("/home/?a=b").await;
    let location = "https://accounts.example/in/?a=1&next=http%3A//localhost/home/%3Fa%3Db";
    assert_eq!(page.location(), Some(location));
}

#[tokio::test]
async fn a_guarded_handler_does_not_run_for_strangers() {
    let ran = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = ran.clone();
    let page = move || async move {
        seen.store(true, std::sync::atomic::Ordering::SeqCst);
        "secret"
    };
    let routes = Router::new().route("/secret/", get(page).layer(cloakroom::login_required()));
    let site = Plan::strict().routes(routes).open().await;
    assert_eq!(site.browser().get("/secret/").await.status, 302);
    assert!(!ran.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(site.ann().await.get("/secret/").await.text(), "secret");
}

#[tokio::test]
async fn a_nested_layer_joins_the_visit_that_is_under_way() {
    let site = Plan::strict().open().await;
    let inner = Router::new()
        .route(
            "/inner/",
            get(|session: Session| async move { session.add("n", 1).unwrap().to_string() }),
        )
        .layer(site.cloakroom.layer())
        .layer(site.cloakroom.layer());
    let both = |session: Session, request: axum::extract::Request, next: axum::middleware::Next| async move {
        session.add("n", 10).unwrap();
        next.run(request).await
    };
    let app = inner
        .layer(axum::middleware::from_fn(both))
        .layer(site.cloakroom.layer());
    let browser = Browser::new(&app);
    site.store.calls();
    let page = browser.get("/inner/").await;
    assert_eq!((page.text(), page.set_cookies().len()), ("11", 1));
    assert_eq!(browser.get("/inner/").await.text(), "22");
    assert_eq!(
        site.store.calls(),
        ["create", "load", "replace"],
        "one visit, one commit"
    );
}

#[tokio::test]
async fn extracting_without_the_layer_is_a_500_whose_log_names_it() {
    // F15.
    log::collect();
    let app = Router::new()
        .route("/session/", get(|_: Session| async {}))
        .route("/user/", get(|_: User| async {}))
        .route("/option/", get(|_: Option<User>| async {}))
        .route("/auth/", get(|_: Auth| async {}))
        .route("/cookies/", get(|_: Cookies| async {}))
        .route("/token/", get(|_: CsrfToken| async {}))
        .route(
            "/guarded/",
            get(|| async { Json(1) }).layer(cloakroom::login_required()),
        );
    let browser = Browser::new(&app);
    for path in [
        "/session/",
        "/user/",
        "/option/",
        "/auth/",
        "/cookies/",
        "/token/",
        "/guarded/",
    ] {
        let page = browser.get(path).await;
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (500, "Internal server error.\n"),
            "{path}"
        );
    }
    assert!(log::collected().contains(".layer(cloakroom.layer())"));
}

#[tokio::test]
async fn a_route_added_after_the_layer_has_none() {
    // F15.
    let site = Plan::strict().open().await;
    let app = site.app.clone().route("/late/", get(|_: Session| async {}));
    assert_eq!(Browser::new(&app).get("/late/").await.status, 500);
}

#[tokio::test]
async fn around_a_whole_router_the_layer_misses_no_route() {
    let site = Plan::strict().open().await;
    let visits =
        || get(|session: Session| async move { session.add("visits", 1).map(|n| n.to_string()) });
    let mut router = Router::new().route("/early/", visits());
    router = router.route("/late/", visits()).fallback(visits());
    let app = site.cloakroom.layer().layer(router);
    let ask = |method: Method, target: &str, host: &'static str| {
        let request = request(method, target, &[("host", host)]);
        app.clone().oneshot(request)
    };
    for target in ["/early/", "/late/", "/no-such-page/"] {
        let Ok(response) = ask(Method::GET, target, "localhost").await;
        assert_eq!(response.status(), 200, "{target}");
        assert!(response.headers().contains_key("set-cookie"), "{target}");
        let Ok(response) = ask(Method::POST, target, "localhost").await;
        assert_eq!(response.status(), 403, "{target}: a form without a token");
        let Ok(response) = ask(Method::GET, target, "evil.example").await;
        assert_eq!(response.status(), 400, "{target}");
    }
}
