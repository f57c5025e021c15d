//! What a request makes of a session and its cookie (`SessionMiddleware`).
//!
//! The few lines of [`middleware`] that stand between core and the wire are the web layer's; `Vary` is wholly
//! its, so the rows' is not compared here.

use cloakroom_core::cookie::{SameSite, SetCookie};
use cloakroom_core::session::{CommitError, Committed, Expiry, SessionKey, SessionState};

use crate::json::canonical;
use crate::kept::Kept;
use crate::rows::{Answer, NOW, Release, Row};

const LIVE: &str = "livelivelivelivelivelivelivelive";
const EXPIRED: &str = "expiredexpiredexpiredexpiredexpi";
const UNKNOWN: &str = "unknownunknownunknownunknownunkn";

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
    let key = sent.and_then(SessionKey::parse);
    let ours = match answer(&kept, key.as_ref(), action, status) {
        Err(CommitError::Interrupted) => "raises SessionInterrupted".to_owned(),
        Err(error) => error.to_string(),
        Ok((committed, empty)) => {
            let (mut cookie, mut new) = (None, None);
            match committed {
                Committed::Saved(saved) => {
                    cookie = Some(set(saved.key.as_str(), saved.max_age));
                    new = Some(saved.key).filter(|key| *key != live);
                }
                _ if sent.is_some() && empty => cookie = Some(deleted()),
                _ => {}
            }
            let cookie = cookie.map(|cookie| match &new {
                Some(key) => cookie.replace(key.as_str(), "NEW"),
                None => cookie.replace(LIVE, "LIVE"),
            });
            let new = new.and_then(|key| kept.json(&key));
            said(
                cookie.as_deref(),
                kept.json(&live).as_deref(),
                new.as_deref(),
            )
        }
    };
    let django = match row.maybe_text("error") {
        Some(error) => format!("raises {error}"),
        None => said(
            row.maybe_text("cookie"),
            row.maybe_text("live_record").and_then(canonical).as_deref(),
            row.maybe_text("new_record").and_then(canonical).as_deref(),
        ),
    };
    let input = format!("{action} on {} {status}", row.text("sent"));
    Answer::new(input, django, ours)
}

/// What was committed, and whether the session is empty then. Who never looks loads nothing.
fn answer(
    kept: &Kept,
    key: Option<&SessionKey>,
    action: &str,
    status: i64,
) -> Result<(Committed, bool), CommitError> {
    if action == "nothing" {
        return Ok((Committed::Untouched, key.is_none()));
    }
    let mut session = key.map_or_else(SessionState::new, |key| kept.load(key));
    let opened_nothing = session.is_empty();
    act(&mut session, action);
    let empty = session.is_empty();
    // Of a request that failed nothing is carried out.
    if status == 500 {
        return Ok((Committed::Untouched, opened_nothing && empty));
    }
    Ok((kept.commit(&mut session)?, empty))
}

fn act(session: &mut SessionState, action: &str) {
    match action {
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
        "set_expiry 300" => session.set_expiry(Expiry::Seconds(300), NOW),
        "set_expiry 0" => session.set_expiry(Expiry::AtBrowserClose, NOW),
        "set_expiry null" => session.set_expiry(Expiry::SiteDefault, NOW),
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

fn set(key: &str, max_age: Option<i64>) -> String {
    let mut cookie = SetCookie::new("sessionid", key)
        .unwrap()
        .http_only(true)
        .same_site(SameSite::Lax);
    if let Some(seconds) = max_age {
        cookie = cookie.max_age(seconds);
    }
    cookie.header_value(NOW)
}

fn deleted() -> String {
    let cookie = SetCookie::delete("sessionid").unwrap();
    cookie.same_site(SameSite::Lax).header_value(NOW)
}

fn said(cookie: Option<&str>, live: Option<&str>, new: Option<&str>) -> String {
    format!("cookie {cookie:?}, live {live:?}, new {new:?}")
}
