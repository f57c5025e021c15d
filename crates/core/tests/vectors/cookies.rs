//! Cookies: read, written and signed.

use std::time::Duration;

use cloakroom_core::cookie::{
    CookieError, ResponseCookies, SameSite, SetCookie, SignedCookies, parse,
};
use cloakroom_core::time::Timestamp;

use crate::rows::{Answer, NOW, Release, Row, SECRET, moment, secrets};
use crate::signing::{django, read};

pub(crate) fn parse_cookie(row: &Row, _: &Release) -> Answer {
    let header = row.bytes("header");
    // A dict: a name stays where it first stood.
    let mut cookies: Vec<(String, String)> = Vec::new();
    for (name, value) in parse(&header) {
        match cookies.iter_mut().find(|(known, _)| **known == *name) {
            Some(cookie) => cookie.1 = value.into_owned(),
            None => cookies.push((name.into_owned(), value.into_owned())),
        }
    }
    let expected = row.value("cookies").as_array().unwrap();
    let expected = expected.iter().map(|pair| {
        let text = |at: usize| pair[at].as_str().unwrap().to_owned();
        (text(0), text(1))
    });
    let expected: Vec<_> = expected.collect();
    Answer::new(
        String::from_utf8_lossy(&header),
        format!("{expected:?}"),
        format!("{cookies:?}"),
    )
}

pub(crate) fn set_cookie(row: &Row, _: &Release) -> Answer {
    let calls = row.value("calls");
    let now = row.time("at");
    let mut cookies = ResponseCookies::default();
    let outcome = calls.as_array().unwrap().iter().try_for_each(|call| {
        cookies.set(&called(&Row::of(call))?, now);
        Ok::<_, CookieError>(())
    });
    let ours = outcome.map(|()| cookies.header_values().collect::<Vec<_>>());
    let django = match row.maybe_text("error") {
        None => format!("{:?}", row.texts("headers")),
        Some(error) => format!("raises {error}"),
    };
    let ours = match ours {
        Ok(headers) => format!("{headers:?}"),
        Err(CookieError::SameSite) => "raises ValueError".into(),
        Err(error) => format!("refuses: {error:?}"),
    };
    Answer::new(calls.to_string(), django, ours)
}

/// One call of `set_cookie` or `delete_cookie`.
fn called(call: &Row) -> Result<SetCookie, CookieError> {
    let name = call.text("name");
    let mut cookie = if call.has("delete") {
        SetCookie::delete(name)?
    } else {
        SetCookie::new(name, call.maybe_text("value").unwrap_or_default())?
    };
    if let Some(seconds) = call.maybe_number("max_age") {
        cookie = match call.value("max_age").as_i64() {
            Some(whole) => cookie.max_age(whole),
            None => cookie.max_age_f64(seconds),
        };
    }
    if let Some(seconds) = call.maybe_number("expires_at") {
        cookie = cookie.expires_at(moment(seconds));
    }
    if let Some(text) = call.maybe_text("expires") {
        cookie = cookie.expires_text(text)?;
    }
    cookie = match call.maybe_text("path") {
        Some(path) => cookie.path(path)?,
        None if call.has("path") => cookie.unsaid_path(),
        None => cookie,
    };
    if let Some(domain) = call.maybe_text("domain") {
        cookie = cookie.domain(domain)?;
    }
    // Django takes an empty setting for none.
    if let Some(same_site) = call.maybe_text("samesite").filter(|text| !text.is_empty()) {
        cookie = cookie.same_site(same_site.parse::<SameSite>()?);
    }
    Ok(cookie
        .secure(call.has("secure"))
        .http_only(call.has("httponly")))
}

pub(crate) fn cookie_values(row: &Row, _: &Release) -> Answer {
    let value = row.text("value");
    let ours = SetCookie::new("n", value).map(|cookie| cookie.header_value(NOW));
    Answer::new(
        value,
        row.text("header"),
        ours.unwrap_or_else(|error| format!("refuses: {error:?}")),
    )
}

pub(crate) fn cookie_names(row: &Row, _: &Release) -> Answer {
    let name = row.text("name");
    let ours = SetCookie::new(name, "v").is_ok();
    Answer::new(name, row.flag("accepted").to_string(), ours.to_string())
}

pub(crate) fn signed_cookies(row: &Row, release: &Release) -> Answer {
    let (name, salt, value) = (row.text("name"), row.text("salt"), row.text("value"));
    let now = row.time("at");
    let signer = |version| SignedCookies::new(&secrets(SECRET, &[]), version).signer(name, salt);
    let legacy = signer("4.2".parse().unwrap()).sign(value, now);
    let cookie = signer(release.version).sign(value, now);
    // What is signed may be no cookie's value (a code point beyond Latin-1).
    let header = SetCookie::new(name, &cookie).map(|cookie| cookie.header_value(now));
    let header = header.unwrap_or_else(|error| format!("refuses: {error:?}"));
    let is_v2 = release.version.reads_v2_signed_cookies();
    Answer::new(
        value,
        format!(
            "{} {} {} {}",
            row.text("cookie"),
            row.text("legacy_cookie"),
            row.text("header"),
            row.flag("is_v2")
        ),
        format!("{cookie} {legacy} {header} {is_v2}"),
    )
}

pub(crate) fn signed_cookies_read(row: &Row, release: &Release) -> Answer {
    let (name, salt) = (row.text("name"), row.text("salt"));
    let mut cookies = SignedCookies::new(&secrets(SECRET, &[]), release.version);
    // The setting came with the newer salt.
    if let Some(accepts) = row.value("legacy_fallback").as_bool() {
        cookies = cookies.legacy_salt_fallback(accepts);
    }
    let signer = cookies.signer(name, salt);
    let cookie = row.text("cookie");
    let ours = match row.maybe_number("max_age").map(Duration::from_secs_f64) {
        None => signer.unsign(cookie),
        Some(max_age) => signer.unsign_within(cookie, max_age, row.time("at")),
    };
    let age: i64 = Timestamp::micros_since(row.time("at"), NOW) / 1_000_000;
    let input = format!("{name} {salt} {cookie} after {age}");
    Answer::new(input, django(row, "value"), read(ours))
}
