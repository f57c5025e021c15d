//! Cookies on the wire, both ways.

use cloakroom_core::cookie::{
    CookieError, Refusal, ResponseCookies, SameSite, SetCookie, find_all, find_last, parse,
};

use crate::NOW;
use crate::parts::Parts;

/// A `Cookie` header as it came, against the same rules written down plainly.
pub fn cookie_header(input: &[u8]) {
    let cookies: Vec<(String, String)> = parse(input)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    assert_eq!(cookies, plainly(&String::from_utf8_lossy(input)));
    for (name, _) in &cookies {
        let of_this_name = || cookies.iter().filter(|(known, _)| known == name);
        // Names are searched for as bytes, and no name of ours has U+FFFD in it.
        if !name.contains('\u{FFFD}') {
            let last = of_this_name().next_back().map(|(_, value)| value.as_str());
            assert_eq!(find_last(input, name).as_deref(), last);
            let all = of_this_name().rev().map(|(_, value)| value.as_str());
            assert!(find_all(input, name).eq(all));
        }
    }
    for name in ["sessionid", "__Host-sessionid"] {
        assert_eq!(
            find_last(input, name).is_some(),
            cookies.iter().any(|(known, _)| known == name)
        );
    }
    // What can be written is written so that it is read again.
    for (name, value) in &cookies {
        if let Ok(cookie) = SetCookie::new(name, value) {
            let written = cookie.unsaid_path().header_value(NOW);
            assert_eq!(
                find_last(written.as_bytes(), name).as_deref(),
                Some(value.as_str())
            );
            assert_eq!(parse(written.as_bytes()).count(), 1);
        }
    }
}

/// What `parse_cookie` does, one step after the other.
fn plainly(header: &str) -> Vec<(String, String)> {
    let trimmed = |text: &str| text.trim_matches([' ', '\t']).to_owned();
    let pieces = header.split(';').map(|piece| match piece.find('=') {
        Some(at) => (trimmed(&piece[..at]), trimmed(&piece[at + 1..])),
        None => (String::new(), trimmed(piece)),
    });
    let named = pieces.filter(|(name, value)| !(name.is_empty() && value.is_empty()));
    named
        .map(|(name, value)| (name, unquoted(&value)))
        .collect()
}

/// Python's `_unquote`, character by character.
fn unquoted(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    let ['"', inner @ .., '"'] = &characters[..] else {
        return value.to_owned();
    };
    let mut plain = String::new();
    let mut at = 0;
    while let Some(&character) = inner.get(at) {
        at += 1;
        if character != '\\' {
            plain.push(character);
            continue;
        }
        let octal: Option<u32> = inner.get(at..at + 3).and_then(|digits| {
            let digits: Option<Vec<u32>> = digits.iter().map(|digit| digit.to_digit(8)).collect();
            digits.map(|digits| digits.iter().fold(0, |code, digit| code * 8 + digit))
        });
        match (
            octal.filter(|code| *code < 256).and_then(char::from_u32),
            inner.get(at),
        ) {
            (Some(character), _) => {
                plain.push(character);
                at += 3;
            }
            (None, Some(escaped)) if *escaped != '\n' => {
                plain.push(*escaped);
                at += 1;
            }
            _ => plain.push('\\'),
        }
    }
    plain
}

/// Flags, then name, value, path, domain and date of a cookie, as the browser reads what we write of it.
pub fn set_cookie(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let (name, value) = (parts.text(), parts.text());
    let (path, domain, expires) = (parts.text(), parts.text(), parts.text());
    let age = parts.maybe_text().and_then(|text| text.parse::<i64>().ok());
    let same_site = same_site(&parts.text());
    let deletes = flags.has(b'd');

    let started = if deletes {
        SetCookie::delete(&name)
    } else {
        SetCookie::new(&name, &value)
    };
    let Ok(cookie) = started else { return };
    let cookie = cookie.path(&path).and_then(|cookie| cookie.domain(&domain));
    let Ok(mut cookie) = cookie.and_then(|cookie| cookie.expires_text(&expires)) else {
        return;
    };
    cookie = cookie
        .secure(flags.has(b's'))
        .http_only(flags.has(b'h'))
        .partitioned(flags.has(b'p'));
    if let Some(age) = age {
        cookie = cookie.max_age(age);
    }
    if let Some(same_site) = same_site {
        cookie = cookie.same_site(same_site);
    }
    let header = cookie.header_value(NOW);
    assert!(
        header.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        "not of one line of ASCII"
    );
    let read = Browser::read(&header);
    assert_eq!(read.name, name);
    let value = if deletes { "" } else { &value };
    assert_eq!(
        find_last(read.pair().as_bytes(), &name).as_deref(),
        Some(value)
    );
    assert_eq!(
        read.of("Path"),
        Some(&*path).filter(|path| !path.is_empty())
    );
    assert_eq!(
        read.of("Domain"),
        Some(&*domain).filter(|domain| !domain.is_empty())
    );
    assert_eq!(read.of("HttpOnly").is_some(), flags.has(b'h'));
    assert_eq!(read.of("Partitioned").is_some(), flags.has(b'p'));
    assert!(read.of("Secure").is_some() || !flags.has(b's'));
    let max_age = read
        .of("Max-Age")
        .map(|seconds| seconds.parse::<i64>().unwrap());
    assert_eq!(
        max_age,
        if deletes && age.is_none() {
            Some(0)
        } else {
            age
        }
    );
    assert_eq!(
        read.of("expires").is_some(),
        max_age.is_some() || !expires.is_empty()
    );
    assert_eq!(
        cookie.refusal(NOW).is_some(),
        read.is_dropped(),
        "{header:?} {:?}",
        cookie.refusal(NOW)
    );
    if cookie.refusal(NOW) == Some(Refusal::TooLarge) {
        assert!(read.pair().len() > SetCookie::LARGEST);
    }

    // Twice is once, and another cookie stands beside it.
    let mut response = ResponseCookies::default();
    response.set(&cookie, NOW);
    response.set(&cookie, NOW);
    response.set(&SetCookie::new("other~", "x").unwrap(), NOW);
    let other = usize::from(name != "other~");
    assert_eq!(response.header_values().count(), 1 + other);
    if other == 1 {
        assert_eq!(response.header_values().next(), Some(header));
    }
}

fn same_site(text: &str) -> Option<SameSite> {
    let known = ["strict", "lax", "none"].contains(&text.to_ascii_lowercase().as_str());
    match text.parse() {
        Ok(same_site) => {
            assert!(known);
            Some(same_site)
        }
        Err(error) => {
            assert!(!known && error == CookieError::SameSite);
            None
        }
    }
}

/// What a browser makes of a `Set-Cookie` header (RFC 6265bis, section 5.6).
struct Browser<'a> {
    name: &'a str,
    value: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Browser<'a> {
    fn read(header: &'a str) -> Self {
        let mut pieces = header
            .split(';')
            .map(|piece| piece.split_once('=').unwrap_or((piece, "")));
        let (name, value) = pieces.next().expect("a split has a first piece");
        let attributes: Vec<_> = pieces.map(|(name, value)| (name.trim(), value)).collect();
        for (place, (name, _)) in attributes.iter().enumerate() {
            let twice = attributes[..place]
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name));
            assert!(!twice, "{name} twice");
            let known = [
                "Domain",
                "expires",
                "HttpOnly",
                "Max-Age",
                "Partitioned",
                "Path",
                "SameSite",
                "Secure",
            ];
            assert!(
                known.contains(name),
                "an attribute that nobody asked for: {name:?}"
            );
        }
        Self {
            name,
            value,
            attributes,
        }
    }

    fn of(&self, attribute: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| *name == attribute);
        found.map(|(_, value)| *value)
    }

    /// The `Cookie` header in which it comes back.
    fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }

    fn is_dropped(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let secure = self.of("Secure").is_some();
        let whole_host = self.of("Domain").is_none() && self.of("Path") == Some("/");
        let longest = |name| self.of(name).map_or(0, str::len);
        let age = self.of("Max-Age").map(|age| age.parse::<i64>().unwrap());
        self.name.len() + self.value.len() > 4096
            || longest("Path").max(longest("Domain")) > 1024
            || age.is_some_and(|age| age > 400 * 24 * 3600)
            || (name.starts_with("__secure-") && !secure)
            || (name.starts_with("__host-") && !(secure && whole_host))
            || (self.of("SameSite") == Some("None") && !secure)
            || (self.of("Partitioned").is_some() && !secure)
    }
}
