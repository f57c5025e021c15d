//! Sessions in signed cookies that end when they are ended, whatever copies there are of their cookies.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom::auth::{UserChanged, UserStore as _};
use cloakroom::{Auth, Cloakroom, Error, User};
use cloakroom_testing::Browser;
use http::Request;

use crate::site::{
    Engine, PASSWORD, Plan, Site, codec, hashers, press, session_key, sign_in, whoami,
};
use crate::stores::Failing;

async fn site() -> Site {
    let plan = Plan::strict().engine(Engine::RevocableCookies);
    plan.open().await
}

/// Whom the site takes somebody for who sends this session cookie.
async fn bearer(site: &Site, cookie: &str) -> String {
    let browser = site.browser();
    browser.receive(&format!("sessionid={cookie}; Path=/"));
    whoami(&browser).await
}

async fn set(browser: &Browser) {
    let page = browser.get("/session/add/?name=n").await;
    assert_eq!((page.status.as_u16(), page.set_cookies().len()), (200, 1));
}

/// The cookies that the browser had so far, one after the other.
async fn several_cookies(browser: &Browser) -> Vec<String> {
    let mut cookies = vec![session_key(browser)];
    for _ in 0..3 {
        set(browser).await;
        cookies.push(session_key(browser));
    }
    cookies
}

#[tokio::test]
async fn a_logout_holds_for_every_copy_of_the_cookie_that_there_ever_was() {
    // S6.
    let site = site().await;
    let (browser, elsewhere) = (site.ann().await, site.ann().await);
    let cookies = several_cookies(&browser).await;
    for cookie in &cookies {
        assert_eq!(bearer(&site, cookie).await, "ann");
    }
    let page = press(&browser, "/logout/").await;
    assert_eq!(page.location(), Some("/login/"));
    assert_eq!(browser.cookie("sessionid"), None);
    for cookie in &cookies {
        assert_eq!(bearer(&site, cookie).await, "nobody");
    }
    assert_eq!(
        whoami(&elsewhere).await,
        "ann",
        "her other device has a session of its own"
    );
    assert_eq!(site.rows(), 1, "whatever the number of copies");
}

#[tokio::test]
async fn a_replayed_cookie_can_neither_be_saved_nor_ended_again() {
    let site = site().await;
    let browser = site.ann().await;
    let copy = session_key(&browser);
    press(&browser, "/logout/").await;
    for path in [
        "/session/add/?name=n",
        "/session/cycle/",
        "/session/flush/",
        "/session/touch/",
    ] {
        let thief = site.browser();
        thief.receive(&format!("sessionid={copy}; Path=/"));
        thief.get(path).await;
        assert_eq!(whoami(&thief).await, "nobody", "{path}");
    }
    assert_eq!(site.rows(), 1);
}

#[tokio::test]
async fn a_login_ends_the_visitor_s_former_cookies() {
    let site = site().await;
    let browser = site.browser();
    set(&browser).await;
    let before = several_cookies(&browser).await;
    sign_in(&browser, "ann", PASSWORD).await;
    assert_eq!(browser.get("/session/get/?name=n").await.text(), "4");
    for cookie in before {
        let other = site.browser();
        other.receive(&format!("sessionid={cookie}; Path=/"));
        let page = other.get("/session/get/?name=n").await;
        assert_eq!(page.text(), "nothing", "as a former key opens nothing");
    }
    let first = session_key(&browser);
    sign_in(&browser, "ann", PASSWORD).await;
    assert_eq!(
        bearer(&site, &first).await,
        "nobody",
        "S3: a new login, a new id"
    );
    assert_eq!(whoami(&browser).await, "ann");
}

#[tokio::test]
async fn a_changed_password_ends_all_cookies_but_its_own_browser_s_new_one() {
    // S4.
    let handler = |auth: Auth, user: User| async move {
        let mut changed = cloakroom::auth::UserRow::clone(&user);
        changed.password = hashers().make(b"another password of hers").unwrap();
        auth.update_session_auth_hash(&changed.clone().into())?;
        Ok::<_, Error>(changed.password)
    };
    let routes = Router::new().route("/password/", get(handler));
    let plan = Plan::strict().engine(Engine::RevocableCookies);
    let site = plan.routes(routes).open().await;
    let (browser, elsewhere) = (site.ann().await, site.ann().await);
    let cookies = several_cookies(&browser).await;
    let hash = browser.get("/password/").await.text().to_owned();
    let ann = site.user("ann").await;
    let changed = site.database.set_password(&ann.id, None, &hash).await;
    assert_eq!(changed.unwrap(), UserChanged::Changed);
    assert_eq!(whoami(&browser).await, "ann");
    for cookie in &cookies {
        assert_eq!(bearer(&site, cookie).await, "nobody");
    }
    let stolen = session_key(&elsewhere);
    assert_eq!(whoami(&elsewhere).await, "nobody");
    // Back to the former password: what has ended stays ended.
    let changed = site
        .database
        .set_password(&ann.id, None, &ann.password)
        .await;
    assert_eq!(changed.unwrap(), UserChanged::Changed);
    for cookie in cookies.iter().chain([&stolen]) {
        assert_eq!(bearer(&site, cookie).await, "nobody");
    }
}

#[tokio::test]
async fn while_the_list_does_not_answer_nobody_is_let_in_and_no_cookie_is_touched() {
    // S15.
    let site = site().await;
    let browser = site.ann().await;
    let cookie = session_key(&browser);
    site.store.fail(Failing::Everything);
    for path in [
        "/home/",
        "/guarded/",
        "/whoami/",
        "/session/get/?name=a",
        "/session/set/?name=a&value=1",
        "/session/flush/",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 503, "{path}");
        assert_eq!(page.header("retry-after"), Some("1"), "{path}");
        assert_eq!(page.set_cookies().len(), 0, "{path}");
    }
    assert_eq!(browser.get("/").await.text(), "untouched");
    assert_eq!(
        browser.get("/whoami-if-known/").await.text(),
        "unknown: 503"
    );
    let stranger = site.browser();
    assert_eq!(whoami(&stranger).await, "nobody");
    set(&stranger).await;
    site.store.fail(Failing::Nothing);
    assert_eq!(session_key(&browser), cookie);
    assert_eq!(whoami(&browser).await, "ann");
}

#[tokio::test]
async fn an_end_that_could_not_be_noted_is_not_acknowledged() {
    for failing in [Failing::Writes, Failing::Answers] {
        let site = site().await;
        let browser = site.ann().await;
        let cookie = session_key(&browser);
        site.store.fail(failing);
        let page = press(&browser, "/logout/").await;
        assert_eq!(
            (page.status.as_u16(), page.location()),
            (503, None),
            "{failing:?}"
        );
        assert_eq!(page.header("retry-after"), Some("1"));
        assert_eq!(page.set_cookie("sessionid"), None);
        assert_eq!(session_key(&browser), cookie);
        site.store.fail(Failing::Nothing);
        let noted = failing == Failing::Answers;
        assert_eq!(
            bearer(&site, &cookie).await,
            if noted { "nobody" } else { "ann" }
        );
        let again = press(&browser, "/logout/").await;
        assert_eq!(again.location(), Some("/login/"), "{failing:?}: again");
        assert_eq!(bearer(&site, &cookie).await, "nobody");
    }
}

#[tokio::test]
async fn a_client_who_hangs_up_does_not_stop_the_logout() {
    // R13.
    let site = site().await;
    let browser = site.ann().await;
    let cookie = session_key(&browser);
    site.store.hold_writes();
    let request = Request::get("/session/flush/").body(Body::empty()).unwrap();
    tokio::select! {
        _ = browser.begin(request) => panic!("the write is held"),
        () = site.store.write_waits() => {}
    }
    assert_eq!(bearer(&site, &cookie).await, "ann");
    site.store.release_writes();
    let ended = async {
        while site.rows() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, ended)
        .await
        .expect("the logout runs to its end");
    assert_eq!(bearer(&site, &cookie).await, "nobody");
}

#[tokio::test]
async fn of_a_login_and_a_logout_at_the_same_time_one_is_interrupted() {
    // R6, R11.
    let ends = ["/session/flush/", "/session/cycle/"];
    for (first, second) in [(ends[0], ends[1]), (ends[1], ends[0]), (ends[0], ends[0])] {
        let site = site().await;
        let browser = site.ann().await;
        let cookie = session_key(&browser);
        let (one, other) = (site.browser(), site.browser());
        for browser in [&one, &other] {
            browser.receive(&format!("sessionid={cookie}; Path=/"));
        }
        // Both have loaded when the first is carried out.
        site.store.hold_writes();
        let (slow, fast) = tokio::join!(other.get(second), async {
            site.store.write_waits().await;
            let held = one.get(first);
            let release = async {
                site.store.write_waits().await;
                site.store.release_writes();
            };
            tokio::join!(held, release).0
        });
        let mut statuses = [slow.status.as_u16(), fast.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{first} and {second}");
        let interrupted = if slow.status == 400 { slow } else { fast };
        assert_eq!(interrupted.set_cookies().len(), 0);
        assert_eq!(bearer(&site, &cookie).await, "nobody");
    }
}

#[tokio::test]
async fn a_slow_request_does_not_bring_back_what_was_logged_out() {
    // R1.
    let wait = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let gate = std::sync::Arc::clone(&wait);
    let handler = move |session: cloakroom::Session| async move {
        let _ = gate.acquire().await.unwrap();
        session.add("n", 1).map(|n| n.to_string())
    };
    let routes = Router::new().route("/slow/", get(handler));
    let plan = Plan::strict().engine(Engine::RevocableCookies);
    let site = plan.routes(routes).open().await;
    let browser = site.ann().await;
    let cookie = session_key(&browser);
    let other = site.browser();
    other.receive(&format!("sessionid={cookie}; Path=/"));
    site.store.calls();
    let (slow, ()) = tokio::join!(browser.get("/slow/"), async {
        while site.store.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        press(&other, "/logout/").await;
        wait.add_permits(1);
    });
    assert_eq!((slow.status.as_u16(), slow.set_cookies().len()), (400, 0));
    assert_eq!(whoami(&browser).await, "nobody");
}

#[tokio::test]
async fn a_page_that_does_not_look_at_its_session_asks_no_list() {
    let site = site().await;
    let browser = site.ann().await;
    site.store.calls();
    browser.get("/").await;
    assert_eq!(site.store.calls().len(), 0);
    whoami(&browser).await;
    assert_eq!(site.store.calls(), ["load"]);
    set(&browser).await;
    assert_eq!(site.store.calls(), ["load", "load"]);
    whoami(&site.browser()).await;
    assert_eq!(site.store.calls().len(), 0);
}

/// CVE-2011-4136.
#[tokio::test]
async fn what_is_on_the_list_opens_nothing_as_a_session_key() {
    let site = site().await;
    let browser = site.ann().await;
    press(&browser, "/logout/").await;
    let select = "SELECT session_key FROM django_session";
    let key: String = site.sql().query_row(select, [], |row| row.get(0)).unwrap();
    assert_eq!((key.len(), site.json(&key).as_str()), (40, "{}"));
    assert!(codec().decode(&site.row(&key).unwrap()).is_ok());
    // A service of the same site that keeps its sessions in that table.
    let config = site.cloakroom.config().clone();
    let beside = Cloakroom::new(config, site.database.clone(), site.database.clone());
    let app = crate::pages::routes().layer(beside.layer());
    let browser = Browser::new(&app);
    browser.receive(&format!("sessionid={key}; Path=/"));
    assert_eq!(whoami(&browser).await, "nobody");
    assert_eq!(browser.get("/session/names/").await.text(), "");
}
