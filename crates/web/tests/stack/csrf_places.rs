//! Where the CSRF secret is kept: in the session, or in a cookie that belongs to one login.

use axum::Router;
use axum::routing::get;
use cloakroom::{Auth, CsrfToken, Error, SecretPlace, Session};
use cloakroom_testing::Browser;

use crate::csrf::{SECRET, field, send_from};
use crate::site::{Engine, PASSWORD, Plan, Site, press, session_key, sign_in, whoami};
use crate::stores::Failing;

fn in_sessions(plan: Plan) -> Plan {
    plan.config(|config| config.csrf.secret = SecretPlace::Session)
}

fn of_logins() -> Plan {
    Plan::strict().config(|config| config.csrf.secret = SecretPlace::CookieOfLogin)
}

/// A token from the browser's own form.
async fn token(browser: &Browser) -> String {
    let form = browser.get("/form/").await;
    form.csrf_token().expect("the form has a token").to_owned()
}

async fn status(browser: &Browser, token: &str) -> u16 {
    let page = send_from(browser, "POST", &field(token), &[]).await;
    page.status.as_u16()
}

#[tokio::test]
async fn a_session_keeps_the_secret_and_no_cookie_does() {
    for engine in [Engine::Sqlite, Engine::Memory, Engine::SignedCookies] {
        for plan in [Plan::strict, Plan::shared, Plan::django] {
            let site = in_sessions(plan()).engine(engine).open().await;
            let browser = site.browser();
            let first = token(&browser).await;
            assert_eq!(browser.cookie("csrftoken"), None, "{engine:?}");
            assert!(browser.cookie("sessionid").is_some(), "{engine:?}");
            for token in [&first, &token(&browser).await] {
                assert_eq!(status(&browser, token).await, 200, "{engine:?}");
            }
            // F10, F13: no other session's, no cookie's, none at all.
            let other = site.browser();
            let foreign = token(&other).await;
            assert_eq!(status(&browser, &foreign).await, 403, "{engine:?}");
            assert_eq!(status(&other, &first).await, 403, "{engine:?}");
            browser.receive(&format!("csrftoken={SECRET}; Path=/"));
            assert_eq!(status(&browser, SECRET).await, 403, "{engine:?}");
            assert_eq!(status(&browser, "").await, 403, "{engine:?}");
            assert_eq!(status(&site.browser(), &first).await, 403, "{engine:?}");

            // F11.
            assert_eq!(sign_in(&browser, "ann", PASSWORD).await.status, 302);
            assert_eq!(status(&browser, &first).await, 403, "{engine:?}");
            assert_eq!(press(&browser, "/logout/").await.status, 302, "{engine:?}");
            assert_eq!(whoami(&browser).await, "nobody", "{engine:?}");
        }
    }
}

#[tokio::test]
async fn the_secret_lies_in_the_session_as_django_lays_it_there() {
    let site = in_sessions(Plan::shared()).open().await;
    let browser = site.browser();
    let token = token(&browser).await;
    let key = session_key(&browser);
    let json: serde_json::Value = serde_json::from_str(&site.json(&key)).unwrap();
    let secret = json["_csrftoken"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    assert_eq!(status(&browser, secret).await, 200);
    // The same secret is not written again, and checking a form writes nothing.
    let row = site.row(&key);
    for _ in 0..2 {
        assert_eq!(status(&browser, &token).await, 200);
        assert_eq!(crate::csrf_places::token(&browser).await.len(), 64);
    }
    assert_eq!(site.row(&key), row);
}

#[tokio::test]
async fn what_is_no_secret_in_a_session_is_replaced_and_proves_nothing() {
    let site = in_sessions(Plan::strict()).open().await;
    let browser = site.browser();
    for json in ["7", "null", "[]", "%22%22", "%22short%22", "%7B%7D"] {
        browser
            .get(&format!("/session/set_raw/?name=_csrftoken&value={json}"))
            .await;
        for token in ["", "7", "short", SECRET] {
            assert_eq!(status(&browser, token).await, 403, "{json} {token}");
        }
        let token = token(&browser).await;
        assert_eq!(status(&browser, &token).await, 200, "{json}");
    }
}

#[tokio::test]
async fn a_store_that_fails_lets_no_form_pass_and_is_told_from_a_forgery() {
    let site = in_sessions(Plan::strict()).open().await;
    let browser = site.browser();
    let token = token(&browser).await;
    site.store.fail(Failing::Everything);
    assert_eq!(status(&browser, &token).await, 503);
    assert_eq!(browser.get("/form/").await.status, 503);
    assert_eq!(browser.get("/").await.status, 200);
    site.store.fail(Failing::Nothing);
    assert_eq!(status(&browser, &token).await, 200);
}

#[tokio::test]
async fn two_pages_that_are_loaded_at_once_do_not_disturb_each_other() {
    let site = in_sessions(Plan::strict()).open().await;
    let browser = site.browser();
    browser.get("/session/set/?name=a&value=1").await;
    site.store.hold_writes();
    let (first, second, ()) = tokio::join!(browser.get("/form/"), browser.get("/form/"), async {
        site.store.write_waits().await;
        site.store.write_waits().await;
        site.store.release_writes();
    });
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    let token = token(&browser).await;
    assert_eq!(status(&browser, &token).await, 200);
}

/// Signs in or out, and shows a form in the same response.
async fn sign_in_and_show(auth: Auth, csrf: CsrfToken) -> Result<String, Error> {
    let user = auth.authenticate("ann", PASSWORD).await?;
    auth.login(&user.expect("ann is known"))?;
    csrf.input()
}

async fn sign_out_and_show(auth: Auth, csrf: CsrfToken) -> Result<String, Error> {
    auth.logout()?;
    csrf.input()
}

async fn save_early(session: Session, csrf: CsrfToken) -> Result<String, Error> {
    let input = csrf.input()?;
    session.save().await?;
    Ok(input)
}

fn with_forms(plan: Plan) -> Plan {
    let routes = Router::new()
        .route("/in/", get(sign_in_and_show))
        .route("/out/", get(sign_out_and_show))
        .route("/early/", get(save_early));
    plan.routes(routes)
}

#[tokio::test]
async fn a_form_beside_a_login_or_a_logout_is_valid_afterwards() {
    for plan in [in_sessions(Plan::strict()), of_logins(), Plan::strict()] {
        let site = with_forms(plan).open().await;
        let browser = site.browser();
        for target in [
            "/early/", "/in/", "/form/", "/out/", "/in/", "/in/", "/early/",
        ] {
            let page = browser.get(target).await;
            let token = page.csrf_token().expect("the page has a form");
            assert_eq!(status(&browser, token).await, 200, "{target}");
        }
    }
}

#[tokio::test]
async fn a_cookie_of_a_login_proves_nothing_for_another() {
    // F13.
    let site = of_logins().open().await;
    let (ann, bob, stranger) = (site.browser(), site.browser(), site.browser());
    let before = token(&ann).await;
    let planted = stranger_s(&site).await;
    assert_eq!(sign_in(&ann, "ann", PASSWORD).await.status, 302);
    assert_eq!(sign_in(&bob, "bob", PASSWORD).await.status, 302);
    assert_eq!(status(&ann, &before).await, 403);
    // What a script reads right after the login.
    let at_once = ann.cookie("csrftoken").unwrap();
    assert_eq!(status(&ann, &at_once).await, 200);

    let theirs = token(&bob).await;
    assert_eq!(status(&bob, &theirs).await, 200);
    assert_eq!(status(&ann, &theirs).await, 403);
    // A sister domain plants a whole cookie, whose form is then right.
    let own = ann.cookie("csrftoken").unwrap();
    for cookie in [bob.cookie("csrftoken").unwrap(), planted, SECRET.to_owned()] {
        ann.receive(&format!("csrftoken={cookie}; Path=/"));
        assert_eq!(status(&ann, &cookie).await, 403, "{cookie}");
    }
    ann.receive(&format!("csrftoken={own}; Path=/"));
    assert_eq!(status(&ann, &own).await, 200);

    // The next page mends it.
    ann.receive(&format!("csrftoken={SECRET}; Path=/"));
    let mended = token(&ann).await;
    assert_eq!(status(&ann, &mended).await, 200);
    assert_eq!(status(&stranger, SECRET).await, 403);
}

async fn stranger_s(site: &Site) -> String {
    let browser = site.browser();
    let _ = token(&browser).await;
    browser.cookie("csrftoken").unwrap()
}

#[tokio::test]
async fn a_renewed_key_keeps_the_forms_of_its_login() {
    let site = of_logins().open().await;
    let browser = site.ann().await;
    let token = token(&browser).await;
    browser.get("/session/cycle/").await;
    assert_eq!(status(&browser, &token).await, 200);
}
