//! Stores that fail, clients that hang up, and what is acknowledged then.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom::{Auth, Error, Session};
use http::Request;

use crate::site::{PASSWORD, Plan, press, session_key, sign_in, whoami};
use crate::stores::Failing;

/// S12.
#[tokio::test]
async fn what_is_not_touched_costs_no_call_and_what_is_read_one() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    site.store.calls();
    site.users.calls();
    for path in [
        "/",
        "/form/",
        "/unused-token/",
        "/cookie/get/?name=sessionid",
        "/no-such-page/",
    ] {
        browser.get(path).await;
        assert_eq!(
            (site.store.calls().len(), site.users.calls().len()),
            (0, 0),
            "{path}"
        );
    }
    for action in [
        "open", "get", "contains", "names", "is_empty", "take", "remove",
    ] {
        let page = browser.get(&format!("/session/{action}/?name=none")).await;
        assert_eq!(site.store.calls(), ["load"], "{action}");
        assert_eq!(page.set_cookies().len(), 0, "{action}");
    }
    for path in ["/home/", "/guarded/", "/whoami/", "/whoami-if-known/"] {
        browser.get(path).await;
        assert_eq!(site.store.calls(), ["load"], "{path}");
        assert_eq!(site.users.calls(), ["by_id"], "{path}");
    }
    let stranger = site.browser();
    for path in [
        "/whoami/",
        "/session/get/?name=a",
        "/session/flush/",
        "/session/clear/",
    ] {
        stranger.get(path).await;
        assert_eq!(
            (site.store.calls().len(), site.users.calls().len()),
            (0, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn while_the_store_fails_pages_without_the_session_go_on() {
    // S15.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let key = session_key(&browser);
    site.store.fail(Failing::Everything);
    for path in [
        "/home/",
        "/guarded/",
        "/whoami/",
        "/session/get/?name=a",
        "/session/set/?name=a&value=1",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 503, "{path}");
        assert_eq!(page.header("retry-after"), Some("1"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.set_cookies().len(), 0, "{path}");
    }
    assert_eq!(browser.get("/").await.text(), "untouched");
    let page = browser.get("/whoami-if-known/").await;
    assert_eq!((page.status.as_u16(), page.text()), (200, "unknown: 503"));
    assert_eq!(page.set_cookies().len(), 0);
    let stranger = site.browser().get("/whoami/").await;
    assert_eq!(
        stranger.text(),
        "nobody",
        "who has no session needs no store"
    );

    site.store.fail(Failing::Nothing);
    assert_eq!(session_key(&browser), key);
    assert_eq!(whoami(&browser).await, "ann", "the same cookie works again");
}

/// S15.
#[tokio::test]
async fn while_the_user_store_fails_nobody_is_taken_for_a_stranger() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    site.users.fail(true);
    for path in ["/home/", "/guarded/", "/whoami/"] {
        assert_eq!(browser.get(path).await.status, 503, "{path}");
    }
    assert_eq!(
        browser.get("/whoami-if-known/").await.text(),
        "unknown: 503"
    );
    let other = site.browser();
    assert_eq!(sign_in(&other, "bob", PASSWORD).await.status, 503);
    assert_eq!(other.cookie("sessionid"), None);
    site.users.fail(false);
    assert_eq!(whoami(&browser).await, "ann");
}

#[tokio::test]
async fn what_could_not_be_written_is_not_acknowledged() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let key = session_key(&browser);
    for failing in [Failing::Writes, Failing::Answers] {
        let stranger = site.browser();
        let before = stranger.get("/form/").await;
        assert!(before.csrf_token().is_some());
        site.store.fail(failing);
        let page = sign_in(&stranger, "ann", PASSWORD).await;
        assert_eq!(
            (page.status.as_u16(), page.location()),
            (503, None),
            "{failing:?}"
        );
        assert_eq!(page.header("retry-after"), Some("1"));
        assert_eq!(page.set_cookies().len(), 0, "{failing:?}");
        let page = browser.get("/session/set/?name=a&value=1").await;
        assert_eq!(
            (page.status.as_u16(), page.set_cookies().len()),
            (503, 0),
            "{failing:?}"
        );
        assert_eq!(whoami(&browser).await, "ann", "reading goes on");
        site.store.fail(Failing::Nothing);
        assert_eq!(
            sign_in(&stranger, "ann", PASSWORD).await.status,
            302,
            "{failing:?}: again"
        );
    }
    site.store.fail(Failing::Writes);
    let page = press(&browser, "/logout/").await;
    assert_eq!(
        (page.status.as_u16(), page.set_cookie("sessionid")),
        (503, None)
    );
    site.store.fail(Failing::Nothing);
    assert_eq!(
        (session_key(&browser), whoami(&browser).await),
        (key, "ann".into())
    );
}

#[tokio::test]
async fn a_handler_that_goes_on_after_a_failed_save_acknowledges_nothing() {
    let handler = |auth: Auth, session: Session| async move {
        let user = auth.user().await?.expect("somebody is signed in");
        auth.login(&user)?;
        session.set("a", &1)?;
        assert!(session.save().await.is_err());
        Ok::<_, Error>("all is well")
    };
    let routes = Router::new().route("/careless/", get(handler));
    for users_fail in [false, true] {
        let site = Plan::strict().routes(routes.clone()).open().await;
        let browser = site.ann().await;
        if users_fail {
            // The time of the login is the first thing to be written.
            let sql = "CREATE TRIGGER fail BEFORE UPDATE ON auth_user BEGIN SELECT RAISE(ABORT, 'no'); END";
            site.sql().execute_batch(sql).unwrap();
        } else {
            site.store.fail(Failing::Writes);
        }
        let page = browser.get("/careless/").await;
        assert_ne!(page.status, 200, "users_fail: {users_fail}");
        assert_eq!(page.set_cookies().len(), 0);
        assert_eq!(browser.get("/session/get/?name=a").await.text(), "nothing");
    }
}

#[tokio::test]
async fn a_client_who_hangs_up_does_not_stop_the_commit() {
    // R13.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let old = session_key(&browser);
    site.store.hold_writes();
    let request = Request::get("/session/cycle/").body(Body::empty()).unwrap();
    tokio::select! {
        _ = browser.begin(request) => panic!("the write is held"),
        () = site.store.write_waits() => {}
    }
    // By now the response's future is dropped.
    assert!(site.row(&old).is_some());
    site.store.release_writes();
    let committed = async {
        while site.row(&old).is_some() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, committed)
        .await
        .expect("the commit runs to its end");
    assert_eq!((site.row(&old), site.rows()), (None, 1));
}

#[tokio::test]
async fn a_failing_handler_s_cookies_are_dropped_but_not_the_one_of_its_page_s_form() {
    use cloakroom::Cookies;
    use cloakroom::cookie::SetCookie;
    use http::StatusCode;

    let handler = |cookies: Cookies, session: Session, csrf: cloakroom::CsrfToken| async move {
        cookies.set(&SetCookie::new("theme", "dark")?)?;
        session.set("a", &1)?;
        csrf.token()?;
        Ok::<_, Error>(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let routes = Router::new().route("/fail/", get(handler));
    let site = Plan::strict().routes(routes).open().await;
    let page = site.browser().get("/fail/").await;
    assert_eq!(
        (page.status.as_u16(), page.set_cookies().len(), site.rows()),
        (500, 1, 0)
    );
    assert!(page.set_cookies()[0].starts_with("csrftoken="));
}

#[tokio::test]
async fn a_full_store_refuses_new_sessions_as_a_failing_one() {
    use cloakroom::session::MemoryStore;
    let site = Plan::strict().open().await;
    let config = site.cloakroom.config().clone();
    let cloakroom = cloakroom::Cloakroom::with_stores(
        config,
        Arc::new(MemoryStore::new(1)),
        Arc::new(site.database.clone()),
    );
    let app = crate::pages::routes().layer(cloakroom.layer());
    let browser = cloakroom_testing::Browser::new(&app);
    assert_eq!(
        browser.get("/session/set/?name=a&value=1").await.status,
        200
    );
    let other = cloakroom_testing::Browser::new(&app);
    assert_eq!(other.get("/session/set/?name=a&value=1").await.status, 503);
    assert_eq!(
        browser.get("/session/set/?name=a&value=2").await.status,
        200
    );
}
