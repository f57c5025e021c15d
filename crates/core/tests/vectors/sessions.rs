//! Sessions: their text, their expiry and their keys.

use std::time::Duration;

use cloakroom_core::session::{
    Codec, DataError, Expiry, Lifetime, SessionData, SessionKey, SessionState, Stored,
};
use cloakroom_core::signing::{Compression, LoadError, SigningError};
use cloakroom_core::time::{Timestamp, Zone};

use crate::json::{canonical, object};
use crate::rows::{Answer, NOW, Release, Row, SECRET, secrets};
use crate::signing::text;

fn codec(compression: Compression) -> Codec {
    Codec::new(&secrets(SECRET, &[]), Codec::DJANGO_SALT, compression)
}

fn loaded(text: &str) -> SessionState {
    let key = SessionKey::parse("abcdefgh").unwrap();
    SessionState::from_stored(key, Stored::signed(text, NOW), &codec(Compression::Never))
}

/// Reads Django's text and writes it again: the same JSON, the same signed text.
pub(crate) fn encode(row: &Row, _: &Release) -> Answer {
    let (json, signed) = (row.text("json"), row.text("text"));
    let read = loaded(signed).data();
    let codec = codec(Compression::Always);
    let ours = codec.encode(read.text(), row.time("at"));
    let both_compressed = signed.starts_with('.') && ours.starts_with('.');
    // Two deflates differ in their bytes, never in what they hold.
    let (django, ours) = if both_compressed {
        let inflated = codec.decode(&ours).map(text);
        (
            format!("{:?}", Ok::<_, LoadError>(json)),
            format!("{inflated:?}"),
        )
    } else {
        (signed.to_owned(), ours)
    };
    Answer::new(
        json,
        format!("{json} {django}"),
        format!("{} {ours}", read.text()),
    )
}

/// The values one by one, and all of them untouched while another is added.
pub(crate) fn decode(row: &Row, _: &Release) -> Answer {
    let signed = row.text("text");
    let django = if row.flag("bad_signature") {
        "bad signature".to_owned()
    } else if row.flag("is_map") {
        canonical(row.text("json")).unwrap()
    } else {
        "no object".to_owned()
    };
    let ours = match codec(Compression::Never).decode(signed) {
        Err(LoadError::Signing(SigningError::BadSignature(_))) => "bad signature".to_owned(),
        // Django's answer to what it cannot read is an empty session, and so is ours.
        Err(_) => unreadable(signed),
        Ok(bytes) => match SessionData::from_bytes(bytes.clone()) {
            Err(DataError::NotAnObject) => "no object".to_owned(),
            Err(_) => unreadable(signed),
            Ok(data) => values(signed, &data, &bytes),
        },
    };
    Answer::new(text_before_the_date(signed), django, ours)
}

fn unreadable(signed: &str) -> String {
    let session = loaded(signed);
    assert!(session.is_unreadable() && session.is_empty(), "{signed}");
    "{}".to_owned()
}

fn values(signed: &str, data: &SessionData, bytes: &[u8]) -> String {
    let mut session = loaded(signed);
    assert_eq!(session.data().text(), data.text());
    assert!(
        !bytes.is_ascii() || data.text().as_bytes() == bytes,
        "byte for byte"
    );
    session.set("added", &1).unwrap();
    let touched = session.data();
    let entries = data.names().map(|name| {
        let raw = data.raw(&name).unwrap();
        assert_eq!(touched.raw(&name), Some(raw), "{signed}: byte for byte");
        (name.into_owned(), raw)
    });
    let ours = object(entries).unwrap();
    assert_eq!(
        canonical(data.text()).unwrap(),
        ours,
        "{signed}: names and text"
    );
    ours
}

fn text_before_the_date(signed: &str) -> &str {
    signed
        .split_once(':')
        .map_or(signed, |(payload, _)| payload)
}

pub(crate) fn expiry(row: &Row, _: &Release) -> Answer {
    let now = row.time("now");
    let stored = row.maybe_text("stored");
    let json = holding(stored);
    let data = SessionData::from_bytes(json.into_bytes()).unwrap();
    let lifetime = Lifetime {
        age: row.integer("cookie_age"),
        at_browser_close: row.flag("expire_at_browser_close"),
        ..Lifetime::DJANGO
    };
    let ours = said(
        &lifetime.expiry_age(&data, now).to_string(),
        &until(lifetime.expiry_date(&data, now), now),
        lifetime.ends_with_browser(&data),
    );
    let age = match row.maybe_text("age") {
        None => format!("raises {}", row.text("age_error")),
        Some("true") => "1".to_owned(),
        Some(age) => max_age(age),
    };
    let date = match row.maybe_text("date") {
        None => format!("raises {}", row.text("date_error")),
        Some(date) => until(Timestamp::from_sql_text(date).unwrap(), now),
    };
    let django = said(&age, &date, row.flag("at_browser_close"));
    Answer::new(stored.unwrap_or("nothing"), django, ours)
}

/// A session with this expiry of its own, or without one.
fn holding(expiry: Option<&str>) -> String {
    expiry.map_or_else(
        || "{}".to_owned(),
        |expiry| format!(r#"{{"_session_expiry":{expiry}}}"#),
    )
}

fn said(age: &str, date: &str, at_browser_close: bool) -> String {
    format!("age {age}, {date}, at browser close {at_browser_close}")
}

/// What stands in the cookie: `set_cookie` cuts fractions off.
fn max_age(age: &str) -> String {
    let whole = age.split_once('.').map_or(age, |(whole, _)| whole);
    if whole == "-0" { "0" } else { whole }.to_owned()
}

fn until(date: Timestamp, now: Timestamp) -> String {
    match date {
        Timestamp::MAX => "until the last moment".to_owned(),
        Timestamp::MIN => "until the first moment".to_owned(),
        _ => format!("for {} µs", date.micros_since(now)),
    }
}

pub(crate) fn set_expiry(row: &Row, _: &Release) -> Answer {
    let now = row.time("now");
    let before = holding(row.maybe_text("before"));
    let asked = if row.has("none") {
        Some(Expiry::SiteDefault)
    } else if let Some(number) = row.maybe_text("number") {
        number.parse().ok().map(Expiry::Seconds)
    } else if let Some(seconds) = row.maybe_number("seconds") {
        Duration::try_from_secs_f64(seconds).ok().map(Expiry::In)
    } else {
        Some(Expiry::At(row.time("until")))
    };
    let ours = asked.map_or_else(
        || "cannot be asked for".to_owned(),
        |expiry| {
            let mut session = loaded(&codec(Compression::Never).encode(&before, now));
            session.set_expiry(expiry, Zone::UTC, now);
            let stored = session.raw("_session_expiry");
            // Zero has a name of its own, and means the same.
            if expiry == Expiry::Seconds(0) {
                let mut named = loaded(&codec(Compression::Never).encode(&before, now));
                named.set_expiry(Expiry::AtBrowserClose, Zone::UTC, now);
                assert_eq!(named.raw("_session_expiry"), stored);
            }
            format!(
                "{:?}, modified {}",
                stored.as_deref(),
                session.is_modified()
            )
        },
    );
    let django = format!(
        "{:?}, modified {}",
        row.maybe_text("stored"),
        row.flag("modified")
    );
    let form = ["none", "number", "seconds", "offset", "until"]
        .into_iter()
        .find(|form| row.has(form))
        .unwrap();
    Answer::new(format!("{form} {}", row.value(form)), django, ours)
}

/// Django's constructor also takes `None`, which is no key either.
pub(crate) fn keys(row: &Row, _: &Release) -> Answer {
    let key = row.maybe_text("key");
    let ours = key.and_then(SessionKey::parse);
    if let (Some(ours), Some(key)) = (&ours, key) {
        assert_eq!(ours.as_str(), key);
    }
    Answer::new(
        key.unwrap_or("None"),
        row.flag("accepted").to_string(),
        ours.is_some().to_string(),
    )
}
