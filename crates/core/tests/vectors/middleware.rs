//! What a request makes of a session and its cookie (`SessionMiddleware`).
//!
//! The few lines of [`answer`] are what the web layer does between core and the wire.

use cloakroom_core::cookie::{SameSite, SiteCookie};
use cloakroom_core::session::{
    CommitError, Committed, Due, Expiry, Found, ResponseRules, SessionKey, SessionState,
};

use crate::json::canonical;
use crate::kept::Kept;
use crate::rows::{Answer, NOW, Release, Row};

const LIVE: &str = "livelivelivelivelivelivelivelive";
const EXPIRED: &str = "expiredexpiredexpiredexpiredexpi";
const UNKNOWN: &str = "unknownunknownunknownunknownunkn";

const RULES: ResponseRules = ResponseRules {
    save_every_request: false,
    deletes_dead_cookie: true,
};
const COOKIE: SiteCookie<'static> = SiteCookie {
    name: "sessionid",
    domain: None,
    path: "/",
    http_only: true,
    same_site: Some(SameSite::Lax),
};

pub(crate) fn middleware(row: &Row, _: &Release) -> Answer {
    let live = SessionKey::parse(LIVE).unwrap();
    let kept = Kept::new();
    kept.create(&live, r#"{"a":1}"#, NOW.plus_seconds(1000));
    let expired = SessionKey::parse(EXPIRED).unwrap();
    kept.create(&expired, r#"{"a":1}"#, NOW.plus_seconds(-1));

    let sent = match row.text("sent") {
        "none" => None,
        "live" => Some(LIVE),
        "unknown" => Some(UNKNOWN),
        "expired" => Some(EXPIRED),
        "short" => Some("short"),
        _ => Some(""),
    };
    let (action, status) = (row.text("action"), row.integer("status"));
    let ours = match answer(&kept, sent, action, u16::try_from(status).unwrap()) {
        Err(CommitError::Interrupted) => "raises SessionInterrupted".to_owned(),
        Err(error) => error.to_string(),
        Ok((cookie, new, varies)) => {
            let new = new.filter(|key| *key != live);
            let cookie = cookie.map(|cookie| match &new {
                Some(key) => cookie.replace(key.as_str(), "NEW"),
                None => cookie.replace(LIVE, "LIVE"),
            });
            let new = new.and_then(|key| kept.json(&key));
            said(
                cookie.as_deref(),
                kept.json(&live).as_deref(),
                new.as_deref(),
                varies,
            )
        }
    };
    let django = match row.maybe_text("error") {
        Some(error) => format!("raises {error}"),
        None => said(
            row.maybe_text("cookie"),
            row.maybe_text("live_record").and_then(canonical).as_deref(),
            row.maybe_text("new_record").and_then(canonical).as_deref(),
            row.maybe_text("vary") == Some("Cookie"),
        ),
    };
    let input = format!("{action} on {} {status}", row.text("sent"));
    Answer::new(input, django, ours)
}

/// The session cookie that is set, the key in it, and whether the response varies by cookie. Who never looks loads
/// nothing.
fn answer(
    kept: &Kept,
    sent: Option<&str>,
    action: &str,
    status: u16,
) -> Result<(Option<String>, Option<SessionKey>, bool), CommitError> {
    let key = sent.and_then(SessionKey::parse);
    let mut session = match key {
        Some(key) if action != "nothing" => kept.load(&key),
        _ => SessionState::new(),
    };
    act(&mut session, action);
    let found = match action {
        "nothing" => Found::Unaccessed,
        _ => session.found(),
    };
    let at = RULES.process_response(found, sent.is_some(), status);
    let site = COOKIE.prepared().unwrap();
    let (cookie, new) = match at.due {
        Due::Nothing => (None, None),
        Due::CookieDeletion => (Some(site.deletion()), None),
        Due::Save => {
            let committed = kept.commit(&mut session)?;
            let cookie = committed.cookie(&site, false).unwrap();
            let new = match committed {
                Committed::Saved(saved) => Some(saved.key),
                Committed::Untouched | Committed::Deleted => None,
            };
            (cookie, new)
        }
    };
    let cookie = cookie.map(|cookie| cookie.header_value(NOW));
    Ok((cookie, new, at.varies_by_cookie))
}

fn act(session: &mut SessionState, action: &str) {
    match action {
        "nothing" => {}
        "read" => drop(session.get::<i64>("a").unwrap()),
        "set" => session.set("b", &2).unwrap(),
        "delete" => drop(session.remove("a")),
        "clear" => session.clear(),
        "flush" => session.flush(),
        "cycle_key" => session.cycle_key(),
        "flush, set" => {
            session.flush();
            session.set("b", &2).unwrap();
        }
        "set, flush" => {
            session.set("b", &2).unwrap();
            session.flush();
        }
        "set_expiry 300" => {
            session.set_expiry(Expiry::Seconds(300), cloakroom_core::time::Zone::UTC, NOW)
        }
        "set_expiry 0" => {
            session.set_expiry(Expiry::AtBrowserClose, cloakroom_core::time::Zone::UTC, NOW)
        }
        "set_expiry null" => {
            session.set_expiry(Expiry::SiteDefault, cloakroom_core::time::Zone::UTC, NOW)
        }
        // Changes are made name by name; this one has no name.
        "update {}" => {}
        "setdefault a" => {
            if !session.contains("a") {
                session.set("a", &9).unwrap();
            }
        }
        _ => panic!("unknown: {action}"),
    }
}

fn said(cookie: Option<&str>, live: Option<&str>, new: Option<&str>, varies: bool) -> String {
    format!("cookie {cookie:?}, live {live:?}, new {new:?}, varies {varies}")
}
