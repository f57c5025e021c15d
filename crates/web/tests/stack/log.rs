//! What the whole test run logs, at the finest level, and what may not be in it.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use cloakroom::auth::derived_signing_key;
use cloakroom::secret::SecretKey;
use cloakroom_testing::{Page, leaked};
use http::Request;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::site::{PASSWORD, Plan, SECRET, Site, press, session_key, sign_in};

static COLLECTED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Collects the log of all tests from now on.
pub(crate) fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(Collector)
            .init();
    });
}

/// Everything that was logged so far, by whichever test.
pub(crate) fn collected() -> String {
    let log = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(log.clone()).unwrap()
}

struct Collector;

impl io::Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Collector {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// What a program is given, and what becomes of it: exchanged, used twice, ended, spoilt.
async fn tokens(site: &Site) -> Vec<(&'static str, String)> {
    let app = site.app.clone().merge(site.cloakroom.token_routes());
    let program = site.browser().with_app(&app);
    let post = async |target: &str, name: &str, value: &str| {
        let body = json!({"username": "ann", name: value}).to_string();
        let request = Request::post(target).header("content-type", "application/json");
        program.send(request.body(body.into()).unwrap()).await
    };
    let key = derived_signing_key(&SecretKey::new(SECRET).unwrap());
    let mut secrets = vec![("the key of tokens", key)];
    let mut given = |page: &Page| {
        let pair: Value = serde_json::from_str(page.text()).unwrap();
        let [access, refresh] = ["access", "refresh"].map(|name| pair[name].as_str().unwrap());
        secrets.push(("an access token", access.to_owned()));
        secrets.push(("a refresh token", refresh.to_owned()));
        refresh.to_owned()
    };
    let first = given(&post("/api/token/", "password", PASSWORD).await);
    let second = given(&post("/api/token/refresh/", "refresh", &first).await);
    for (target, token) in [
        ("/api/token/refresh/", first),
        ("/api/token/refresh/", second.clone()),
        ("/api/token/refresh/", format!("{second}x")),
        ("/api/token/blacklist/", second),
    ] {
        post(target, "refresh", &token).await;
    }
    secrets
}

/// S11.
#[tokio::test]
async fn no_secret_is_logged() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let mut secrets = vec![("the password", PASSWORD.to_owned())];
    secrets.push(("the secret key", SECRET.to_owned()));
    secrets.push(("the hash", site.user("ann").await.password));
    browser.get("/session/set/?name=seen&value=valuable").await;
    secrets.push(("an anonymous session", session_key(&browser)));
    secrets.push(("a value", "valuable".to_owned()));
    secrets.extend(tokens(&site).await);
    let mut keep = |page: &Page| {
        let token = page.csrf_token().map(str::to_owned);
        secrets.extend(token.map(|token| ("a form's token", token)));
        for name in ["csrftoken", "sessionid", "cloakroom_device"] {
            secrets.extend(browser.cookie(name).map(|value| (name, value)));
        }
    };
    keep(&browser.get("/login/").await);
    keep(&sign_in(&browser, "ann", "not the password").await);
    keep(&sign_in(&browser, "ann", PASSWORD).await);
    keep(&browser.get("/form/").await);
    // A bad token, a lost session, a record that cannot be read, a store that fails: all are logged.
    let fields = [("csrfmiddlewaretoken", "x".repeat(64))];
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    assert_eq!(browser.post("/logout/", &fields).await.status, 403);
    let key = session_key(&browser);
    site.sql()
        .execute("UPDATE django_session SET session_data = 'garbage'", [])
        .unwrap();
    keep(&browser.get("/whoami/").await);
    assert_eq!(site.row(&key).as_deref(), Some("garbage"));
    site.store.fail(crate::stores::Failing::Everything);
    keep(&browser.get("/whoami/").await);
    site.store.fail(crate::stores::Failing::Nothing);
    keep(&press(&browser, "/logout/").await);

    let log = collected();
    for line in [
        "CSRF token from POST",
        "cannot be read",
        "the test's store fails",
    ] {
        assert!(log.contains(line), "{line} is in the log");
    }
    assert_eq!(leaked(&log, &secrets), [""; 0]);
    // And each would be found.
    for secret in &secrets {
        let planted = format!("{log}INFO a mistake value={:?}\n", secret.1);
        assert_eq!(leaked(&planted, std::slice::from_ref(secret)), [secret.0]);
    }
}
