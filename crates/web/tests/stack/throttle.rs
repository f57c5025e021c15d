//! Guessing: how many passwords may be tried, what the answers tell, and how an owner gets in meanwhile.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use cloakroom::time::Timestamp;
use cloakroom_testing::{Browser, Page, TestClock};
use http::Request;

use crate::site::{Engine, PASSWORD, Plan, Site, sign_in, whoami};
use crate::stores::Failing;

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
const ANN: &str = "203.0.113.7";

/// A try from an address, with a device cookie if there is one.
async fn guess(browser: &Browser, address: &str, username: &str, password: &str) -> Page {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("username", username)
        .append_pair("password", password)
        .append_pair("csrfmiddlewaretoken", TOKEN)
        .finish();
    let device = browser.cookie("cloakroom_device");
    let device = device.map_or_else(String::new, |value| format!("; cloakroom_device={value}"));
    let mut request = Request::post("/login/")
        .header("cookie", format!("csrftoken={TOKEN}{device}"))
        .header("origin", "http://localhost")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.into())
        .unwrap();
    let address: IpAddr = address.parse().unwrap();
    let peer = ConnectInfo(SocketAddr::new(address, 4242));
    request.extensions_mut().insert(peer);
    browser.send(request).await
}

async fn stranger(site: &Site, address: &str, username: &str) -> Page {
    guess(&site.browser(), address, username, "wrong").await
}

/// How many times somebody was looked for since the last look.
fn lookups(site: &Site) -> usize {
    let calls = site.users.calls();
    calls.iter().filter(|call| **call == "by_username").count()
}

/// H6, CVE-2019-5421, CVE-2021-20251, CVE-2026-93346, GHSA-7h8m-vrxx-vr4m.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_guesses_at_once_are_five() {
    // T4, §2.6.
    for engine in [Engine::Sqlite, Engine::Memory, Engine::SignedCookies] {
        let site = Plan::strict().engine(engine).open().await;
        lookups(&site);
        let guesses: Vec<_> = (0..500)
            .map(|_| {
                let browser = site.browser();
                tokio::spawn(async move { guess(&browser, ANN, "ann", "wrong").await.status })
            })
            .collect();
        let (mut failed, mut refused) = (0, 0);
        for guess in guesses {
            match guess.await.unwrap().as_u16() {
                200 => failed += 1,
                429 | 503 => refused += 1,
                other => panic!("{other}"),
            }
        }
        assert_eq!((failed, refused), (5, 495), "{engine:?}");
        assert_eq!(
            lookups(&site),
            5,
            "{engine:?}: the others reached neither table nor hasher"
        );
    }
}

#[tokio::test]
async fn whoever_has_failed_too_often_is_told_until_when_whether_there_is_such_a_user_or_not() {
    // T7, T11.
    let site = Plan::strict().open().await;
    let mut answers = Vec::new();
    for name in ["ann", "eve"] {
        for _ in 0..5 {
            assert_eq!(stranger(&site, ANN, name).await.status, 200);
        }
        lookups(&site);
        let page = stranger(&site, ANN, name).await;
        assert_eq!(page.status, 429);
        let wait: u64 = page.header("retry-after").unwrap().parse().unwrap();
        assert!((29..=31).contains(&wait), "{wait}");
        assert_eq!(lookups(&site), 0, "at once, and nobody was looked for");
        let mut headers = page.headers.clone();
        headers.remove("retry-after");
        answers.push((headers, page.text().to_owned()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert!(answers[0].1.contains("Too many tries"), "{}", answers[0].1);
    // The right password is not even looked at.
    assert_eq!(
        guess(&site.browser(), ANN, "ann", PASSWORD).await.status,
        429
    );
    assert_eq!(
        guess(&site.browser(), "198.51.100.9", "ann", PASSWORD)
            .await
            .status,
        302
    );
}

#[tokio::test]
async fn a_delay_passes_with_the_site_s_clock() {
    let clock = TestClock::at(Timestamp::from_unix_seconds(1_800_000_000));
    let plan = Plan::strict().engine(Engine::Memory).clock(&clock);
    let site = plan.open().await;
    for _ in 0..5 {
        stranger(&site, ANN, "ann").await;
    }
    clock.advance(Duration::from_secs(20));
    let page = stranger(&site, ANN, "ann").await;
    assert_eq!(
        (page.status.as_u16(), page.header("retry-after")),
        (429, Some("11"))
    );
    clock.advance(Duration::from_secs(10));
    assert_eq!(
        guess(&site.browser(), ANN, "ann", PASSWORD).await.status,
        302
    );
}

/// CVE-2025-22234, CVE-2024-39329, CVE-2018-6188, CVE-2016-2513, CVE-2025-13473.
#[tokio::test]
async fn a_failure_is_answered_at_its_time_and_with_the_same_bytes_whatever_the_reason() {
    // P4, §2.5: an over-long password too.
    let time = Duration::from_millis(150);
    let plan = Plan::strict().config(|config| config.login.failure_time = time);
    let site = plan.open().await;
    site.add_user_with_hash("unusable", "!abc").await;
    site.add_user_with_hash(
        "foreign",
        "argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAA",
    )
    .await;
    site.add_user_with_hash("old", "md5$salt$5ebe2294ecd0e0f08eab7690d2a6ee69")
        .await;
    let inactive = "UPDATE auth_user SET is_active = 0 WHERE username = 'bob'";
    site.sql().execute(inactive, []).unwrap();
    let long = "x".repeat(4097);
    let rows = [
        ("ann", "wrong"),
        ("ann", &long),
        ("eve", "wrong"),
        ("eve", &long),
        ("bob", PASSWORD),
        ("unusable", "wrong"),
        ("foreign", "wrong"),
        ("old", "wrong"),
    ];
    let mut answers = Vec::new();
    for (name, password) in rows {
        let began = Instant::now();
        let page = guess(&site.browser(), ANN, name, password).await;
        let taken = began.elapsed();
        assert!(taken >= time, "{name}: {taken:?}");
        assert_eq!(page.status, 200);
        answers.push((page.headers.clone(), page.text().to_owned()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let reasons = [
        "ann WrongPassword",
        "ann WrongPassword",
        "eve UnknownUser",
        "eve UnknownUser",
        "bob Inactive",
        "unusable WrongPassword",
        "foreign WrongPassword",
        "old WrongPassword",
    ];
    assert_eq!(site.events(), reasons, "the site itself learns why");
}

/// T8.
#[tokio::test]
async fn a_stranger_who_guesses_locks_no_owner_out() {
    // T6, D1.
    let site = Plan::strict().engine(Engine::Memory).open().await;
    let (owner, mallory) = (site.browser(), site.browser());
    assert_eq!(guess(&owner, ANN, "ann", PASSWORD).await.status, 302);
    assert_eq!(
        guess(&mallory, "198.51.100.9", "bob", PASSWORD)
            .await
            .status,
        302
    );
    for last in 0..=255 {
        stranger(&site, &format!("192.0.2.{last}"), "ann").await;
    }
    assert_eq!(
        guess(&site.browser(), ANN, "ann", PASSWORD).await.status,
        429
    );
    // Somebody else's cookie is no help.
    assert_eq!(guess(&mallory, ANN, "ann", PASSWORD).await.status, 429);
    // The owner comes in, and mistypes before that as often as people do.
    for _ in 0..9 {
        assert_eq!(guess(&owner, ANN, "ann", "wrong").await.status, 200);
    }
    assert_eq!(guess(&owner, ANN, "ann", PASSWORD).await.status, 302);
    // Ten failures each: a cookie that was stolen is no way to guess on.
    for last in 0..=255 {
        stranger(&site, &format!("192.0.2.{last}"), "ann").await;
    }
    for _ in 0..10 {
        assert_eq!(guess(&owner, ANN, "ann", "wrong").await.status, 200);
    }
    assert_eq!(guess(&owner, ANN, "ann", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn the_cookie_of_a_known_browser_signs_nobody_in_and_ends_with_the_password() {
    let site = Plan::strict().engine(Engine::Memory).open().await;
    let browser = site.browser();
    guess(&browser, ANN, "ann", PASSWORD).await;
    let device = browser.cookie("cloakroom_device").unwrap();
    let page = browser.send(
        Request::get("/whoami/")
            .header(
                "cookie",
                format!("cloakroom_device={device}; sessionid={device}"),
            )
            .body("".into())
            .unwrap(),
    );
    assert_eq!(page.await.text(), "nobody");
    assert!(!device.contains("ann"), "{device}");
    for last in 0..=255 {
        stranger(&site, &format!("192.0.2.{last}"), "ann").await;
    }
    assert_eq!(guess(&browser, ANN, "ann", "wrong").await.status, 200);
    let update = "UPDATE auth_user SET password = 'pbkdf2_sha256$1$other$x' WHERE username = 'ann'";
    site.sql().execute(update, []).unwrap();
    // It is a stranger's now; that has to wait, and is answered like any failure.
    lookups(&site);
    site.events();
    assert_eq!(guess(&browser, ANN, "ann", PASSWORD).await.status, 200);
    assert_eq!(site.events(), ["ann Throttled"]);
}

#[tokio::test]
async fn a_login_forgets_the_failures_of_its_account() {
    let site = Plan::strict().engine(Engine::Memory).open().await;
    for _ in 0..5 {
        for _ in 0..4 {
            assert_eq!(stranger(&site, ANN, "ann").await.status, 200);
        }
        let owner = guess(&site.browser(), ANN, "ann", PASSWORD).await;
        assert_eq!(owner.status, 302);
    }
}

#[tokio::test]
async fn one_s_own_login_between_two_guesses_forgives_nothing() {
    // T3, §2.6 (allauth).
    let site = Plan::strict().engine(Engine::Memory).open().await;
    let mut tried = 0;
    for number in 0..200 {
        let page = stranger(&site, ANN, &format!("victim{number}")).await;
        tried += usize::from(page.status == 200);
        let own = guess(&site.browser(), ANN, "bob", PASSWORD).await;
        assert!(own.status == 302 || own.status == 429, "{}", own.status);
    }
    assert!((49..=50).contains(&tried), "{tried}");
}

#[tokio::test]
async fn while_the_store_fails_the_server_counts_alone() {
    // T9: fail limited, not open.
    let site = Plan::strict().open().await;
    site.store.fail(Failing::Everything);
    let failed = |page: &Page| page.status == 200;
    let mut tried = 0;
    for _ in 0..100 {
        tried += usize::from(failed(&stranger(&site, ANN, "ann").await));
    }
    assert_eq!(tried, 5);
}

/// CVE-2025-24806, CVE-2026-47203, CVE-2025-6004.
#[tokio::test]
async fn a_spelling_that_only_the_database_knows_is_counted_for_its_user() {
    let site = Plan::strict().engine(Engine::Memory).open().await;
    site.users.ignore_accents();
    let spellings = "àáâãäåāăąǎạả".chars().map(|a| format!("{a}nn"));
    for (number, name) in spellings.cycle().take(60).enumerate() {
        // Answered like any failure: a refusal would tell whose name it is a spelling of.
        let page = stranger(&site, &format!("192.0.2.{number}"), &name).await;
        assert_eq!(page.status, 200, "{name}");
    }
    let events = site.events();
    let looked_at = events.iter().filter(|it| it.ends_with("WrongPassword"));
    assert_eq!((events.len(), looked_at.count()), (60, 10));
    let page = guess(&site.browser(), ANN, "ann", PASSWORD).await;
    assert_eq!(page.status, 429);
}

#[tokio::test]
async fn who_cannot_be_looked_for_is_not_counted() {
    let site = Plan::strict().open().await;
    site.users.fail(true);
    for _ in 0..100 {
        assert_eq!(stranger(&site, ANN, "ann").await.status, 503);
    }
    site.users.fail(false);
    assert_eq!(
        guess(&site.browser(), ANN, "ann", PASSWORD).await.status,
        302
    );
}

/// CVE-2011-4136.
#[tokio::test]
async fn what_is_counted_is_no_session_and_names_nobody() {
    // C13.
    let site = Plan::strict().open().await;
    stranger(&site, ANN, "ann").await;
    let keys: Vec<(String, String)> = {
        let sql = site.sql();
        let mut select = sql
            .prepare("SELECT session_key, session_data FROM django_session")
            .unwrap();
        let rows = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(keys.len(), 3);
    for (key, data) in keys {
        let browser = site.browser();
        let page = browser.send(
            Request::get("/session/names/")
                .header("cookie", format!("sessionid={key}"))
                .body("".into())
                .unwrap(),
        );
        assert_eq!(page.await.text(), "", "it opens nothing");
        assert!(!data.contains("ann") && site.row(&key).is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_too_many_waiting_is_sent_away_before_anybody_is_looked_for() {
    // H5.
    let plan = Plan::strict().config(|config| {
        config.login.most_waiting = 4;
        config.login.throttle = None;
        let hashers = config.login.hashers.clone();
        config.login.hashers = hashers.with_iterations(NonZeroU32::new(50_000).unwrap());
    });
    let site = plan.open().await;
    lookups(&site);
    let guesses: Vec<_> = (0..100)
        .map(|number| {
            let browser = site.browser();
            let guess = async move {
                let address = format!("192.0.2.{number}");
                let page = guess(&browser, &address, &format!("user{number}"), "wrong").await;
                (
                    page.status.as_u16(),
                    page.header("retry-after").map(String::from),
                )
            };
            tokio::spawn(guess)
        })
        .collect();
    let mut looked_for = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            (200, _) => looked_for += 1,
            (503, Some(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((1..100).contains(&looked_for), "{looked_for}");
    assert_eq!(lookups(&site), looked_for);
}

/// H5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_wait_for_an_answer_than_four_times_those_who_may_wait_for_a_turn() {
    let plan = Plan::strict().config(|config| {
        config.login.most_waiting = 1;
        config.login.throttle = None;
        config.login.failure_time = Duration::from_secs(3);
    });
    let site = plan.open().await;
    lookups(&site);
    let (mut guesses, mut looked_for) = (Vec::new(), 0);
    for number in 0..8 {
        let browser = site.browser();
        let guess = async move {
            guess(&browser, ANN, &format!("user{number}"), "wrong")
                .await
                .status
        };
        let guess = tokio::spawn(guess);
        // One after the other, so that nobody finds the line full.
        loop {
            let more = lookups(&site);
            looked_for += more;
            if more > 0 || guess.is_finished() {
                break;
            }
            tokio::task::yield_now().await;
        }
        guesses.push(guess);
    }
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 503, 503, 503, 503]);
    assert_eq!(looked_for, 4);
}

#[tokio::test]
async fn a_site_by_django_s_defaults_counts_nothing() {
    let site = Plan::django().open().await;
    for _ in 0..100 {
        assert_eq!(stranger(&site, ANN, "ann").await.status, 200);
    }
    let browser = site.browser();
    assert_eq!(guess(&browser, ANN, "ann", PASSWORD).await.status, 302);
    assert_eq!(browser.cookie("cloakroom_device"), None);
    let count = "SELECT count(*) FROM django_session";
    let rows: u32 = site.sql().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1, "the session");
}

/// P8.
#[tokio::test]
async fn logins_and_logouts_are_told_to_the_site() {
    let site = Plan::strict().open().await;
    let browser = site.ann().await;
    assert_eq!(whoami(&browser).await, "ann");
    crate::site::press(&browser, "/logout/").await;
    sign_in(&browser, "nobody", PASSWORD).await;
    let events = site.events();
    assert_eq!(events[0], "ann in");
    assert!(events[1].ends_with(" out"), "{events:?}");
    assert_eq!(events[2..], ["nobody UnknownUser"]);
}

/// CVE-2025-6014, CVE-2025-6015.
#[tokio::test]
async fn a_user_with_a_second_factor_is_not_signed_in_by_the_password_alone() {
    let site = Plan::shared().open().await;
    let table = "CREATE TABLE mfa_authenticator (id integer primary key, user_id integer, type text);
                 INSERT INTO mfa_authenticator (user_id, type) SELECT id, 'totp' FROM auth_user WHERE username = 'ann'";
    site.sql().execute_batch(table).unwrap();
    let browser = site.browser();
    let page = guess(&browser, ANN, "ann", PASSWORD).await;
    assert_eq!(
        (page.status.as_u16(), browser.cookie("sessionid")),
        (403, None)
    );
    assert!(page.text().contains("second factor"), "{}", page.text());
    assert_eq!(site.events(), ["ann SecondFactor"]);
    // A wrong password learns nothing of that.
    let (wrong, unknown) = (
        stranger(&site, ANN, "ann").await,
        stranger(&site, ANN, "eve").await,
    );
    assert_eq!(
        (wrong.text(), &wrong.headers),
        (unknown.text(), &unknown.headers)
    );
    assert_eq!(guess(&browser, ANN, "bob", PASSWORD).await.status, 302);
}
