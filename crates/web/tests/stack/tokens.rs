//! Access and refresh tokens, from the password to the handler.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::routing::{any, get};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom::auth::{JwtRules, UserStore as _, derived_signing_key};
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::time::Timestamp;
use cloakroom::{Auth, Bearer, Error, Pair, Tokens, User, bearer_required};
use cloakroom_testing::{Browser, Page, TestClock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::site::{
    Engine, PASSWORD, Plan, Site, hashers, press, secrets, session_key, sign_in, whoami,
};
use crate::stores::Failing;

/// The site's pages, what only tokens open, and where tokens are handed out.
fn app(site: &Site) -> Router {
    let me = |user: Bearer| async move { user.username.clone() };
    let guarded = any(|| async { "guarded" }).layer(bearer_required());
    let page = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.username.clone())
    };
    Router::new()
        .route("/api/me/", any(me))
        .route("/api/guarded/", guarded)
        .route("/page/", get(page))
        .route("/app/", any(for_the_app))
        .route("/end-others/", any(end_others))
        .layer(site.cloakroom.layer())
        .merge(site.cloakroom.token_routes())
        .merge(site.app.clone())
}

/// Tokens for whoever has signed in with the browser.
async fn for_the_app(user: User, tokens: Tokens) -> Result<Json<Pair>, Error> {
    Ok(Json(tokens.obtain(&user).await?))
}

async fn end_others(auth: Auth) -> Result<String, Error> {
    Ok(auth.end_other_sessions().await?.to_string())
}

async fn post(browser: &Browser, target: &str, body: &Value) -> Page {
    let request = Request::post(target).header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    browser.send(request).await
}

async fn call(browser: &Browser, method: &str, target: &str, authorization: &str) -> Page {
    let request = Request::builder().method(method).uri(target);
    let request = request.header("authorization", authorization);
    browser.send(request.body(Body::empty()).unwrap()).await
}

async fn obtain(browser: &Browser) -> (String, String) {
    let page = post(
        browser,
        "/api/token/",
        &json!({"username": "ann", "password": PASSWORD}),
    )
    .await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.set_cookies().is_empty());
    pair(&page)
}

fn pair(page: &Page) -> (String, String) {
    let pair: Value = serde_json::from_str(page.text()).unwrap();
    let text = |name: &str| pair[name].as_str().unwrap().to_owned();
    (text("access"), text("refresh"))
}

async fn refresh(browser: &Browser, token: &str) -> Page {
    post(browser, "/api/token/refresh/", &json!({"refresh": token})).await
}

/// Who the API takes the bearer of an access token for; the status of a refusal.
async fn me(browser: &Browser, access: &str) -> String {
    let page = call(browser, "POST", "/api/me/", &format!("Bearer {access}")).await;
    if page.status == 200 {
        return page.text().to_owned();
    }
    assert_eq!(
        page.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
    assert_eq!(page.header("content-type"), Some("application/json"));
    let error: Value = serde_json::from_str(page.text()).unwrap();
    assert_eq!(error["error"], "invalid_token");
    page.status.as_str().to_owned()
}

#[tokio::test]
async fn a_password_is_exchanged_for_tokens_that_open_the_api() {
    let site = Plan::strict().open().await;
    let browser = Browser::new(&app(&site));
    let (access, refresh_token) = obtain(&browser).await;
    assert_eq!(me(&browser, &access).await, "ann");
    assert_eq!(
        call(
            &browser,
            "GET",
            "/api/guarded/",
            &format!("bearer {access}")
        )
        .await
        .text(),
        "guarded"
    );
    let (next, _) = pair(&refresh(&browser, &refresh_token).await);
    assert_eq!(me(&browser, &next).await, "ann");
    let wrong = [
        json!({"username": "ann", "password": "wrong"}),
        json!({"username": "nobody", "password": PASSWORD}),
    ];
    for credentials in wrong {
        let page = post(&browser, "/api/token/", &credentials).await;
        assert_eq!(page.status, 401);
        assert_eq!(
            page.header("www-authenticate"),
            Some("Bearer realm=\"api\"")
        );
    }
    for body in [
        json!({}),
        json!({"username": "ann"}),
        json!([]),
        json!({"username": 7, "password": []}),
    ] {
        assert!(
            post(&browser, "/api/token/", &body)
                .await
                .status
                .is_client_error()
        );
    }
}

#[tokio::test]
async fn a_bad_token_never_falls_back_to_the_visitor_s_session() {
    // B1: not even where cookies are left to such requests.
    for plan in [Plan::strict(), Plan::shared(), Plan::django()] {
        let site = plan.open().await;
        let browser = site.ann().await.with_app(&app(&site));
        assert_eq!(whoami(&browser).await, "ann");
        for authorization in [
            "Bearer bad",
            "Bearer ",
            "Bearer",
            "bearer a.b.c",
            "Bearer a b",
        ] {
            let page = call(&browser, "GET", "/api/me/", authorization).await;
            assert_eq!(page.status, 401, "{authorization}");
            assert_eq!(
                page.header("www-authenticate"),
                Some("Bearer error=\"invalid_token\"")
            );
        }
        for target in ["/api/me/", "/api/guarded/"] {
            let page = browser.get(target).await;
            assert_eq!(page.status, 401, "the session alone");
            assert_eq!(page.header("www-authenticate"), Some("Bearer"));
            assert_eq!(
                call(&browser, "GET", target, "Basic YTpi").await.status,
                401
            );
        }
    }
    let site = Plan::strict().open().await;
    let browser = site.ann().await.with_app(&app(&site));
    let (access, _) = obtain(&browser).await;
    // A token opens no page of the session's user either.
    let page = call(&browser, "GET", "/page/", &format!("Bearer {access}")).await;
    assert_eq!(page.text(), "nobody");
    assert_eq!(
        call(&browser, "POST", "/api/me/", "Bearer bad")
            .await
            .status,
        401,
        "no CSRF token either"
    );
    let two = Request::get("/api/me/")
        .header("authorization", format!("Bearer {access}"))
        .header("authorization", "Basic YTpi");
    assert_eq!(
        browser.send(two.body(Body::empty()).unwrap()).await.status,
        401
    );
}

/// T12, CVE-2026-9798, CVE-2026-43914: who has failed too often here has there, too.
#[tokio::test]
async fn guesses_at_tokens_are_guesses_at_the_login() {
    let site = Plan::strict().engine(Engine::Memory).open().await;
    let browser = Browser::new(&app(&site));
    let wrong = json!({"username": "ann", "password": "wrong"});
    for _ in 0..10 {
        assert_eq!(post(&browser, "/api/token/", &wrong).await.status, 401);
    }
    let right = json!({"username": "Ann ", "password": PASSWORD});
    let page = post(&browser, "/api/token/", &right).await;
    assert_eq!(page.status, 429, "{}", page.text());
    assert!(page.header("retry-after").is_some());
    let page = sign_in(&site.browser(), "ann", PASSWORD).await;
    assert_eq!(page.status, 429, "{}", page.text());
}

/// P4, CVE-2025-13473.
#[tokio::test]
async fn a_failure_at_tokens_comes_at_its_time_and_tells_nothing() {
    let time = Duration::from_millis(150);
    let plan = Plan::strict().config(|config| config.login.failure_time = time);
    let site = plan.open().await;
    site.add_user_with_hash("unusable", "!abc").await;
    let inactive = "UPDATE auth_user SET is_active = 0 WHERE username = 'bob'";
    site.sql().execute(inactive, []).unwrap();
    let browser = Browser::new(&app(&site));
    let mut answers = Vec::new();
    for (username, password) in [
        ("ann", "wrong"),
        ("eve", "wrong"),
        ("bob", PASSWORD),
        ("unusable", "wrong"),
    ] {
        let began = Instant::now();
        let sent = json!({"username": username, "password": password});
        let page = post(&browser, "/api/token/", &sent).await;
        assert!(began.elapsed() >= time, "{username}");
        answers.push((page.status, page.headers.clone(), page.text().to_owned()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

/// CVE-2025-6203, CVE-2025-12044: as deep as a body may be long.
#[tokio::test]
async fn deep_json_is_refused_at_once() {
    let site = Plan::strict().open().await;
    let browser = Browser::new(&app(&site));
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let objects = r#"{"a":"#.repeat(100_000);
    for body in [
        open.clone(),
        objects,
        format!(r#"{{"refresh": {open}{close}, "username": {open}{close}}}"#),
        format!(
            r#"{{"other": {open}{close}, "refresh": "x", "username": "ann", "password": "x"}}"#
        ),
    ] {
        for target in [
            "/api/token/",
            "/api/token/refresh/",
            "/api/token/blacklist/",
        ] {
            let began = Instant::now();
            let request = Request::post(target).header("content-type", "application/json");
            let page = browser.send(request.body(Body::from(body.clone())).unwrap());
            let status = page.await.status;
            assert!(!status.is_server_error(), "{target}: {status}");
            assert!(began.elapsed() < Duration::from_secs(1), "{target}");
        }
    }
    assert_eq!(
        obtain(&browser).await.0.matches('.').count(),
        2,
        "it goes on"
    );
}

/// CVE-2026-35193: caches that know nothing of `Authorization` are told.
#[tokio::test]
async fn what_a_token_opens_is_for_nobody_without_it() {
    let private = Some("private, no-store");
    for (plan, kept) in [
        (Plan::strict(), private),
        (Plan::shared(), private),
        (Plan::django(), None),
    ] {
        let site = plan.open().await;
        let browser = Browser::new(&app(&site));
        let (access, _) = obtain(&browser).await;
        let good = format!("Bearer {access}");
        for target in ["/api/me/", "/api/guarded/"] {
            for (authorization, status, kept) in [
                (good.as_str(), 200, kept),
                ("Bearer bad", 401, Some("no-store")),
                ("", 401, Some("no-store")),
            ] {
                let page = call(&browser, "GET", target, authorization).await;
                assert_eq!(page.status, status, "{target} {authorization}");
                assert_eq!(page.vary(), ["authorization"], "{target} {authorization}");
                assert_eq!(page.header("cache-control"), kept, "{target}");
            }
        }
    }
    // A page without a user, because a token took the cookies away, is not the page of those cookies.
    let site = Plan::strict().open().await;
    let browser = site.ann().await.with_app(&app(&site));
    let page = call(&browser, "GET", "/page/", "Bearer x").await;
    assert_eq!(page.text(), "nobody");
    assert_eq!(page.vary(), ["cookie", "authorization"]);
    let page = browser.get("/page/").await;
    assert_eq!(
        (page.text(), page.vary()),
        ("ann", vec!["cookie".to_owned()])
    );
}

fn signed(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(text.as_bytes());
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())
    )
}

#[tokio::test]
async fn tokens_that_choose_their_algorithm_or_key_and_those_for_something_else_are_401() {
    // J1.
    let site = Plan::strict()
        .config(|config| config.jwt.audience = Some("api".into()))
        .open()
        .await;
    let browser = Browser::new(&app(&site));
    let id = site.user("ann").await.id;
    let now = Timestamp::now().unix_seconds();
    let claims = |kind: &str, audience: &str| json!({"token_type": kind, "exp": now + 200, "iat": now, "jti": "0", "user_id": id, "aud": audience});
    let key = derived_signing_key(secrets().key());
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let good = claims("access", "api");
    assert_eq!(
        me(&browser, &signed(&header, &good, key.as_bytes())).await,
        "ann"
    );
    let with = |name: &str, value: &str| {
        let mut header = header.clone();
        header[name] = value.into();
        header
    };
    let headers = [
        with("alg", "none"),
        with("alg", "EdDSA"),
        with("alg", "HS512"),
        with("kid", "../../dev/null"),
        with("jku", "https://evil.example/"),
        with("x5u", "https://evil.example/"),
        with("jwk", "{}"),
    ];
    for header in headers {
        assert_eq!(
            me(&browser, &signed(&header, &good, key.as_bytes())).await,
            "401",
            "{header}"
        );
        // An empty key, as the file of that `kid` would give, and a public one.
        for key in [
            &b""[..],
            b"-----BEGIN PUBLIC KEY-----\n",
            crate::site::SECRET.as_bytes(),
        ] {
            assert_eq!(
                me(&browser, &signed(&header, &good, key)).await,
                "401",
                "{header}"
            );
        }
    }
    for claims in [
        claims("refresh", "api"),
        claims("access", "web"),
        claims("", "api"),
    ] {
        assert_eq!(
            me(&browser, &signed(&header, &claims, key.as_bytes())).await,
            "401",
            "{claims}"
        );
    }
    let (access, refresh_token) = obtain(&browser).await;
    assert_eq!(
        me(&browser, &refresh_token).await,
        "401",
        "a refresh token as an access token"
    );
    assert_eq!(
        refresh(&browser, &access).await.status,
        401,
        "and the reverse"
    );
    assert_eq!(me(&browser, &access).await, "ann");
}

/// H6.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_requests_with_one_refresh_token_one_succeeds_and_the_family_ends() {
    // J2.
    for engine in [Engine::Sqlite, Engine::Memory] {
        for _ in 0..10 {
            let site = Plan::strict().engine(engine).open().await;
            let app = app(&site);
            let browser = Browser::new(&app);
            let (_, token) = obtain(&browser).await;
            let tries: Vec<_> = (0..20)
                .map(|_| {
                    let (app, token) = (app.clone(), token.clone());
                    tokio::spawn(async move { refresh(&Browser::new(&app), &token).await })
                })
                .collect();
            let mut pairs = Vec::new();
            for page in tries {
                let page = page.await.unwrap();
                match page.status.as_u16() {
                    200 => pairs.push(pair(&page)),
                    status => assert_eq!(status, 401),
                }
            }
            assert_eq!(pairs.len(), 1, "{engine:?}");
            assert_eq!(
                refresh(&browser, &pairs[0].1).await.status,
                401,
                "the family has ended"
            );
            assert_eq!(refresh(&browser, &token).await.status, 401);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_exchanged_before_ends_its_family_and_no_other() {
    // J2.
    let site = Plan::strict().open().await;
    let browser = Browser::new(&app(&site));
    let (_, first) = obtain(&browser).await;
    let (_, elsewhere) = obtain(&browser).await;
    let (_, second) = pair(&refresh(&browser, &first).await);
    let (_, third) = pair(&refresh(&browser, &second).await);
    // A thief has the first one.
    assert_eq!(refresh(&browser, &first).await.status, 401);
    assert_eq!(
        refresh(&browser, &third).await.status,
        401,
        "the user signs in again"
    );
    assert_eq!(refresh(&browser, &elsewhere).await.status, 200);
}

/// CVE-2026-43983, CVE-2025-53942, CVE-2025-64521.
#[tokio::test]
async fn a_family_ends_with_a_logout_with_the_password_and_with_the_user() {
    // J2.
    let site = Plan::strict().open().await;
    let browser = Browser::new(&app(&site));
    let (_, token) = obtain(&browser).await;
    let page = post(
        &browser,
        "/api/token/blacklist/",
        &json!({"refresh": token}),
    )
    .await;
    assert_eq!((page.status.as_u16(), page.text()), (200, "{}"));
    assert_eq!(refresh(&browser, &token).await.status, 401);
    let again = post(
        &browser,
        "/api/token/blacklist/",
        &json!({"refresh": "no token"}),
    )
    .await;
    assert_eq!(again.status, 200, "nothing is told of what is no token");

    let ann = site.user("ann").await;
    let (access, token) = obtain(&browser).await;
    let encoded = hashers().make(b"another long password").unwrap();
    let _ = site
        .database
        .set_password(&ann.id, None, &encoded)
        .await
        .unwrap();
    assert_eq!(me(&browser, &access).await, "401");
    assert_eq!(refresh(&browser, &token).await.status, 401);
    let _ = site
        .database
        .set_password(&ann.id, None, &ann.password)
        .await
        .unwrap();
    assert_eq!(
        refresh(&browser, &token).await.status,
        401,
        "it has ended for good"
    );

    let (access, token) = obtain(&browser).await;
    let active = "UPDATE auth_user SET is_active = ?1 WHERE username = 'ann'";
    site.sql().execute(active, [false]).unwrap();
    assert_eq!(me(&browser, &access).await, "401");
    assert_eq!(refresh(&browser, &token).await.status, 401);
    site.sql().execute(active, [true]).unwrap();
    assert_eq!(refresh(&browser, &token).await.status, 401);
    assert_eq!(
        me(&browser, &access).await,
        "ann",
        "it was not asked for anything"
    );
}

/// A refresh token that the browser's session has been given.
async fn in_session(browser: &Browser) -> String {
    let page = browser.get("/app/").await;
    assert_eq!(page.status, 200, "{}", page.text());
    pair(&page).1
}

#[tokio::test]
async fn a_session_s_logout_ends_the_tokens_that_were_handed_out_in_it() {
    for engine in [Engine::Sqlite, Engine::Memory, Engine::RevocableCookies] {
        let site = Plan::strict().engine(engine).open().await;
        let app = app(&site);
        let (here, elsewhere) = (
            site.ann().await.with_app(&app),
            site.ann().await.with_app(&app),
        );
        let (first, second) = (in_session(&here).await, in_session(&here).await);
        let (_, first) = pair(&refresh(&here, &first).await);
        let other = in_session(&elsewhere).await;
        let (_, by_password) = obtain(&here).await;
        assert_eq!(press(&here, "/logout/").await.status, 302);
        assert_eq!(whoami(&here).await, "nobody", "{engine:?}");
        for token in [&first, &second] {
            assert_eq!(refresh(&here, token).await.status, 401, "{engine:?}");
        }
        assert_eq!(refresh(&here, &other).await.status, 200, "another session");
        let page = refresh(&here, &by_password).await;
        assert_eq!(page.status, 200, "a login of its own, beside the cookie");
        // Who signs in again begins anew.
        sign_in(&here, "ann", PASSWORD).await;
        let token = in_session(&here).await;
        assert_eq!(refresh(&here, &token).await.status, 200);
    }
}

#[tokio::test]
async fn tokens_of_a_session_end_with_its_login_and_not_with_its_key() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await.with_app(&app(&site));
    let token = in_session(&browser).await;
    let key = session_key(&browser);
    sign_in(&browser, "ann", PASSWORD).await;
    assert_ne!(session_key(&browser), key);
    let (_, token) = pair(&refresh(&browser, &token).await);
    sign_in(&browser, "bob", PASSWORD).await;
    assert_eq!(whoami(&browser).await, "bob");
    assert_eq!(refresh(&browser, &token).await.status, 401);
}

#[tokio::test]
async fn a_logout_that_cannot_end_the_tokens_is_none() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await.with_app(&app(&site));
    let token = in_session(&browser).await;
    site.store.fail(Failing::Writes);
    assert_eq!(press(&browser, "/logout/").await.status, 503);
    site.store.fail(Failing::Nothing);
    assert_eq!(whoami(&browser).await, "ann");
    let (_, token) = pair(&refresh(&browser, &token).await);
    assert_eq!(press(&browser, "/logout/").await.status, 302);
    assert_eq!(refresh(&browser, &token).await.status, 401);
}

#[tokio::test]
async fn a_session_that_is_ended_from_elsewhere_takes_its_tokens_along() {
    let site = Plan::strict().listing_sessions().open().await;
    let app = app(&site);
    let (here, lost) = (
        site.ann().await.with_app(&app),
        site.ann().await.with_app(&app),
    );
    let (own, token) = (in_session(&here).await, in_session(&lost).await);
    assert_eq!(here.get("/end-others/").await.text(), "1");
    assert_eq!(whoami(&lost).await, "nobody");
    assert_eq!(refresh(&lost, &token).await.status, 401);
    assert_eq!(refresh(&here, &own).await.status, 200);
}

#[tokio::test]
async fn tokens_and_their_families_end_by_the_site_s_clock() {
    let clock = TestClock::new();
    let site = Plan::strict().clock(&clock).open().await;
    let browser = Browser::new(&app(&site));
    let (mut access, mut token) = obtain(&browser).await;
    for _ in 0..30 {
        clock.advance(Duration::from_secs(299));
        assert_eq!(me(&browser, &access).await, "ann");
        clock.advance(Duration::from_secs(1));
        assert_eq!(me(&browser, &access).await, "401");
        clock.advance(Duration::from_secs(86_099));
        (access, token) = pair(&refresh(&browser, &token).await);
    }
    // 30 seconds before the end of the thirty days: the last token ends with them.
    clock.advance(Duration::from_secs(30));
    assert_eq!(refresh(&browser, &token).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_of_a_django_s_is_exchanged_once_where_the_site_says_so() {
    for accepts in [false, true] {
        let site = Plan::shared()
            .config(|config| config.jwt.accept_foreign_refresh = accepts)
            .open()
            .await;
        let browser = Browser::new(&app(&site));
        let id = site.user("ann").await.id;
        let now = Timestamp::now().unix_seconds();
        let claims = json!({"token_type": "refresh", "exp": now + 200, "iat": now, "jti": "f0", "user_id": id});
        let key = derived_signing_key(secrets().key());
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let token = signed(&header, &claims, key.as_bytes());
        let page = refresh(&browser, &token).await;
        assert_eq!(page.status == 200, accepts);
        if accepts {
            let (_, ours) = pair(&page);
            assert_eq!(refresh(&browser, &token).await.status, 401);
            assert_eq!(refresh(&browser, &ours).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_and_no_token() {
    let site = Plan::strict().open().await;
    let browser = Browser::new(&app(&site));
    let (access, token) = obtain(&browser).await;
    site.store.fail(Failing::Everything);
    for page in [
        refresh(&browser, &token).await,
        post(
            &browser,
            "/api/token/",
            &json!({"username": "ann", "password": PASSWORD}),
        )
        .await,
        post(
            &browser,
            "/api/token/blacklist/",
            &json!({"refresh": token}),
        )
        .await,
    ] {
        assert_eq!(page.status, 503);
    }
    assert_eq!(
        me(&browser, &access).await,
        "ann",
        "sessions' store is not asked for an access token"
    );
    site.store.fail(Failing::Nothing);
    assert_eq!(refresh(&browser, &token).await.status, 200);
}

#[tokio::test]
async fn a_site_with_sessions_in_cookies_needs_a_store_for_its_tokens() {
    let site = Plan::strict().engine(Engine::SignedCookies).open().await;
    let browser = Browser::new(&app(&site));
    let page = post(
        &browser,
        "/api/token/",
        &json!({"username": "ann", "password": PASSWORD}),
    )
    .await;
    assert_eq!(page.status, 500);
    let site = Plan::strict().engine(Engine::RevocableCookies).open().await;
    let browser = Browser::new(&app(&site));
    let (_, token) = obtain(&browser).await;
    assert_eq!(refresh(&browser, &token).await.status, 200);
}

/// CVE-2011-4136.
#[tokio::test]
async fn what_the_store_keeps_of_a_family_is_no_session() {
    let site = Plan::shared().open().await;
    let browser = site.browser().with_app(&app(&site));
    let (_, token) = obtain(&browser).await;
    let key: String = site
        .sql()
        .query_row("SELECT session_key FROM django_session", [], |row| {
            row.get(0)
        })
        .unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert!(
        !claims.contains(&key),
        "who holds the token cannot name the record"
    );
    browser.receive(&format!("sessionid={key}; Path=/"));
    assert_eq!(whoami(&browser).await, "nobody");
}

#[tokio::test]
async fn a_former_secret_key_s_tokens_are_exchanged_for_those_of_the_new_one() {
    let old = Plan::strict().open().await;
    let (access, token) = obtain(&Browser::new(&app(&old))).await;
    let new = SecretKey::new("another secret key, of thirty-two bytes and more").unwrap();
    let rotated = Secrets::new(new).with_fallbacks(vec![secrets().key().clone()]);
    let mut config = cloakroom::Config::strict(rotated);
    config.login.hashers = hashers();
    let site = cloakroom::Cloakroom::with_stores(config, old.store.clone(), old.users.clone());
    let browser = Browser::new(&Router::new().merge(site.token_routes()));
    let (next, next_refresh) = pair(&refresh(&browser, &token).await);
    let rules = JwtRules::new(&secrets());
    let kind = cloakroom::auth::TokenType::Access;
    assert!(rules.read(&access, kind, Timestamp::now()).is_some());
    assert!(rules.read(&next, kind, Timestamp::now()).is_none());
    assert_eq!(refresh(&browser, &next_refresh).await.status, 200);
    assert_eq!(refresh(&browser, &token).await.status, 401);
}
