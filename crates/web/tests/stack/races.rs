//! Requests of one session at the same time. Each test holds one request in its handler while another runs.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use cloakroom::{Auth, Error, Session};
use cloakroom_testing::{Browser, Page};
use tokio::sync::Notify;

use crate::site::{Engine, PASSWORD, Plan, Site, press, session_key, sign_in, whoami};

/// A site with a page that loads the session, waits until it is let go, and then acts.
async fn slow_site(plan: Plan) -> (Site, Arc<Slow>) {
    let slow = Arc::new(Slow::default());
    let shared = Arc::clone(&slow);
    let handler = move |auth: Auth, session: Session, Path(action): Path<String>| {
        let slow = Arc::clone(&shared);
        async move {
            slow.loaded.notify_one();
            slow.go.notified().await;
            match action.as_str() {
                "set" => session.set("slow", &1)?,
                "add" => drop(session.add("n", 1)?),
                "take" => drop(session.take::<String>("coupon")?),
                "cycle" => session.cycle_key()?,
                "logout" => auth.logout()?,
                "login" => {
                    let user = auth.authenticate("ann", PASSWORD).await?.unwrap();
                    auth.login(&user)?;
                }
                _ => drop(session.names()?),
            }
            Ok::<_, Error>("done")
        }
    };
    let routes = Router::new().route("/slow/{action}/", get(handler));
    (plan.routes(routes).open().await, slow)
}

#[derive(Default)]
struct Slow {
    loaded: Notify,
    go: Notify,
}

/// Runs `meanwhile` after a slow request has loaded its session and before it acts.
async fn during(
    slow: &Slow,
    browser: &Browser,
    action: &str,
    meanwhile: impl Future<Output = ()>,
) -> Page {
    let target = format!("/slow/{action}/");
    let other = async {
        slow.loaded.notified().await;
        meanwhile.await;
        slow.go.notify_one();
    };
    tokio::join!(browser.get(&target), other).0
}

/// CVE-2025-46336, CVE-2025-32441.
#[tokio::test]
async fn what_was_logged_out_stays_logged_out() {
    // R1, R11.
    for engine in [Engine::Sqlite, Engine::Memory] {
        for action in ["set", "cycle", "login"] {
            let (site, slow) = slow_site(Plan::strict().engine(engine)).await;
            let browser = site.ann().await;
            let old = session_key(&browser);
            let window = browser.clone();
            let page = during(&slow, &browser, action, async {
                assert_eq!(press(&window, "/logout/").await.status, 302);
            })
            .await;
            assert_eq!(page.status, 400, "{action}");
            assert_eq!(
                page.set_cookie("sessionid"),
                None,
                "{action}: nor a deletion"
            );
            assert_eq!(page.header("cache-control"), Some("no-store"));
            assert_eq!(
                (site.rows(), whoami(&browser).await.as_str()),
                (0, "nobody"),
                "{action}"
            );
            browser.receive(&format!("sessionid={old}; Path=/"));
            assert_eq!(whoami(&browser).await, "nobody", "{action}");
        }
    }
}

#[tokio::test]
async fn an_interrupted_request_does_not_touch_a_fresh_login() {
    // R2: the browser holds a new cookie by now, and an answer to an old request must not take it away.
    for action in ["set", "cycle", "logout", "read"] {
        let (site, slow) = slow_site(Plan::strict()).await;
        let browser = site.ann().await;
        let window = browser.clone();
        let page = during(&slow, &browser, action, async {
            press(&window, "/logout/").await;
            sign_in(&window, "bob", PASSWORD).await;
        })
        .await;
        let status = if action == "read" { 200 } else { 400 };
        assert_eq!(
            (page.status.as_u16(), page.set_cookies().len()),
            (status, 0),
            "{action}"
        );
        assert_eq!(whoami(&browser).await, "bob", "{action}");
    }
}

#[tokio::test]
async fn requests_that_change_different_names_both_keep_their_change() {
    // R3.
    for engine in [Engine::Sqlite, Engine::Memory] {
        let (site, slow) = slow_site(Plan::strict().engine(engine)).await;
        let browser = site.ann().await;
        let window = browser.clone();
        let page = during(&slow, &browser, "set", async {
            window.get("/session/set/?name=fast&value=1").await;
        })
        .await;
        assert_eq!(page.status, 200);
        let names = browser.get("/session/names/").await;
        assert!(names.text().ends_with("fast,slow"), "{}", names.text());
        assert_eq!(whoami(&browser).await, "ann");
    }
}

#[tokio::test]
async fn every_addition_counts() {
    // R7.
    let (site, slow) = slow_site(Plan::strict()).await;
    let browser = site.browser();
    browser.get("/session/add/?name=n").await;
    let window = browser.clone();
    during(&slow, &browser, "add", async {
        for _ in 0..10 {
            window.get("/session/add/?name=n").await;
        }
    })
    .await;
    assert_eq!(browser.get("/session/get/?name=n").await.text(), "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_of_many_at_once_is_there() {
    // R7: whoever was always too late is told so.
    for engine in [Engine::Sqlite, Engine::Memory] {
        let site = Plan::strict().engine(engine).open().await;
        let browser = site.browser();
        browser.get("/session/add/?name=n").await;
        let windows: Vec<_> = (0..40)
            .map(|_| {
                let window = browser.clone();
                tokio::spawn(async move { window.get("/session/add/?name=n").await.status })
            })
            .collect();
        let mut acknowledged = 1;
        for window in windows {
            let status = window.await.unwrap();
            assert!(status == 200 || status == 503, "{status}");
            acknowledged += u32::from(status == 200);
        }
        let page = browser.get("/session/get/?name=n").await;
        assert_eq!(page.text(), acknowledged.to_string(), "{engine:?}");
    }
}

/// H6.
#[tokio::test]
async fn a_one_time_value_is_taken_once() {
    let (site, slow) = slow_site(Plan::strict()).await;
    let browser = site.browser();
    browser.get("/session/set/?name=coupon&value=tea").await;
    let window = browser.clone();
    let page = during(&slow, &browser, "take", async {
        assert_eq!(window.get("/session/take/?name=coupon").await.text(), "tea");
    })
    .await;
    assert_eq!(page.status, 400);
}

#[tokio::test]
async fn a_write_during_a_login_is_kept() {
    // R12.
    let (site, slow) = slow_site(Plan::strict()).await;
    let browser = site.browser();
    browser.get("/session/set/?name=basket&value=tea").await;
    let window = browser.clone();
    let page = during(&slow, &browser, "login", async {
        window.get("/session/set/?name=more&value=milk").await;
    })
    .await;
    assert_eq!(page.status, 200);
    assert_eq!(whoami(&browser).await, "ann");
    assert_eq!(
        browser.get("/session/get/?name=more").await.text(),
        "\"milk\""
    );
    assert_eq!(site.rows(), 1);
}

#[tokio::test]
async fn of_two_logins_and_of_login_and_logout_one_is_interrupted() {
    // R6: two browsers with one cookie, as when somebody restored a profile on a second machine.
    for meanwhile in ["login", "logout"] {
        for action in ["login", "logout"] {
            let (site, slow) = slow_site(Plan::strict()).await;
            let first = site.ann().await;
            let second = site.browser();
            second.receive(&format!("sessionid={}; Path=/", session_key(&first)));
            let page = during(&slow, &first, action, async {
                let page = match meanwhile {
                    "login" => sign_in(&second, "ann", PASSWORD).await,
                    _ => press(&second, "/logout/").await,
                };
                assert_eq!(page.status, 302);
            })
            .await;
            assert_eq!(
                (page.status.as_u16(), page.set_cookies().len()),
                (400, 0),
                "{meanwhile}, {action}"
            );
            let (rows, user) = if meanwhile == "login" {
                (1, "ann")
            } else {
                (0, "nobody")
            };
            assert_eq!(site.rows(), rows, "{meanwhile}, {action}");
            assert_eq!(whoami(&second).await, user, "{meanwhile}, {action}");
            assert_eq!(
                whoami(&first).await,
                "nobody",
                "{meanwhile}, {action}: the old key is dead"
            );
        }
    }
}

#[tokio::test]
async fn a_login_underneath_a_write_is_never_merged() {
    let (site, slow) = slow_site(Plan::django()).await;
    let browser = site.ann().await;
    let key = session_key(&browser);
    let page = during(&slow, &browser, "set", async {
        // Another server signs somebody else in under the same key, as no server should.
        let json = site
            .json(&key)
            .replace("\"_auth_user_id\":\"1\"", "\"_auth_user_id\":\"2\"");
        let text = crate::site::codec().encode(&json, cloakroom::time::Timestamp::now());
        site.sql()
            .execute("UPDATE django_session SET session_data = ?1", [text])
            .unwrap();
    })
    .await;
    assert_eq!(page.status, 400);
    assert!(!site.json(&key).contains("slow"));
}
