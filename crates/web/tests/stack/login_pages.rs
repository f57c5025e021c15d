//! The login pages of the library: a new password by the old one, and by a letter.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Extension;
use axum::extract::ConnectInfo;
use cloakroom::mail::{Mail, MailError, Mailer};
use cloakroom_testing::{Browser, Page, TestClock};
use http::Request;

use crate::site::{Engine, PASSWORD, Plan, Site, session_key, sign_in, whoami};

const ORIGIN: &str = "https://www.example.org";
const NEW: &str = "violet envelope marches";

/// Keeps the letters, or loses them.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    kept: Mutex<Vec<Mail>>,
    fails: bool,
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if self.fails {
            return Err(MailError::new("the test's mailer fails"));
        }
        self.kept.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl Letters {
    /// The letters once there are as many; those that there are if that takes long.
    async fn after(&self, number: usize) -> Vec<Mail> {
        for _ in 0..200 {
            if self.kept.lock().unwrap().len() >= number {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.kept.lock().unwrap().clone()
    }
}

/// A site whose login pages are the library's, below a prefix: they may be nested.
async fn site(plan: Plan, letters: &Arc<Letters>) -> Site {
    let plan = plan.config(|config| {
        config.public_origin = Some(ORIGIN.into());
        config.mail_from = "noreply@example.org".into();
    });
    plan.mailer(Arc::clone(letters) as Arc<dyn Mailer>)
        .templates(cloakroom::pages::templates())
        .login_pages_below("/accounts")
        .open()
        .await
}

fn set_email(site: &Site, username: &str, email: &str) {
    let update = "UPDATE auth_user SET email = ?1 WHERE username = ?2";
    site.sql().execute(update, [email, username]).unwrap();
}

async fn send(browser: &Browser, target: &str, fields: &[(&str, &str)]) -> Page {
    let form = browser.get(target).await;
    assert_eq!(form.status, 200, "{target}");
    let mut all = vec![("csrfmiddlewaretoken", form.csrf_token().expect("a token"))];
    all.extend_from_slice(fields);
    browser.post(target, &all).await
}

async fn change(browser: &Browser, old: &str, new: &str, again: &str) -> Page {
    let fields = [
        ("old_password", old),
        ("new_password1", new),
        ("new_password2", again),
    ];
    send(browser, "/accounts/password_change/", &fields).await
}

async fn ask(browser: &Browser, email: &str) -> Page {
    send(browser, "/accounts/password_reset/", &[("email", email)]).await
}

/// The path of the link in a letter.
fn link(mail: &Mail) -> String {
    let line = mail.text.lines().find(|line| line.starts_with(ORIGIN));
    line.expect("a link")
        .strip_prefix(ORIGIN)
        .unwrap()
        .to_owned()
}

async fn set(browser: &Browser, target: &str, new: &str) -> Page {
    send(
        browser,
        target,
        &[("new_password1", new), ("new_password2", new)],
    )
    .await
}

#[tokio::test]
async fn a_new_password_wants_the_old_one_and_ends_the_other_sessions() {
    // P5, S4.
    let letters = Arc::default();
    let site = site(Plan::strict(), &letters).await;
    set_email(&site, "ann", "ann@example.org");
    let (here, elsewhere, stranger) = (site.ann().await, site.ann().await, site.browser());
    let page = stranger.get("/accounts/password_change/").await;
    assert_eq!(
        page.location(),
        Some("/login/?next=/accounts/password_change/")
    );
    let key = session_key(&here);
    for (old, new, again, words) in [
        (
            "wrong",
            NEW,
            NEW,
            "Your old password was entered incorrectly. Please enter it again.",
        ),
        ("", NEW, NEW, "This field is required."),
        (
            PASSWORD,
            NEW,
            "another one than that",
            "The two password fields didn’t match.",
        ),
        (
            PASSWORD,
            "short",
            "short",
            "This password is too short. It must contain at least 12 characters.",
        ),
        (
            PASSWORD,
            "121212121212",
            "121212121212",
            "This password is entirely numeric.",
        ),
        (PASSWORD, "", "", "This field is required."),
    ] {
        let page = change(&here, old, new, again).await;
        assert_eq!(page.status, 200, "{old} {new}");
        assert!(page.text().contains(words), "{words}: {}", page.text());
        assert!(!page.text().contains(NEW) && !page.text().contains(PASSWORD));
    }
    let page = change(&here, PASSWORD, NEW, NEW).await;
    assert_eq!(page.location(), Some("/accounts/password_change/done/"));
    assert!(
        here.get("/accounts/password_change/done/")
            .await
            .text()
            .contains("/accounts/account/")
    );
    assert_ne!(session_key(&here), key, "a new key");
    let nobody = "nobody".to_owned();
    assert_eq!(
        (whoami(&here).await, whoami(&elsewhere).await),
        ("ann".into(), nobody)
    );
    assert_eq!(sign_in(&site.browser(), "ann", PASSWORD).await.status, 200);
    assert_eq!(sign_in(&site.browser(), "ann", NEW).await.status, 302);
    // P8: the owner is told.
    let letters = letters.after(1).await;
    assert_eq!(
        (letters.len(), letters[0].to.as_str()),
        (1, "ann@example.org")
    );
    assert!(
        letters[0].text.contains("was changed"),
        "{}",
        letters[0].text
    );
}

#[tokio::test]
async fn whoever_has_taken_over_a_session_cannot_guess_the_password_there() {
    // T12.
    let site = site(Plan::strict(), &Arc::default()).await;
    let browser = site.ann().await;
    // Ten as a browser that is known, and then as many as any other has.
    let mut tries = 0;
    while change(&browser, "wrong", NEW, NEW).await.status == 200 {
        tries += 1;
        assert!(tries <= 20, "nobody counts");
    }
    assert_eq!(tries, 20);
    assert_eq!(change(&browser, PASSWORD, NEW, NEW).await.status, 429);
}

#[tokio::test]
async fn a_letter_s_link_sets_a_password_once() {
    // P6.
    let letters = Arc::default();
    let site = site(Plan::strict(), &letters).await;
    set_email(&site, "ann", "Ann@Example.org");
    let elsewhere = site.ann().await;
    let page = ask(&site.browser(), "ann@example.ORG").await;
    assert_eq!(page.location(), Some("/accounts/password_reset/done/"));
    let letters = letters.after(1).await;
    assert_eq!(letters[0].to, "Ann@Example.org", "the address that is kept");
    assert!(
        letters[0].text.contains("good for 60 minutes"),
        "{}",
        letters[0].text
    );
    let target = link(&letters[0]);
    // Looking at it uses nothing up, and takes the token out of the address.
    let browser = site.browser();
    for _ in 0..3 {
        let page = browser.get(&target).await;
        let form = page.location().unwrap().to_owned();
        assert!(form.ends_with("/set-password/"), "{form}");
        assert_eq!(page.header("cache-control"), Some("private"));
    }
    let form = browser.get(&target).await.location().unwrap().to_owned();
    let page = browser.get(&form).await;
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert!(page.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(whoami(&browser).await, "nobody", "a link signs nobody in");
    // Another browser has the form's address without the token.
    assert!(
        site.browser()
            .get(&form)
            .await
            .text()
            .contains("no longer good")
    );
    let page = set(&browser, &form, "short").await;
    assert!(
        page.status == 200 && page.text().contains("too short"),
        "{}",
        page.text()
    );
    let page = set(&browser, &form, NEW).await;
    assert_eq!(page.location(), Some("/accounts/reset/done/"));
    assert_eq!(whoami(&elsewhere).await, "nobody", "all sessions end");
    assert!(
        browser.get(&target).await.text().contains("no longer good"),
        "once"
    );
    assert!(browser.get(&form).await.text().contains("no longer good"));
    assert_eq!(sign_in(&site.browser(), "ann", NEW).await.status, 302);
}

#[tokio::test]
async fn whoever_has_guessed_in_vain_comes_in_by_the_new_password_from_the_same_place() {
    let letters = Arc::default();
    let site = site(Plan::strict(), &letters).await;
    set_email(&site, "ann", "ann@example.org");
    let address: SocketAddr = "203.0.113.7:4242".parse().unwrap();
    let app = site.app.clone().layer(Extension(ConnectInfo(address)));
    let browser = site.browser().with_app(&app);
    for _ in 0..5 {
        assert_eq!(sign_in(&browser, "ann", "wrong").await.status, 200);
    }
    assert_eq!(sign_in(&browser, "ann", PASSWORD).await.status, 429);
    ask(&browser, "ann@example.org").await;
    let target = link(&letters.after(1).await[0]);
    let form = browser.get(&target).await.location().unwrap().to_owned();
    assert_eq!(set(&browser, &form, NEW).await.status, 302);
    assert_eq!(sign_in(&browser, "ann", NEW).await.status, 302);
}

#[tokio::test]
async fn a_link_ends_with_a_login_another_address_and_another_password() {
    // P6.
    let letters = Arc::default();
    let site = site(Plan::strict(), &letters).await;
    let changes: [(&str, &str); 4] = [
        (
            "UPDATE auth_user SET last_login = '2026-01-01 00:00:00' WHERE username = 'ann'",
            "a login",
        ),
        (
            "UPDATE auth_user SET email = 'other@example.org' WHERE username = 'ann'",
            "an address",
        ),
        (
            "UPDATE auth_user SET password = 'x' || password WHERE username = 'ann'",
            "a password",
        ),
        (
            "UPDATE auth_user SET is_active = 0 WHERE username = 'ann'",
            "an end",
        ),
    ];
    for (number, (update, what)) in changes.into_iter().enumerate() {
        set_email(&site, "ann", "ann@example.org");
        ask(&site.browser(), "ann@example.org").await;
        let target = link(letters.after(number + 1).await.last().unwrap());
        assert_eq!(site.browser().get(&target).await.status, 302, "{what}");
        site.sql().execute(update, []).unwrap();
        let page = site.browser().get(&target).await;
        assert!(
            page.status == 200 && page.text().contains("no longer good"),
            "{what}"
        );
        let back =
            "UPDATE auth_user SET password = replace(password, 'xp', 'p') WHERE username = 'ann'";
        site.sql().execute(back, []).unwrap();
    }
    for odd in ["MQ/x", "x/y-z", "MQ/1-", "%FF/a-b", "MQ/set-password"] {
        let page = site.browser().get(&format!("/accounts/reset/{odd}/")).await;
        let refused = page.status == 200 && page.text().contains("no longer good");
        assert!(refused || page.status == 400, "{odd}: {}", page.status);
    }
}

#[tokio::test]
async fn a_link_is_good_for_an_hour_of_the_site_s_clock() {
    let (letters, clock) = (Arc::default(), TestClock::new());
    let site = site(Plan::strict().clock(&clock), &letters).await;
    set_email(&site, "ann", "ann@example.org");
    ask(&site.browser(), "ann@example.org").await;
    let target = link(&letters.after(1).await[0]);
    clock.advance(Duration::from_secs(3600));
    let browser = site.browser();
    let form = browser.get(&target).await.location().map(str::to_owned);
    let form = form.expect("the link is still good");
    clock.advance(Duration::from_secs(1));
    for page in [browser.get(&target).await, browser.get(&form).await] {
        assert!(page.text().contains("no longer good"), "{}", page.text());
    }
}

#[tokio::test]
async fn nobody_learns_whether_an_address_has_an_account() {
    // P6, CVE-2024-45231, CVE-2019-19844.
    let mut answers = Vec::new();
    for fails in [false, true] {
        let letters = Arc::new(Letters {
            fails,
            ..Letters::default()
        });
        let site = site(Plan::strict(), &letters).await;
        set_email(&site, "ann", "mike@example.org");
        set_email(&site, "bob", "bob@example.org");
        let unusable = "UPDATE auth_user SET password = '!x' WHERE username = 'bob'";
        site.sql().execute(unusable, []).unwrap();
        for email in [
            "mike@example.org",
            "eve@example.org",
            "m\u{131}ke@example.org",
            "bob@example.org",
        ] {
            let page = ask(&site.browser(), email).await;
            answers.push((page.status, page.headers.clone(), page.text().to_owned()));
        }
        let sent = letters.after(2).await;
        assert_eq!(sent.len(), usize::from(!fails), "mike's alone");
        for odd in ["", "ann", "@", "a@", "a\n@b"] {
            let page = ask(&site.browser(), odd).await;
            assert_eq!(page.status, 200, "{odd:?}");
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn a_thousand_requests_for_one_address_are_five_letters() {
    // T13.
    let letters = Arc::default();
    let site = site(Plan::strict().engine(Engine::Memory), &letters).await;
    set_email(&site, "ann", "ann@example.org");
    let browser = site.browser();
    let form = browser.get("/accounts/password_reset/").await;
    let token = form.csrf_token().unwrap().to_owned();
    for number in 0..1000 {
        let email = if number % 2 == 0 {
            "ann@example.org"
        } else {
            "ANN@example.org"
        };
        let fields = [("csrfmiddlewaretoken", token.as_str()), ("email", email)];
        assert_eq!(
            browser
                .post("/accounts/password_reset/", &fields)
                .await
                .status,
            302
        );
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(letters.after(6).await.len(), 5);
}

#[tokio::test]
async fn a_cookie_that_does_not_come_back_is_said_and_is_no_loop() {
    let site = site(Plan::strict(), &Arc::default()).await;
    let come_back = |referer: &str, cookie: &str| {
        Request::get("/accounts/login/?next=/home/")
            .header("referer", referer)
            .header("cookie", cookie)
            .body("".into())
            .unwrap()
    };
    let words = "did not send the cookie";
    let browser = site.browser();
    let login = "http://localhost/accounts/login/";
    let page = browser.send(come_back(login, "csrftoken=x")).await;
    assert!(page.text().contains(words), "{}", page.text());
    for (referer, cookie) in [
        ("http://localhost/", "csrftoken=x"),
        (login, "sessionid=abcdefghijklmnopqrstuvwxyz012345"),
        ("http://localhost/logout/", ""),
    ] {
        let page = browser.send(come_back(referer, cookie)).await;
        assert!(!page.text().contains(words), "{referer} {cookie}");
    }
}

#[tokio::test]
async fn a_site_without_letters_or_without_an_address_of_its_own_offers_no_link() {
    for (origin, mailer) in [(true, false), (false, true)] {
        let mut plan = Plan::strict().config(|config| {
            config.public_origin = origin.then(|| ORIGIN.into());
        });
        if mailer {
            plan = plan.mailer(Arc::new(Letters::default()));
        }
        let plan = plan.templates(cloakroom::pages::templates());
        let site = plan.login_pages_below("/accounts").open().await;
        let page = site.browser().get("/accounts/login/").await;
        assert!(!page.text().contains("Forgotten"));
        assert_eq!(
            site.browser().get("/accounts/password_reset/").await.status,
            404
        );
    }
}

#[tokio::test]
async fn one_s_account_is_one_s_own() {
    let site = site(Plan::strict(), &Arc::default()).await;
    set_email(&site, "ann", "ann@example.org");
    let page = site.ann().await.get("/accounts/account/").await;
    assert!(page.text().contains("ann@example.org") && !page.text().contains("bob"));
    assert_eq!(
        page.header("cache-control")
            .map(|value| value.contains("no-store")),
        Some(true)
    );
    assert_eq!(site.browser().get("/accounts/account/").await.status, 302);
}
