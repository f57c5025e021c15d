//! Where a user is signed in: what is listed, when, and what ending a session does.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use cloakroom::auth::{SessionEntry, SessionList};
use cloakroom::session::{SessionKey, StoreError, Stored};
use cloakroom::time::Timestamp;
use cloakroom::{Auth, Error, User};
use cloakroom_testing::Browser;
use http::StatusCode;

use crate::site::{Engine, PASSWORD, Plan, Site, codec, press, session_key, sign_in, whoami};
use crate::stores::Failing;

/// A page that shows the list, and buttons that end sessions.
fn routes() -> Router {
    Router::new()
        .route("/sessions/", get(show))
        .route("/sessions/end/{id}/", post(end))
        .route("/sessions/end-others/", post(end_others))
        .route("/sessions/end-all/", post(end_all))
        .route("/sessions/recent/{seconds}/", get(recent))
        .route("/password/", post(change_password))
}

async fn show(_user: User, auth: Auth) -> Result<String, Error> {
    assert!(auth.lists_sessions().await?);
    let lines = auth.sessions().await?.into_iter().map(|session| {
        let current = if session.is_current { "this" } else { "other" };
        let address = session
            .address
            .map_or_else(|| "?".to_owned(), |it| it.to_string());
        format!("{} {current} {address} {}", session.id, session.user_agent)
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

async fn end(auth: Auth, Path(id): Path<String>) -> Result<StatusCode, Error> {
    Ok(match auth.end_session(&id).await? {
        true => StatusCode::OK,
        false => StatusCode::NOT_FOUND,
    })
}

async fn end_others(auth: Auth) -> Result<String, Error> {
    Ok(auth.end_other_sessions().await?.to_string())
}

async fn end_all(auth: Auth) -> Result<String, Error> {
    Ok(auth.end_all_sessions().await?.to_string())
}

async fn recent(auth: Auth, Path(seconds): Path<u64>) -> Result<String, Error> {
    let within = Duration::from_secs(seconds);
    Ok(auth.recently_authenticated(within).await?.to_string())
}

async fn change_password(user: User, auth: Auth) -> Result<(), Error> {
    auth.update_session_auth_hash(&user)
}

/// A site that keeps a list.
async fn site(plan: Plan) -> Site {
    plan.routes(routes()).listing_sessions().open().await
}

/// The lines of the list that this browser's user sees.
async fn listed(browser: &Browser) -> Vec<String> {
    let page = browser.get("/sessions/").await;
    assert_eq!(page.status, 200);
    page.text().lines().map(str::to_owned).collect()
}

/// The ids in the list, this browser's own first.
async fn ids(browser: &Browser) -> Vec<String> {
    let mut lines = listed(browser).await;
    lines.sort_by_key(|line| !line.contains(" this "));
    let id = |line: &String| line.split(' ').next().unwrap().to_owned();
    lines.iter().map(id).collect()
}

/// The rows of the list, whoever's they are.
fn rows(site: &Site) -> u32 {
    let count = "SELECT count(*) FROM cloakroom_session_list";
    site.sql().query_row(count, [], |row| row.get(0)).unwrap()
}

/// S9.
#[tokio::test]
async fn every_login_is_listed_and_the_visitor_s_own_is_marked() {
    for plan in [
        Plan::strict(),
        Plan::shared(),
        Plan::django().engine(Engine::Memory),
    ] {
        let site = site(plan).await;
        let (first, second) = (site.ann().await, site.ann().await);
        let bob = site.browser();
        sign_in(&bob, "bob", PASSWORD).await;
        site.browser().get("/session/set/?name=a&value=1").await;
        assert_eq!(rows(&site), 3, "who has not signed in is not listed");
        for browser in [&first, &second] {
            let lines = listed(browser).await;
            assert_eq!(lines.len(), 2);
            let own = lines.iter().filter(|line| line.contains(" this "));
            assert_eq!(own.count(), 1);
            assert!(!lines.concat().contains(&session_key(browser)));
        }
        assert_eq!(listed(&bob).await.len(), 1);
        let visitor = site.browser().get("/sessions/").await;
        assert_eq!(visitor.status, 302);
    }
}

#[tokio::test]
async fn an_ended_session_is_dead_at_its_next_request() {
    // L1.
    let site = site(Plan::strict()).await;
    let (owner, thief) = (site.ann().await, site.browser());
    sign_in(&thief, "ann", PASSWORD).await;
    let bystander = site.ann().await;
    let other = site.database.of_user(&site.user("ann").await.id, 9).await;
    let stolen = SessionKey::parse(&session_key(&thief)).unwrap();
    let id = other.unwrap().into_iter().find(|it| it.key == stolen);
    let id = id.unwrap().id;
    let page = press(&owner, &format!("/sessions/end/{id}/")).await;
    assert_eq!(page.status, 200);
    assert_eq!(whoami(&thief).await, "nobody");
    assert_eq!(site.row(stolen.as_str()), None);
    assert_eq!(whoami(&owner).await, "ann");
    assert_eq!(whoami(&bystander).await, "ann");
    let again = press(&owner, &format!("/sessions/end/{id}/")).await;
    assert_eq!(again.status, 404);
    assert_eq!(listed(&owner).await.len(), 2);
}

#[tokio::test]
async fn nobody_ends_another_user_s_session() {
    // L1.
    let site = site(Plan::strict()).await;
    let (ann, bob) = (site.ann().await, site.browser());
    sign_in(&bob, "bob", PASSWORD).await;
    let [id] = &ids(&ann).await[..] else { panic!() };
    for id in [id.as_str(), "0", "1", "", &session_key(&ann)] {
        let page = press(&bob, &format!("/sessions/end/{id}/")).await;
        assert_eq!(page.status, 404, "{id}");
    }
    let visitor = press(&site.browser(), &format!("/sessions/end/{id}/")).await;
    assert_eq!(visitor.status, 404);
    assert_eq!(
        (whoami(&ann).await, whoami(&bob).await),
        ("ann".into(), "bob".into())
    );
}

/// S9.
#[tokio::test]
async fn all_others_end_also_those_that_a_django_began() {
    let site = site(Plan::shared()).await;
    let (ann, other) = (site.ann().await, site.ann().await);
    let bob = site.browser();
    sign_in(&bob, "bob", PASSWORD).await;
    // As a Django would have made them: nobody listed them.
    for (number, browser) in [&other, &bob].into_iter().enumerate() {
        let text = site.row(&session_key(browser)).unwrap();
        for copy in 0..3 {
            site.insert_row(&format!("django-s-own-{number}-{copy}"), &text);
        }
    }
    site.insert_row("unreadable-record", "no record");
    let django_s = site.browser();
    django_s.receive("sessionid=django-s-own-0-0; Path=/");
    assert_eq!(whoami(&django_s).await, "ann");
    let page = press(&ann, "/sessions/end-others/").await;
    assert_eq!(page.text(), "4");
    for dead in [&other, &django_s] {
        assert_eq!(whoami(dead).await, "nobody");
    }
    assert_eq!(
        (whoami(&ann).await, whoami(&bob).await),
        ("ann".into(), "bob".into())
    );
    assert_eq!(
        (site.sessions(), site.rows()),
        (2, 6),
        "bob's copies and what is unreadable stay"
    );
    assert_eq!(listed(&ann).await.len(), 1);
}

#[tokio::test]
async fn all_sessions_end_with_this_one() {
    let site = site(Plan::strict()).await;
    let (ann, other) = (site.ann().await, site.ann().await);
    let page = press(&ann, "/sessions/end-all/").await;
    assert_eq!(page.text(), "2");
    assert_eq!(ann.cookie("sessionid"), None);
    assert_eq!(whoami(&other).await, "nobody");
    assert_eq!((site.rows(), rows(&site)), (0, 0));
}

/// S9: whoever runs the site ends all of somebody's sessions, listed or not, and nobody else's.
#[tokio::test]
async fn ten_thousand_sessions_of_one_user_end_at_once() {
    let site = site(Plan::strict()).await;
    let (ann, bob) = (site.ann().await, site.browser());
    sign_in(&bob, "bob", PASSWORD).await;
    let (of_ann, of_bob) = (session_key(&ann), session_key(&bob));
    let mut sql = site.sql();
    let transaction = sql.transaction().unwrap();
    for number in 1..10_000 {
        let copy =
            "INSERT INTO django_session SELECT ?2, session_data, expire_date FROM django_session
                    WHERE session_key = ?1";
        let key = format!("ann{number:029}");
        transaction.execute(copy, [&of_ann, &key]).unwrap();
        let key = format!("bob{number:029}");
        transaction.execute(copy, [&of_bob, &key]).unwrap();
        if number % 2 == 0 {
            let listed = "INSERT INTO cloakroom_session_list SELECT ?2, ?2, user_id, created_at, last_seen_at, ip,
                          user_agent FROM cloakroom_session_list WHERE session_key = ?1";
            let key = format!("ann{number:029}");
            transaction.execute(listed, [&of_ann, &key]).unwrap();
        }
    }
    transaction.commit().unwrap();
    let id = site.user("ann").await.id;
    assert_eq!(site.cloakroom.end_sessions_of(&id).await.unwrap(), 10_000);
    assert_eq!((site.sessions(), rows(&site)), (10_000, 1));
    assert_eq!(
        (whoami(&ann).await, whoami(&bob).await),
        ("nobody".into(), "bob".into())
    );
    assert_eq!(site.cloakroom.end_sessions_of(&id).await.unwrap(), 0);
    assert_eq!(site.cloakroom.end_sessions_of("4711").await.unwrap(), 0);
}

#[tokio::test]
async fn a_site_without_a_list_says_that_it_can_end_none() {
    let site = Plan::strict().open().await;
    let id = site.user("ann").await.id;
    let error = site.cloakroom.end_sessions_of(&id).await.unwrap_err();
    assert!(error.to_string().contains("with_session_list"), "{error}");
}

#[tokio::test]
async fn one_s_own_session_ends_as_by_a_logout() {
    let site = site(Plan::strict()).await;
    let (ann, other) = (site.ann().await, site.ann().await);
    let id = ids(&ann).await[0].clone();
    let page = press(&ann, &format!("/sessions/end/{id}/")).await;
    assert_eq!((page.status.as_u16(), ann.cookie("sessionid")), (200, None));
    assert_eq!(whoami(&other).await, "ann");
    assert_eq!(rows(&site), 1);
}

#[tokio::test]
async fn a_logout_takes_the_session_out_of_the_list() {
    let site = site(Plan::strict()).await;
    let ann = site.ann().await;
    press(&ann, "/logout/").await;
    assert_eq!((site.rows(), rows(&site)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_at_once_each_is_listed() {
    let site = site(Plan::strict()).await;
    let logins = (0..20).map(|_| {
        let browser = site.browser();
        tokio::spawn(async move {
            sign_in(&browser, "ann", PASSWORD).await;
            browser
        })
    });
    let mut browsers = Vec::new();
    for login in logins.collect::<Vec<_>>() {
        browsers.push(login.await.unwrap());
    }
    assert_eq!(listed(&browsers[0]).await.len(), 20);
    assert_eq!(rows(&site), 20);
}

#[tokio::test]
async fn a_session_with_a_new_key_is_the_same_in_the_list() {
    let site = site(Plan::strict()).await;
    let ann = site.ann().await;
    let id = ids(&ann).await;
    let mut key = session_key(&ann);
    for way in 0..3 {
        match way {
            0 => drop(sign_in(&ann, "ann", PASSWORD).await),
            1 => drop(press(&ann, "/password/").await),
            _ => drop(ann.get("/session/cycle/").await),
        }
        assert_ne!(session_key(&ann), key, "{way}");
        key = session_key(&ann);
        // Counted before anybody looks: who looks at the list takes out what is gone.
        let rows = rows(&site);
        assert_eq!((rows, ids(&ann).await), (1, id.clone()), "{way}");
    }
}

#[tokio::test]
async fn who_becomes_another_user_is_listed_as_that_one_alone() {
    let site = site(Plan::strict()).await;
    let browser = site.ann().await;
    let id = ids(&browser).await;
    sign_in(&browser, "bob", PASSWORD).await;
    assert_eq!(rows(&site), 1);
    assert_ne!(ids(&browser).await, id);
}

#[tokio::test]
async fn a_login_that_keeps_its_key_is_listed_too() {
    let site = site(Plan::django()).await;
    let ann = site.ann().await;
    let key = session_key(&ann);
    site.sql()
        .execute("DELETE FROM cloakroom_session_list", [])
        .unwrap();
    sign_in(&ann, "ann", PASSWORD).await;
    assert_eq!((session_key(&ann), rows(&site)), (key, 1));
}

#[tokio::test]
async fn what_has_ended_elsewhere_is_no_longer_listed() {
    let site = site(Plan::strict()).await;
    let (ann, gone, old) = (site.ann().await, site.ann().await, site.ann().await);
    let delete = "DELETE FROM django_session WHERE session_key = ?1";
    site.sql().execute(delete, [session_key(&gone)]).unwrap();
    // Of an earlier password.
    let text = site.json(&session_key(&old));
    let hash = text.split("\"_auth_user_hash\":\"").nth(1).unwrap();
    let text = text.replace(&hash[..64], &"0".repeat(64));
    let text = codec().encode(&text, Timestamp::now());
    let update = "UPDATE django_session SET session_data = ?2 WHERE session_key = ?1";
    let changed = site
        .sql()
        .execute(update, [&session_key(&old), &text])
        .unwrap();
    assert_eq!((changed, rows(&site)), (1, 3));
    assert_eq!(listed(&ann).await.len(), 1);
    assert_eq!(rows(&site), 1);
}

#[tokio::test]
async fn a_session_that_a_django_began_is_listed_when_its_user_looks() {
    let site = site(Plan::shared()).await;
    let ann = site.ann().await;
    site.sql()
        .execute("DELETE FROM cloakroom_session_list", [])
        .unwrap();
    assert_eq!((listed(&ann).await.len(), rows(&site)), (1, 1));
}

#[tokio::test]
async fn when_a_session_was_last_seen_is_written_once_a_minute() {
    let site = site(Plan::strict()).await;
    let (ann, _other) = (site.ann().await, site.ann().await);
    let early = "UPDATE cloakroom_session_list SET last_seen_at = '2020-01-01 00:00:00'";
    site.sql().execute(early, []).unwrap();
    let seen = || -> u32 {
        let seen = "SELECT count(*) FROM cloakroom_session_list WHERE last_seen_at > '2021-01-01'";
        site.sql().query_row(seen, [], |row| row.get(0)).unwrap()
    };
    for _ in 0..3 {
        whoami(&ann).await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(59)).await;
    tokio::time::resume();
    whoami(&ann).await;
    // What is on its way to the database arrives.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        seen(),
        0,
        "neither within the request nor within the minute"
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    for _ in 0..2_000 {
        if seen() > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(seen(), 1);
}

#[tokio::test]
async fn a_page_that_reads_asks_no_store_for_the_list() {
    let site = site(Plan::strict()).await;
    let ann = site.ann().await;
    site.store.calls();
    whoami(&ann).await;
    ann.get("/").await;
    assert_eq!(site.store.calls(), ["load"]);
}

#[tokio::test]
async fn a_list_that_fails_lets_nobody_in_and_touches_no_session() {
    let plan = Plan::strict().routes(routes());
    let site = plan.session_list(Arc::new(Broken)).open().await;
    let browser = site.browser();
    browser.get("/session/set/?name=basket&value=tea").await;
    let key = session_key(&browser);
    let page = sign_in(&browser, "ann", PASSWORD).await;
    assert_eq!(page.status, 503);
    assert_eq!(session_key(&browser), key);
    assert_eq!(
        (whoami(&browser).await, site.sessions()),
        ("nobody".into(), 1)
    );
    let basket = browser.get("/session/get/?name=basket").await;
    assert_eq!(basket.text(), "\"tea\"");
}

#[tokio::test]
async fn a_login_that_the_store_does_not_keep_is_not_listed_for_long() {
    let site = site(Plan::strict()).await;
    let ann = site.ann().await;
    let browser = site.browser();
    site.store.fail(Failing::Writes);
    assert_eq!(sign_in(&browser, "ann", PASSWORD).await.status, 503);
    site.store.fail(Failing::Nothing);
    assert_eq!(listed(&ann).await.len(), 1);
}

/// GHSA-hp74-gm6m-2qm5.
#[tokio::test]
async fn a_password_is_recent_in_the_session_in_which_it_was_given() {
    let site = site(Plan::shared()).await;
    let ann = site.ann().await;
    let recent = async |seconds: u64| {
        let page = ann.get(&format!("/sessions/recent/{seconds}/")).await;
        page.text() == "true"
    };
    assert!(recent(900).await);
    let key = session_key(&ann);
    let rewrite = |change: &dyn Fn(i64) -> String| {
        let text = site.json(&key);
        let (before, date) = text.split_once("\"_auth_signed_in_at\":").unwrap();
        let end = date.find([',', '}']).unwrap();
        let date_text = change(date[..end].parse().unwrap());
        let text = format!("{before}\"_auth_signed_in_at\":{date_text}{}", &date[end..]);
        let text = codec().encode(&text, Timestamp::now());
        let update = "UPDATE django_session SET session_data = ?2 WHERE session_key = ?1";
        site.sql().execute(update, [&key, &text]).unwrap();
    };
    rewrite(&|date| (date - 1000).to_string());
    assert!(!recent(900).await);
    assert!(recent(1100).await);
    rewrite(&|date| (date + 100_000).to_string());
    assert!(!recent(u64::MAX).await, "nobody signs in tomorrow");
    rewrite(&|_| "null".into());
    assert!(!recent(u64::MAX).await, "a Django does not say");
    let visitor = site.browser().get("/sessions/recent/900/").await;
    assert_eq!(visitor.text(), "false");
}

/// A list that does not answer.
#[derive(Debug)]
struct Broken;

fn broken<T>() -> Result<T, StoreError> {
    Err(StoreError::new("the list does not answer"))
}

#[async_trait::async_trait]
impl SessionList for Broken {
    async fn is_kept(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn add(&self, _: &SessionEntry) -> Result<(), StoreError> {
        broken()
    }

    async fn of_user(&self, _: &str, _: u32) -> Result<Vec<SessionEntry>, StoreError> {
        broken()
    }

    async fn by_key(&self, _: &str, _: &SessionKey) -> Result<Option<SessionEntry>, StoreError> {
        Ok(None)
    }

    async fn remove(&self, _: &SessionKey) -> Result<(), StoreError> {
        broken()
    }

    async fn seen(&self, _: &[SessionKey], _: Timestamp) -> Result<(), StoreError> {
        broken()
    }

    async fn clear_unseen(&self, _: Timestamp, _: Timestamp, _: u32) -> Result<u64, StoreError> {
        broken()
    }

    async fn records(
        &self,
        _: &str,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<(String, Option<Stored>)>, StoreError> {
        broken()
    }
}
