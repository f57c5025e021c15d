//! Pages for some users: each guard for everybody who may come.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get, post};
use cloakroom::{
    Bearer, Error, Pair, Permissions, User, login_required, permission_required,
    permissions_required, staff_required, superuser_required, user_passes_test,
};
use cloakroom_testing::{Browser, Page};
use http::Request;

use crate::site::{PASSWORD, Plan, Site, press, sign_in};
use crate::stores::Failing;

const VIEW: &str = "auth.view_user";
const ADD: &str = "auth.add_user";

fn guarded() -> Router {
    let page = || any(|| async { "seen" });
    let named = |user: &User| user.username != "ann";
    let both = [VIEW, ADD];
    let denied = || async { Err::<(), Error>(Error::permission_denied()) };
    Router::new()
        .route("/login-required/", page().layer(login_required()))
        .route("/view/", page().layer(permission_required(VIEW)))
        .route("/add/", page().layer(permission_required(ADD)))
        .route("/both/", page().layer(permissions_required(both)))
        .route("/test/", page().layer(user_passes_test(named)))
        .route("/staff/", page().layer(staff_required()))
        .route("/superuser/", page().layer(superuser_required()))
        .route("/argument/", get(may_view))
        .route("/denied/", get(denied).layer(login_required()))
        .route(
            "/or-login/",
            page().layer(permission_required(VIEW).or_login()),
        )
        .route(
            "/four/",
            get(|may: Permissions, _user: User| async move { may.has(VIEW).to_string() })
                .layer(permission_required(VIEW))
                .layer(permissions_required(both))
                .layer(user_passes_test(|_| true)),
        )
        .route(
            "/perhaps/",
            get(|may: Option<Permissions>| async move {
                may.map_or_else(|| "nobody".into(), |may| may.has_module("auth").to_string())
            }),
        )
        .route(
            "/obtain/",
            post(|user: User, tokens: cloakroom::Tokens| async move {
                tokens.obtain(&user).await.map(axum::Json::<Pair>)
            }),
        )
        .route("/api/", page().layer(permission_required(VIEW).of_bearer()))
        .route(
            "/api-staff/",
            page().layer(staff_required().of_bearer().or_login()),
        )
        .route(
            "/api-argument/",
            get(|user: Bearer, may: Permissions| async move {
                format!("{} {}", user.username, may.has(VIEW))
            }),
        )
        .route(
            "/api-behind/",
            get(may_view).layer(permission_required(VIEW).of_bearer()),
        )
}

async fn may_view(may: Permissions) -> Result<&'static str, Error> {
    may.require(VIEW).map(|()| "seen")
}

fn set(site: &Site, username: &str, what: &str) {
    let update = format!("UPDATE auth_user SET {what} WHERE username = ?1");
    assert_eq!(site.sql().execute(&update, [username]).unwrap(), 1);
}

fn grant(site: &Site, username: &str, permission: &str) {
    let insert = "INSERT INTO auth_user_user_permissions (user_id, permission_id)
         SELECT u.id, p.id FROM auth_user u, auth_permission p
         JOIN django_content_type c ON c.id = p.content_type_id
         WHERE u.username = ?1 AND c.app_label || '.' || p.codename = ?2";
    assert_eq!(
        site.sql().execute(insert, [username, permission]).unwrap(),
        1
    );
}

/// The same with one of this name who has signed in.
async fn signed_in(site: &Site, username: &str) -> Browser {
    site.add_user(username, PASSWORD.as_bytes()).await;
    let browser = site.browser();
    assert_eq!(sign_in(&browser, username, PASSWORD).await.status, 302);
    browser
}

async fn fetch(browser: &Browser, target: &str, authorization: Option<&str>) -> Page {
    let mut request = Request::get(target)
        .header("accept", "text/html, application/json")
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-dest", "empty");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    browser.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_guard_lets_in_whom_it_should_and_tells_the_others_what_they_need() {
    let site = Plan::strict().routes(guarded()).open().await;
    let ann = site.ann().await;
    let [viewer, both, staff, gone, gone_staff, superuser] =
        ["viewer", "both", "staff", "gone", "gone staff", "super"];
    let mut browsers = vec![("ann", ann)];
    for name in [viewer, both, staff, gone, gone_staff, superuser] {
        browsers.push((name, signed_in(&site, name).await));
    }
    for (name, permission) in [(viewer, VIEW), (both, VIEW), (both, ADD), (gone, VIEW)] {
        grant(&site, name, permission);
    }
    set(&site, staff, "is_staff = 1");
    set(&site, gone, "is_active = 0");
    set(
        &site,
        gone_staff,
        "is_active = 0, is_staff = 1, is_superuser = 1",
    );
    set(&site, superuser, "is_superuser = 1");

    let everybody = [viewer, both, staff, superuser, "ann"];
    let rows: [(&str, &[&str]); 10] = [
        ("/login-required/", &everybody),
        ("/view/", &[viewer, both, superuser]),
        ("/add/", &[both, superuser]),
        ("/both/", &[both, superuser]),
        ("/test/", &[viewer, both, staff, superuser]),
        ("/staff/", &[staff]),
        ("/superuser/", &[superuser]),
        ("/argument/", &[viewer, both, superuser]),
        ("/denied/", &[]),
        ("/or-login/", &[viewer, both, superuser]),
    ];
    let stranger = site.browser();
    for (target, let_in) in rows {
        let login = format!("/login/?next={target}");
        for (name, browser) in browsers.iter().chain([&("nobody", stranger.clone())]) {
            let page = browser.get(target).await;
            let fetched = fetch(browser, target, None).await;
            let is_user = everybody.contains(name);
            let wanted = match (let_in.contains(name), is_user) {
                (true, _) => (200, 200, None),
                (false, false) => (302, 401, Some(login.as_str())),
                (false, true) if target == "/or-login/" => (302, 403, Some(login.as_str())),
                (false, true) => (403, 403, None),
            };
            let found = (
                page.status.as_u16(),
                fetched.status.as_u16(),
                page.location(),
            );
            assert_eq!(found, wanted, "{target} {name}");
            for page in [&page, &fetched] {
                assert_eq!(page.text() == "seen", page.status == 200, "{target} {name}");
                assert!(
                    page.vary().contains(&"cookie".to_owned()),
                    "{target} {name}"
                );
                assert_eq!(page.set_cookies(), [""; 0], "{target} {name}");
                if page.status != 200 {
                    assert_eq!(page.header("cache-control"), Some("no-store"));
                }
            }
        }
    }

    // A store that fails is no stranger, and nobody who may not.
    let guards = rows.iter().map(|(target, _)| *target);
    for target in guards.clone() {
        site.store.fail(Failing::Everything);
        let page = browsers[2].1.get(target).await;
        assert_eq!(page.status, 503, "{target}: sessions");
        site.store.fail(Failing::Nothing);
        site.users.fail(true);
        let page = browsers[2].1.get(target).await;
        assert_eq!(page.status, 503, "{target}: users");
        assert_eq!(
            page.text(),
            fetch(&browsers[2].1, target, None).await.text()
        );
        site.users.fail(false);
        assert_eq!(
            stranger.get(target).await.status,
            302,
            "{target}: nobody asks a store"
        );
    }
}

#[tokio::test]
async fn who_may_not_is_told_so_in_plain_words_and_in_json() {
    let site = Plan::strict().routes(guarded()).open().await;
    let ann = site.ann().await;
    let page = ann.get("/view/").await;
    let text = "You may not see this page or do this. Another account may.\n";
    assert_eq!((page.status.as_u16(), page.text()), (403, text));
    let request = Request::get("/view/").header("accept", "application/json");
    let page = ann.send(request.body(Body::empty()).unwrap()).await;
    let json: serde_json::Value = serde_json::from_str(page.text()).unwrap();
    assert_eq!(json["error"], "permission_denied");
    assert_eq!(json["detail"], text.trim());
}

#[tokio::test]
async fn however_many_ask_each_store_is_asked_once() {
    let site = Plan::strict().routes(guarded()).open().await;
    let bob = site.browser();
    sign_in(&bob, "bob", PASSWORD).await;
    for permission in [VIEW, ADD] {
        grant(&site, "bob", permission);
    }
    let _ = (site.store.calls(), site.users.calls());
    assert_eq!(bob.get("/four/").await.text(), "true");
    assert_eq!(site.store.calls(), ["load"]);
    assert_eq!(site.users.calls(), ["by_id", "permissions"]);
    for (what, target) in [
        ("is_superuser = 1", "/four/"),
        ("is_superuser = 0", "/test/"),
    ] {
        set(&site, "bob", what);
        assert_eq!(bob.get(target).await.status, 200);
        assert_eq!(
            site.users.calls(),
            ["by_id"],
            "{target} needs no permissions of {what}"
        );
    }
    assert_eq!(bob.get("/perhaps/").await.text(), "true");
    assert_eq!(site.browser().get("/perhaps/").await.text(), "nobody");
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_gone_with_the_next_request() {
    let site = Plan::strict().routes(guarded()).open().await;
    let ann = site.ann().await;
    grant(&site, "ann", VIEW);
    assert_eq!(ann.get("/view/").await.status, 200);
    let taken = site
        .sql()
        .execute("DELETE FROM auth_user_user_permissions", []);
    assert_eq!(taken.unwrap(), 1);
    assert_eq!(ann.get("/view/").await.status, 403);
}

#[tokio::test]
async fn a_guard_of_tokens_asks_whom_the_token_speaks_for() {
    for plan in [Plan::strict, Plan::django] {
        let site = plan().routes(guarded()).open().await;
        let ann = site.ann().await;
        let bob = site.browser();
        sign_in(&bob, "bob", PASSWORD).await;
        grant(&site, "bob", VIEW);
        let mut tokens = Vec::new();
        for browser in [&ann, &bob] {
            let pair = press(browser, "/obtain/").await;
            let json: serde_json::Value = serde_json::from_str(pair.text()).unwrap();
            tokens.push(format!("Bearer {}", json["access"].as_str().unwrap()));
        }
        let [of_ann, of_bob] = &tokens[..] else {
            panic!()
        };
        // Bob's own browser: its cookie counts for nothing here.
        for (target, authorization, status, text) in [
            ("/api/", Some(of_bob), 200, "seen"),
            ("/api/", Some(of_ann), 403, ""),
            ("/api/", None, 401, ""),
            ("/api/", Some(&"Bearer no.such.token".to_owned()), 401, ""),
            ("/api-behind/", Some(of_bob), 200, "seen"),
            ("/api-behind/", Some(of_ann), 403, ""),
            ("/api-argument/", Some(of_ann), 200, "ann false"),
            ("/api-argument/", Some(of_bob), 200, "bob true"),
            ("/api-argument/", None, 401, ""),
            ("/api-staff/", Some(of_bob), 403, ""),
        ] {
            let _ = site.users.calls();
            let page = fetch(&bob, target, authorization.map(String::as_str)).await;
            assert_eq!(page.status.as_u16(), status, "{target} {authorization:?}");
            assert!(page.text().starts_with(text), "{target}: {}", page.text());
            assert!(page.location().is_none());
            let calls = site.users.calls();
            assert!(
                calls.iter().filter(|call| **call == "by_id").count() < 2,
                "{target} {calls:?}"
            );
        }
        set(&site, "bob", "is_active = 0");
        assert_eq!(fetch(&bob, "/api/", Some(of_bob)).await.status, 401);
        site.users.fail(true);
        assert_eq!(fetch(&bob, "/api/", Some(of_bob)).await.status, 503);
    }
    // A token opens no page that asks for a session's user.
    let site = Plan::strict().routes(guarded()).open().await;
    let bob = site.browser();
    sign_in(&bob, "bob", PASSWORD).await;
    grant(&site, "bob", VIEW);
    let pair = press(&bob, "/obtain/").await;
    let json: serde_json::Value = serde_json::from_str(pair.text()).unwrap();
    let token = format!("Bearer {}", json["access"].as_str().unwrap());
    for target in ["/view/", "/argument/", "/login-required/"] {
        assert_eq!(bob.get(target).await.status, 200);
        assert_eq!(
            fetch(&bob, target, Some(&token)).await.status,
            401,
            "{target}"
        );
    }
}

/// A site whose pages are for users, with one page for everybody and what else a router may have.
async fn for_users(own_fallback: bool) -> (Site, Router) {
    let mut site = Plan::strict().open().await;
    let cloakroom = cloakroom::Cloakroom::with_stores(
        site.cloakroom.config().clone(),
        site.store.clone(),
        site.users.clone(),
    );
    site.cloakroom = cloakroom.login_required_everywhere();
    let page = || any(|| async { "seen" });
    let nested = Router::new().route("/page/", page());
    let files = Router::new().route("/file", page());
    let mut private = Router::new()
        .route("/", page())
        .route("/page/{id}/", page())
        .route("/only-get/", get(|| async { "seen" }))
        .nest("/nested", nested)
        .nest_service("/files", files);
    if own_fallback {
        private = private.fallback(|| async { "the site's own fallback" });
    }
    let public = crate::pages::routes_of_login().route("/public/", page());
    let app = private
        .layer(site.cloakroom.layer())
        .merge(public.layer(site.cloakroom.layer().login_not_required()));
    (site, app)
}

const PRIVATE: [&str; 4] = ["/", "/page/7/", "/only-get/", "/nested/page/"];

#[tokio::test]
async fn where_a_login_is_required_everywhere_every_route_asks_for_it_and_no_other_address() {
    let (site, app) = for_users(false).await;
    let stranger = Browser::new(&app);
    for target in PRIVATE {
        let page = stranger.get(target).await;
        let login = format!("/login/?next={target}");
        assert_eq!(page.location(), Some(login.as_str()), "{target}");
        assert_eq!(fetch(&stranger, target, None).await.status, 401);
    }
    assert_eq!(stranger.get("/public/").await.text(), "seen");
    for target in [
        "/no-such-page/",
        "/page/",
        "/public",
        "/nested/other/",
        "/%ff",
    ] {
        let page = stranger.get(target).await;
        assert_eq!((page.status.as_u16(), page.text()), (404, ""), "{target}");
    }
    // A form is checked first, as by Django's middleware.
    assert_eq!(stranger.post("/page/7/", &[]).await.status, 403);
    let form = stranger.get("/login/").await;
    let token = [("csrfmiddlewaretoken", form.csrf_token().unwrap())];
    let page = stranger.post("/page/7/", &token).await;
    assert_eq!(page.location(), Some("/login/?next=/page/7/"));

    let ann = site.ann().await.with_app(&app);
    for target in PRIVATE {
        let page = ann.get(target).await;
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (200, "seen"),
            "{target}"
        );
    }
    assert_eq!(ann.get("/no-such-page/").await.status, 404);
    let _ = (site.store.calls(), site.users.calls());
    assert_eq!(ann.get("/no-such-page/").await.status, 404);
    assert_eq!(ann.get("/public/").await.text(), "seen");
    assert!(site.store.calls().is_empty() && site.users.calls().is_empty());
    site.store.fail(Failing::Everything);
    for target in PRIVATE {
        assert_eq!(ann.get(target).await.status, 503, "{target}");
    }
    assert_eq!(ann.get("/public/").await.text(), "seen");
}

#[tokio::test]
async fn without_a_page_for_everybody_an_unknown_address_is_a_404_too() {
    let (site, _) = for_users(false).await;
    let routes = Router::new().route("/page/", get(|| async { "seen" }));
    let app = routes.layer(site.cloakroom.layer());
    let stranger = Browser::new(&app);
    assert_eq!(stranger.get("/page/").await.status, 302);
    assert_eq!(stranger.get("/no-such-page/").await.status, 404);
}

#[tokio::test]
async fn what_has_no_path_of_its_own_is_nowhere_for_strangers() {
    let (site, app) = for_users(true).await;
    let ann = site.ann().await.with_app(&app);
    for (target, text) in [
        ("/any/", "the site's own fallback"),
        ("/files/file", "seen"),
    ] {
        let page = Browser::new(&app).get(target).await;
        assert_eq!((page.status.as_u16(), page.text()), (404, ""), "{target}");
        assert_eq!(ann.get(target).await.text(), text);
        site.store.fail(Failing::Everything);
        assert_eq!(ann.get(target).await.status, 503, "{target}");
        site.store.fail(Failing::Nothing);
    }
}

#[tokio::test]
async fn around_a_whole_router_a_login_is_required_before_anything_is_routed() {
    use tower_layer::Layer as _;

    let (site, _) = for_users(false).await;
    let routes = Router::new().route("/page/", get(|| async { "seen" }));
    let whole = site.cloakroom.layer().layer(routes);
    for (target, status) in [("/page/", 302), ("/no-such-page/", 302)] {
        let request = Request::get(target).header("host", "localhost");
        let request = request.body(Body::empty()).unwrap();
        let Ok(response) = tower::ServiceExt::oneshot(whole.clone(), request).await;
        assert_eq!(response.status(), status, "{target}");
    }
}

#[tokio::test]
#[should_panic(expected = "before the site is cloned or its layer made")]
async fn a_login_is_required_everywhere_before_there_is_a_layer() {
    let site = Plan::strict().open().await;
    let _ = site.cloakroom.clone().login_required_everywhere();
}
