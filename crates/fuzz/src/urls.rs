//! Where a login may lead, and the way to the login page: against a parser that reads URLs as browsers do.

use std::borrow::Cow;

use cloakroom_core::auth::{self, NextRule, full_path, iri_to_uri, is_safe_next, next_of_request};
use url::Url;

use crate::parts::Parts;

/// Flags and a `next`: wherever a browser goes with what is safe, it stays on the allowed hosts (H1).
pub fn safe_next(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let url = parts.text();
    let https = flags.has(b's');
    let scheme = if https { "https" } else { "http" };
    let page = Url::parse(&format!("{scheme}://testserver/accounts/login/?next=x")).unwrap();
    let hosts = if flags.has(b'2') {
        &["testserver", "other.example:8443"][..]
    } else {
        &["testserver"]
    };
    let safe = |rule| is_safe_next(&url, hosts, https, rule);
    assert!(
        safe(NextRule::Django) || !safe(NextRule::PathOnly),
        "the stricter rule lets more through"
    );
    if !safe(NextRule::Django) {
        return;
    }
    assert!(!url.trim().is_empty() && url.trim().chars().count() <= 2048);
    // As it stands, for a script that goes there, and as it stands in a `Location`.
    for text in [
        Cow::Borrowed(&*url),
        iri_to_uri(&url).into(),
        url.trim().into(),
    ] {
        // What a browser cannot parse leads nowhere.
        let Ok(target) = page.join(&with_two_slashes(&text)) else {
            continue;
        };
        let host = target.host_str().unwrap_or_default();
        let host = target
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        assert!(hosts.contains(&host.as_str()), "{text:?} leads to {target}");
        assert!(
            ["http", "https"].contains(&target.scheme()),
            "{text:?} leads to {target}"
        );
        assert!(
            !https || target.scheme() == "https",
            "{text:?} leads to {target}"
        );
        if safe(NextRule::PathOnly) {
            assert_eq!(target.origin(), page.origin(), "{text:?}");
        }
    }
}

/// What a browser makes of slashes at the front, whatever their number: two of them. The `url` crate finds no host
/// behind three and calls that an error, so it would let pass the oldest way around this check.
fn with_two_slashes(text: &str) -> Cow<'_, str> {
    let blank = |character: char| character <= ' ';
    let shown: String = text.trim_matches(blank).replace(['\t', '\r', '\n'], "");
    let host = shown.trim_start_matches(['/', '\\']);
    if shown.len() - host.len() > 2 {
        format!("//{host}").into()
    } else {
        text.into()
    }
}

/// A login URL, a field's name, a path and query, and a host: what a request says goes into one parameter.
pub fn login_redirect(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (login_url, field) = (parts.text(), parts.text());
    let (path, query) = (parts.text(), parts.maybe_text());
    let full = full_path(&path, query.as_deref());
    let printable = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'!'..=b'~') && !b"\"<>\\^`{|}".contains(&byte))
    };
    assert!(printable(&full), "{full:?}");
    let next = next_of_request(&login_url, "https", "testserver", &full);
    assert!(*next == full || *next == format!("https://testserver{full}"));

    let location = auth::login_redirect(&login_url, &next, &field);
    assert!(printable(&location), "{location:?}");
    assert_eq!(
        iri_to_uri(&location),
        location,
        "escaped twice is escaped once"
    );
    let elsewhere = auth::login_redirect(&login_url, "x", &field);
    let base = Url::parse("https://testserver/").unwrap();
    let (Ok(mut here), Ok(mut there)) = (base.join(&location), base.join(&elsewhere)) else {
        assert_eq!(base.join(&location).is_ok(), base.join(&elsewhere).is_ok());
        return;
    };
    // Other than in their queries they are the same.
    for url in [&mut here, &mut there] {
        url.set_query(None);
    }
    assert_eq!(here, there);
    let written = location.split('#').next().unwrap_or_default();
    if let Some((_, query)) = written.split_once('?').filter(|_| !field.is_empty()) {
        let values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| *name == *field);
        let values: Vec<_> = values.map(|(_, value)| value).collect();
        // A URL that Python refuses is left alone.
        if auth::login_redirect(&login_url, "y", &field) != elsewhere {
            assert_eq!(values, [&*next], "{location}");
        }
    }
}
