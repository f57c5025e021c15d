//! What the whole test run logs, at the finest level, and what may not be in it.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::site::{PASSWORD, Plan, SECRET, press, session_key, sign_in};

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

/// S11.
#[tokio::test]
async fn no_secret_is_logged() {
    let site = Plan::strict().open().await;
    let browser = site.browser();
    let mut secrets = vec![PASSWORD.to_owned(), SECRET.to_owned()];
    secrets.push(site.user("ann").await.password);
    browser.get("/session/set/?name=seen&value=valuable").await;
    secrets.push(session_key(&browser));
    secrets.push("valuable".to_owned());
    let mut keep = |page: &cloakroom_testing::Page| {
        secrets.extend(page.csrf_token().map(str::to_owned));
        secrets.extend(browser.cookie("csrftoken"));
        secrets.extend(browser.cookie("sessionid"));
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
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
