//! What handlers do with a session, from one request to the next.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom::{Auth, Error, Session};
use cloakroom_testing::Browser;

use crate::site::{Engine, Plan, session_key, whoami};
use crate::stores::Failing;

const EVERY_ENGINE: [Engine; 4] = [
    Engine::Sqlite,
    Engine::Memory,
    Engine::SignedCookies,
    Engine::RevocableCookies,
];

async fn ask(browser: &Browser, action: &str) -> String {
    let (action, query) = action.split_once('?').unwrap_or((action, ""));
    let page = browser.get(&format!("/session/{action}/?{query}")).await;
    assert_eq!(page.status, 200, "{action}");
    page.text().to_owned()
}

#[tokio::test]
async fn values_go_from_one_request_to_the_next_on_every_engine() {
    for engine in EVERY_ENGINE {
        let site = Plan::strict().engine(engine).open().await;
        let browser = site.browser();
        assert_eq!(ask(&browser, "is_empty").await, "true");
        assert_eq!(browser.cookie("sessionid"), None, "S12");
        ask(&browser, "set?name=a&value=%C3%A9").await;
        assert_eq!(ask(&browser, "get?name=a").await, "\"é\"");
        assert_eq!(ask(&browser, "add?name=n").await, "1");
        assert_eq!(ask(&browser, "add?name=n").await, "2");
        assert_eq!(ask(&browser, "names").await, "a,n");
        assert_eq!(ask(&browser, "contains?name=n").await, "true");
        assert_eq!(ask(&browser, "take?name=a").await, "é");
        assert_eq!(ask(&browser, "take?name=a").await, "nothing");
        assert_eq!(ask(&browser, "remove?name=n").await, "true");
        assert_eq!(ask(&browser, "remove?name=n").await, "false");
        assert_eq!(
            ask(&browser, "is_empty").await,
            "false",
            "{engine:?}: it still has its key"
        );
    }
}

#[tokio::test]
async fn a_session_does_what_a_dict_of_python_s_does() {
    for engine in EVERY_ENGINE {
        let site = Plan::strict().engine(engine).open().await;
        let browser = site.browser();
        assert_eq!(ask(&browser, "set_default?name=a&value=1").await, "1");
        assert_eq!(ask(&browser, "set_default?name=a&value=2").await, "1");
        ask(&browser, "update?name=b&value=3").await;
        assert_eq!(ask(&browser, "values").await, r#"["1","3","3"]"#);
        assert_eq!(ask(&browser, "pop?name=a").await, "1");
        assert_eq!(ask(&browser, "pop?name=a").await, "nothing");
        assert_eq!(ask(&browser, "names").await, "b,more");
        assert_eq!(ask(&browser, "is_modified").await, "false");
    }
}

#[tokio::test]
async fn a_session_that_is_touched_is_saved_as_it_is() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    ask(&browser, "set?name=a&value=1").await;
    let key = session_key(&browser);
    site.store.calls();
    let page = browser.get("/session/touch/").await;
    assert_eq!(page.set_cookies().len(), 1, "its end has moved");
    assert_eq!(session_key(&browser), key);
    assert_eq!(site.store.calls(), ["load", "replace"]);
    assert_eq!(site.json(&key), r#"{"a":"1"}"#);
    let stranger = site.browser();
    ask(&stranger, "touch").await;
    assert_eq!(stranger.cookie("sessionid"), None);
}

#[tokio::test]
async fn a_session_says_how_long_it_lasts() {
    let site = Plan::django().open().await;
    let browser = site.browser();
    assert_eq!(ask(&browser, "expiry_age").await, "1209600");
    ask(&browser, "expiry?value=300").await;
    for action in ["expiry_age", "expiry_date"] {
        assert_eq!(ask(&browser, action).await, "300");
    }
    assert_eq!(ask(&browser, "ends_with_browser").await, "false");
    ask(&browser, "expiry?value=close").await;
    assert_eq!(ask(&browser, "ends_with_browser").await, "true");
}

#[tokio::test]
async fn a_test_cookie_tells_whether_the_browser_keeps_cookies() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    assert_eq!(ask(&browser, "test_cookie_worked").await, "false");
    ask(&browser, "set_test_cookie").await;
    assert_eq!(ask(&browser, "test_cookie_worked").await, "true");
    assert_eq!(ask(&site.browser(), "test_cookie_worked").await, "false");
    assert_eq!(ask(&browser, "delete_test_cookie").await, "true");
    assert_eq!(ask(&browser, "delete_test_cookie").await, "false");
    assert_eq!(ask(&browser, "test_cookie_worked").await, "false");
}

#[tokio::test]
async fn a_value_may_be_more_than_a_type_holds() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    for value in ["NaN", "123456789012345678901234567890", "[1.50]"] {
        ask(&browser, &format!("set_raw?name=a&value={value}")).await;
        assert_eq!(ask(&browser, "raw?name=a").await, value);
    }
    let page = browser.get("/session/set_raw/?name=a&value=nan").await;
    assert_eq!(page.status, 500, "no JSON that Python reads");
    assert_eq!(ask(&browser, "raw?name=a").await, "[1.50]");
    assert_eq!(ask(&browser, "raw?name=b").await, "nothing");
}

/// CVE-2015-3982.
#[tokio::test]
async fn clear_keeps_the_key_and_flush_ends_it() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    ask(&browser, "set?name=a&value=1").await;
    let key = session_key(&browser);
    ask(&browser, "clear").await;
    assert_eq!(
        (session_key(&browser), site.json(&key)),
        (key.clone(), "{}".into())
    );
    ask(&browser, "flush").await;
    assert_eq!((browser.cookie("sessionid"), site.rows()), (None, 0));
    ask(&browser, "set?name=a&value=1").await;
    assert_ne!(session_key(&browser), key);
}

#[tokio::test]
async fn cycle_key_moves_the_data() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    ask(&browser, "set?name=a&value=1").await;
    let old = session_key(&browser);
    ask(&browser, "cycle").await;
    assert_ne!(session_key(&browser), old);
    assert_eq!((site.row(&old), site.rows()), (None, 1));
    assert_eq!(ask(&browser, "get?name=a").await, "\"1\"");
}

#[tokio::test]
async fn set_expiry_decides_how_long_the_cookie_stays() {
    let site = Plan::django().open().await;
    let browser = site.browser();
    let day = Duration::from_secs(86_400);
    let page = browser.get("/session/set/?name=a&value=1").await;
    assert!(
        page.set_cookie("sessionid")
            .unwrap()
            .contains("Max-Age=1209600;")
    );
    let page = browser.get("/session/expiry/?value=300").await;
    assert!(
        page.set_cookie("sessionid")
            .unwrap()
            .contains("Max-Age=300;")
    );
    browser.pass(Duration::from_secs(299));
    assert_eq!(ask(&browser, "get?name=a").await, "\"1\"");
    let page = browser.get("/session/expiry/?value=close").await;
    let cookie = page.set_cookie("sessionid").unwrap();
    assert!(
        !cookie.contains("Max-Age") && !cookie.contains("expires"),
        "{cookie}"
    );
    browser.get("/session/expiry/?value=default").await;
    browser.pass(13 * day);
    assert!(browser.cookie("sessionid").is_some());
    browser.pass(day);
    assert_eq!(browser.cookie("sessionid"), None);
}

#[tokio::test]
async fn the_server_ends_a_session_whatever_the_browser_keeps() {
    // S7.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let update = "UPDATE django_session SET expire_date = '2020-01-01 00:00:00'";
    site.sql().execute(update, []).unwrap();
    let key = session_key(&browser);
    assert_eq!(whoami(&browser).await, "nobody");
    ask(&browser, "set?name=a&value=1").await;
    assert_ne!(
        session_key(&browser),
        key,
        "S13: an expired record is not revived"
    );
}

#[tokio::test]
async fn a_session_ends_thirty_days_after_the_login_however_busy() {
    // S8.
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    let key = session_key(&browser);
    let json = site.json(&key);
    let (before, at) = json
        .split_once("\"_auth_signed_in_at\":")
        .expect("the login is dated");
    let at: i64 = at.trim_end_matches('}').parse().unwrap();
    let aged = format!("{before}\"_auth_signed_in_at\":{}}}", at - 30 * 86_400 + 60);
    let text = crate::site::codec().encode(&aged, cloakroom::time::Timestamp::now());
    site.sql()
        .execute("UPDATE django_session SET session_data = ?1", [text])
        .unwrap();
    let page = browser.get("/session/set/?name=a&value=1").await;
    let cookie = page.set_cookie("sessionid").unwrap();
    let age = cookie
        .split("Max-Age=")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    assert!((50..=60).contains(&age.parse::<i64>().unwrap()), "{cookie}");
}

#[tokio::test]
async fn saving_every_request_is_for_all_who_have_a_session_whatever_the_page_looks_at() {
    let site = Plan::strict()
        .config(|config| config.session.save_every_request = true)
        .open()
        .await;
    let browser = site.ann().await;
    let before = site.row(&session_key(&browser));
    site.store.calls();
    let page = browser.get("/whoami/").await;
    assert!(page.set_cookie("sessionid").is_some());
    assert_eq!(site.store.calls(), ["load", "replace"]);
    let after = site.row(&session_key(&browser));
    assert_eq!(after, before, "only the expiry moves");
    let page = browser.get("/").await;
    assert_eq!(page.text(), "untouched");
    assert!(page.set_cookie("sessionid").is_some());
    assert_eq!(page.vary(), ["cookie"]);
    assert_eq!(site.store.calls(), ["load", "replace"]);
    assert_eq!(site.row(&session_key(&browser)), before);
    for path in ["/whoami/", "/"] {
        let stranger = site.browser().get(path).await;
        assert!(
            stranger.set_cookies().is_empty() && site.store.calls().is_empty(),
            "S12"
        );
    }
    site.store.fail(Failing::Everything);
    assert_eq!(browser.get("/").await.status, 200, "it never asked");
}

#[tokio::test]
async fn only_an_error_of_the_server_saves_nothing() {
    let site = Plan::strict().open().await;
    for (status, saved) in [
        (200, true),
        (302, true),
        (304, true),
        (404, true),
        (429, true),
        (500, false),
        (503, false),
    ] {
        let browser = site.browser();
        let page = browser
            .get(&format!("/session/set/?name=a&value=1&status={status}"))
            .await;
        assert_eq!(page.status, status);
        assert_eq!(browser.cookie("sessionid").is_some(), saved, "{status}");
    }
    assert_eq!(site.rows(), 5);
}

#[tokio::test]
async fn after_the_response_the_session_is_closed() {
    let kept: Arc<Mutex<Option<(Session, Auth)>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let handler = move |session: Session, auth: Auth| async move {
        *keep.lock().unwrap() = Some((session, auth));
    };
    let routes = Router::new().route("/keep/", get(handler));
    for engine in [
        Engine::Sqlite,
        Engine::SignedCookies,
        Engine::RevocableCookies,
    ] {
        let site = Plan::strict()
            .engine(engine)
            .routes(routes.clone())
            .open()
            .await;
        let browser = site.ann().await;
        browser.get("/keep/").await;
        let (session, auth) = kept.lock().unwrap().take().unwrap();
        let closed = |result: Result<(), Error>| result.unwrap_err().is_session_closed();
        assert!(closed(session.set("a", &1)));
        assert!(closed(session.flush()));
        assert!(closed(session.get::<i64>("a").map(drop)));
        assert!(closed(session.save().await));
        assert!(
            closed(auth.logout()),
            "a logout that does not happen is not acknowledged"
        );
        let user = site.user("bob").await.into();
        assert!(closed(auth.login(&user)));
        assert!(closed(auth.update_session_auth_hash(&user)));
        assert_eq!(whoami(&browser).await, "ann");
    }
}

#[tokio::test]
async fn an_early_save_is_there_before_the_body_and_closes_nothing() {
    let found: Arc<Mutex<Vec<bool>>> = Arc::default();
    let log = Arc::clone(&found);
    let handler = move |session: Session| async move {
        session.set("a", &1)?;
        session.save().await?;
        session.set("b", &2)?;
        session.save().await?;
        session.set("c", &3)?;
        let stream = Lines(vec!["one", "two "], move || {
            let closed = session
                .set("d", &4)
                .is_err_and(|error| error.is_session_closed());
            log.lock().unwrap().push(closed);
        });
        Ok::<_, Error>(Body::from_stream(stream))
    };
    let routes = Router::new().route("/stream/", get(handler));
    let site = Plan::strict().routes(routes).open().await;
    let browser = site.browser();
    let page = browser.get("/stream/").await;
    assert_eq!(page.text(), "two one");
    assert_eq!(
        *found.lock().unwrap(),
        [true, true],
        "the stream comes after the response"
    );
    let key = session_key(&browser);
    assert_eq!(
        (site.json(&key).as_str(), site.rows()),
        (r#"{"a":1,"b":2,"c":3}"#, 1)
    );
    assert_eq!(site.store.calls(), ["create", "replace", "replace"]);
}

/// A body that does something for each line.
struct Lines<F>(Vec<&'static str>, F);

impl<F: Fn() + Unpin> futures_core::Stream for Lines<F> {
    type Item = Result<&'static str, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let line = self.0.pop();
        if line.is_some() {
            (self.1)();
        }
        std::task::Poll::Ready(line.map(Ok))
    }
}

#[tokio::test]
async fn an_early_save_of_a_login_is_a_login_on_every_engine() {
    for engine in EVERY_ENGINE {
        let handler = |auth: Auth, session: Session| async move {
            let user = auth
                .authenticate("ann", crate::site::PASSWORD)
                .await?
                .unwrap();
            auth.login(&user)?;
            session.save().await?;
            Ok::<_, Error>(())
        };
        let routes = Router::new().route("/enter/", get(handler));
        let site = Plan::strict().engine(engine).routes(routes).open().await;
        let browser = site.browser();
        assert_eq!(browser.get("/enter/").await.status, 200);
        assert_eq!(whoami(&browser).await, "ann");
        assert!(site.user("ann").await.last_login.is_some(), "{engine:?}");
    }
}

/// C3.
#[tokio::test]
async fn a_session_that_no_cookie_holds_is_an_error_that_names_the_fix() {
    let site = Plan::strict().engine(Engine::SignedCookies).open().await;
    let browser = site.browser();
    ask(&browser, "set?name=a&value=kept").await;
    // Nothing that compression makes much shorter.
    let mut state = 1_u32;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + u8::try_from((state >> 16) % 26).unwrap())
    })
    .take(8_000)
    .collect();
    let page = browser
        .get(&format!("/session/set/?name=b&value={noise}"))
        .await;
    assert_eq!(page.status, 500);
    assert!(page.set_cookies().is_empty(), "{:?}", page.set_cookies());
    let log = crate::log::collected();
    assert!(log.contains("browsers keep 4096; keep less in it, or keep sessions in a database"));
    assert_eq!(ask(&browser, "get?name=a").await, "\"kept\"");
    assert_eq!(ask(&browser, "get?name=b").await, "nothing");
}

#[tokio::test]
async fn sites_on_different_paths_have_sessions_of_their_own() {
    let at = |path: &'static str| {
        let plan = Plan::django().config(|config| config.session.cookie.path = path.into());
        plan.open()
    };
    let (one, other) = (at("/one").await, at("/other").await);
    let both = Router::new()
        .nest("/one", one.app.clone())
        .nest("/other", other.app.clone());
    let browser = Browser::new(&both);
    for (path, value) in [("/one", "1"), ("/other", "2")] {
        let page = browser
            .get(&format!("{path}/session/set/?name=a&value={value}"))
            .await;
        assert!(
            page.set_cookie("sessionid")
                .unwrap()
                .contains(&format!("Path={path};"))
        );
    }
    let shown = async |path: &str| {
        let page = browser.get(&format!("{path}/session/get/?name=a")).await;
        page.text().to_owned()
    };
    assert_eq!(
        (shown("/one").await, shown("/other").await),
        ("\"1\"".into(), "\"2\"".into())
    );
    assert_eq!((one.rows(), other.rows()), (1, 1));
    browser.get("/one/session/flush/").await;
    assert_eq!(
        (shown("/one").await, shown("/other").await),
        ("nothing".into(), "\"2\"".into())
    );
}
