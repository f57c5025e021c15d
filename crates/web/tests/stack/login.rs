//! Signing in and out, and what a login does to keys and secrets.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::routing::get;
use cloakroom::auth::{UserRow, UserStore as _};
use cloakroom::{Auth, SqliteStore, User};

use crate::site::{Engine, PASSWORD, Plan, hashers, press, session_key, sign_in, whoami};

#[tokio::test]
async fn who_signs_in_is_known_until_signing_out() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    assert_eq!(whoami(&browser).await, "nobody");
    let page = sign_in(&browser, "ann", PASSWORD).await;
    assert_eq!(
        (page.status.as_u16(), page.location()),
        (302, Some("/home/"))
    );
    assert_eq!(browser.get("/home/").await.text(), "Hello ann");
    assert_eq!(whoami(&browser).await, "ann");
    assert!(site.user("ann").await.last_login.is_some());
    assert!(site.user("bob").await.last_login.is_none());

    let key = session_key(&browser);
    let page = press(&browser, "/logout/").await;
    assert_eq!(
        (page.status.as_u16(), page.location()),
        (302, Some("/login/"))
    );
    assert_eq!(browser.cookie("sessionid"), None);
    assert_eq!((site.row(&key), site.rows()), (None, 0), "S6");
    assert_eq!(
        browser.get("/home/").await.location(),
        Some("/login/?next=/home/")
    );
    browser.receive(&format!("sessionid={key}; Path=/"));
    assert_eq!(
        whoami(&browser).await,
        "nobody",
        "S6: a copy of the cookie opens nothing"
    );
}

#[tokio::test]
async fn a_wrong_name_or_password_signs_nobody_in() {
    let site = Plan::strict().open().await;
    site.add_user_with_hash("zoe", "!unusable").await;
    let inactive = "UPDATE auth_user SET is_active = 0 WHERE username = 'bob'";
    site.sql().execute(inactive, []).unwrap();
    let rows = [
        ("ann", "wrong"),
        ("ANN", PASSWORD),
        ("eve", PASSWORD),
        ("bob", PASSWORD),
        ("bob", "wrong"),
        ("zoe", ""),
        ("", ""),
    ];
    let mut answers = Vec::new();
    for (name, password) in rows {
        let browser = site.browser();
        let page = sign_in(&browser, name, password).await;
        assert_eq!(browser.cookie("sessionid"), None, "S12");
        assert_eq!(
            (page.status.as_u16(), page.text()),
            (200, "Please try again.")
        );
        answers.push(page.headers);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "P4: one answer, whatever is wrong");
    assert_eq!(site.sessions(), 0);
}

/// CVE-2026-43983, CVE-2025-53942, CVE-2025-64521.
#[tokio::test]
async fn an_inactive_user_is_nobody_at_once() {
    // S5.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let update = "UPDATE auth_user SET is_active = 0 WHERE username = 'ann'";
    site.sql().execute(update, []).unwrap();
    assert_eq!(whoami(&browser).await, "nobody");
    let page = sign_in(&site.browser(), "ann", PASSWORD).await;
    assert_eq!(page.text(), "Please try again.");
    let update = "UPDATE auth_user SET is_active = 1 WHERE username = 'ann'";
    site.sql().execute(update, []).unwrap();
    assert_eq!(
        whoami(&browser).await,
        "ann",
        "as in Django, the session was left alone"
    );
}

/// CVE-2022-25896, CVE-2023-29019, CVE-2023-6787, CVE-2024-7341.
#[tokio::test]
async fn a_login_renews_the_key_and_the_old_one_is_dead() {
    // S2, S3.
    let site = Plan::strict().open().await;
    let browser = site.browser();
    browser.get("/session/set/?name=basket&value=tea").await;
    let anonymous = session_key(&browser);
    sign_in(&browser, "ann", PASSWORD).await;
    let first = session_key(&browser);
    assert_ne!(first, anonymous);
    assert_eq!(site.row(&anonymous), None);
    let basket = browser.get("/session/get/?name=basket").await;
    assert_eq!(basket.text(), "\"tea\"", "the anonymous data go along");

    sign_in(&browser, "ann", PASSWORD).await;
    let second = session_key(&browser);
    assert_ne!(second, first);
    for dead in [anonymous, first] {
        let thief = site.browser();
        thief.receive(&format!("sessionid={dead}; Path=/"));
        assert_eq!(whoami(&thief).await, "nobody");
    }
    assert_eq!((whoami(&browser).await, site.rows()), ("ann".into(), 1));
}

#[tokio::test]
async fn in_django_s_profile_signing_in_again_keeps_the_key() {
    let site = Plan::django().open().await;
    let browser = site.ann().await;
    let key = session_key(&browser);
    sign_in(&browser, "ann", PASSWORD).await;
    assert_eq!(session_key(&browser), key);
}

/// CVE-2026-34454.
#[tokio::test]
async fn signing_in_as_somebody_else_takes_nothing_along() {
    // S3.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    browser.get("/session/set/?name=basket&value=tea").await;
    let key = session_key(&browser);
    sign_in(&browser, "bob", PASSWORD).await;
    assert_eq!(whoami(&browser).await, "bob");
    assert_eq!(
        browser.get("/session/get/?name=basket").await.text(),
        "nothing"
    );
    assert_eq!(site.row(&key), None);
}

#[tokio::test]
async fn a_key_that_we_did_not_make_is_never_adopted() {
    // S2.
    let site = Plan::strict().open().await;
    let made_up = [
        "abcdefghijklmnopqrstuvwxyz012345".to_owned(),
        "short".to_owned(),
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".to_owned(),
        "a".repeat(41),
        "a".repeat(4000),
        "\u{e9}".repeat(32),
        "' OR 1=1 --".to_owned(),
        String::new(),
    ];
    for key in made_up {
        let browser = site.browser();
        browser.receive(&format!("sessionid={key}; Path=/"));
        let page = browser.get("/session/set/?name=a&value=1").await;
        assert_eq!(page.status, 200, "{key}");
        let ours = session_key(&browser);
        assert!(ours != key && ours.len() == 32, "{key}");
        assert_eq!(site.row(&key), None, "{key}");

        browser.receive(&format!("sessionid={key}; Path=/"));
        sign_in(&browser, "ann", PASSWORD).await;
        assert_ne!(session_key(&browser), key);
        assert_eq!(whoami(&browser).await, "ann", "{key}");
        assert_eq!(site.row(&key), None, "{key}");
    }
}

/// CVE-2015-5143, CVE-2015-5963, CVE-2015-5964.
#[tokio::test]
async fn a_logout_of_nobody_leaves_no_record() {
    let site = Plan::strict().open().await;
    for cookie in ["", "abcdefghijklmnopqrstuvwxyz012345", "x"] {
        let browser = site.browser();
        for _ in 0..20 {
            if !cookie.is_empty() {
                browser.receive(&format!("sessionid={cookie}; Path=/"));
            }
            press(&browser, "/logout/").await;
            for page in ["/", "/whoami/", "/home/", "/login/", "/session/get/?name=a"] {
                assert!(browser.get(page).await.status.as_u16() < 400, "{page}");
            }
            assert_eq!(site.rows(), 0, "{cookie}");
        }
    }
}

/// H1.
#[tokio::test]
async fn a_login_leads_to_next_if_that_is_ours() {
    let site = Plan::strict().open().await;
    let rows = [
        ("/guarded/", "/guarded/"),
        ("/guarded/?a=b&c=%C3%A9", "/guarded/?a=b&c=%C3%A9"),
        ("/\u{e9}", "/%C3%A9"),
        ("", "/home/"),
        ("https://evil.example/", "/home/"),
        ("//evil.example/", "/home/"),
        ("/\\evil.example/", "/home/"),
        ("\t//evil.example/", "/home/"),
        ("javascript:alert(1)", "/home/"),
        ("/a\r\nSet-Cookie: x=1", "/a%0D%0ASet-Cookie:%20x=1"),
    ];
    for (next, location) in rows {
        let browser = site.browser();
        let form = browser.get("/login/").await;
        let fields = [
            ("username", "ann"),
            ("password", PASSWORD),
            ("csrfmiddlewaretoken", form.csrf_token().unwrap()),
            ("next", next),
        ];
        let page = browser.post("/login/?next=/from-the-query/", &fields).await;
        assert_eq!(
            page.location(),
            Some(location),
            "{next:?}: the form's field wins, even empty"
        );
        assert_eq!(page.set_cookie("x"), None);
        let page = browser
            .post("/login/?next=/from-the-query/", &fields[..3])
            .await;
        assert_eq!(page.status, 403, "the token of before the login is spent");
    }
    let browser = site.browser();
    let token = browser.get("/form/").await;
    let token = token.csrf_token().unwrap();
    let fields = [
        ("username", "ann"),
        ("password", PASSWORD),
        ("csrfmiddlewaretoken", token),
    ];
    let page = browser.post("/login/?next=/a/&next=/b/", &fields).await;
    assert_eq!(page.location(), Some("/b/"));
}

#[tokio::test]
async fn a_login_rotates_the_csrf_secret() {
    // F11.
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let before = browser.get("/form/").await;
    let secret = browser.cookie("csrftoken").unwrap();
    sign_in(&browser, "ann", PASSWORD).await;
    assert_ne!(browser.cookie("csrftoken").unwrap(), secret);
    let old = [("csrfmiddlewaretoken", before.csrf_token().unwrap())];
    assert_eq!(browser.post("/logout/", &old).await.status, 403);
    assert_eq!(whoami(&browser).await, "ann");
    assert_eq!(press(&browser, "/logout/").await.status, 302);
}

#[tokio::test]
async fn nobody_is_signed_in_from_another_site_s_form() {
    // F11: login CSRF.
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let fields = [("username", "ann"), ("password", PASSWORD)];
    let page = browser.post("/login/", &fields).await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (403, 0));
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn a_new_password_ends_the_user_s_other_sessions() {
    // S4, R2.
    let site = Plan::strict().open().await;
    let (here, there) = (site.ann().await, site.ann().await);
    let id = site.user("ann").await.id;
    let _ = site
        .database
        .set_password(&id, None, "pbkdf2_sha256$1$s$h")
        .await
        .unwrap();
    let before = session_key(&there);
    assert_eq!(whoami(&there).await, "nobody");
    assert_eq!((site.row(&before), there.cookie("sessionid")), (None, None));
    assert_eq!(whoami(&here).await, "nobody");
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn who_changes_another_s_password_stays_who_they_are() {
    let handler = |auth: Auth, user: User| async move {
        let mut other = UserRow::clone(&user);
        other.id = "4711".into();
        other.username = "bob".into();
        auth.update_session_auth_hash(&other.into())?;
        let after = auth.user().await?;
        Ok::<_, cloakroom::Error>(after.map_or_else(String::new, |user| user.username.clone()))
    };
    let routes = Router::new().route("/change-other/", get(handler));
    let site = Plan::strict().routes(routes).open().await;
    let browser = site.ann().await;
    assert_eq!(browser.get("/change-other/").await.text(), "ann");
    assert_eq!(whoami(&browser).await, "ann");
}

#[tokio::test]
async fn who_changes_the_own_password_stays_signed_in_here_only() {
    // S4.
    let database = Arc::new(OnceLock::<SqliteStore>::new());
    let users = Arc::clone(&database);
    let handler = move |auth: Auth, user: User| async move {
        let mut changed = UserRow::clone(&user);
        changed.password = hashers().make(b"another password").unwrap();
        let users = users.get().unwrap();
        let _ = users
            .set_password(&user.id, None, &changed.password)
            .await?;
        auth.update_session_auth_hash(&changed.into())
    };
    let routes = Router::new().route("/change/", get(handler));
    let site = Plan::strict().routes(routes).open().await;
    database.set(site.database.clone()).unwrap();
    let (here, there) = (site.ann().await, site.ann().await);
    let before = session_key(&here);
    assert_eq!(here.get("/change/").await.status, 200);
    assert_ne!(session_key(&here), before);
    assert_eq!(whoami(&here).await, "ann");
    assert_eq!(whoami(&there).await, "nobody");
    assert_eq!(site.rows(), 1);
    assert_eq!(sign_in(&there, "ann", PASSWORD).await.status, 200);
    let page = sign_in(&there, "ann", "another password").await;
    assert_eq!(page.status, 302);
}

#[tokio::test]
async fn a_login_works_without_a_database_for_sessions() {
    for engine in [Engine::Memory, Engine::SignedCookies] {
        let site = Plan::strict().engine(engine).open().await;
        let browser = site.ann().await;
        assert_eq!(whoami(&browser).await, "ann");
        assert!(site.user("ann").await.last_login.is_some(), "{engine:?}");
        press(&browser, "/logout/").await;
        assert_eq!((whoami(&browser).await, site.rows()), ("nobody".into(), 0));
        assert_eq!(browser.cookie("sessionid"), None, "{engine:?}");
    }
}
