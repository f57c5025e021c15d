//! The cookies of one response: what Python's `SimpleCookie` makes of several calls.

use std::fmt;
use std::sync::Arc;

use super::same_site::SameSite;
use super::set_cookie::{Lifetime, SetCookie};
use crate::time::Timestamp;

/// The cookies that one response sets, in the order of their first setting.
///
/// Setting a name again is Django's: the cookie keeps its place **and every attribute that the later call
/// does not name**. `expires` alone is always set anew.
///
/// ```
/// use cloakroom_core::cookie::{ResponseCookies, SetCookie};
/// use cloakroom_core::time::Timestamp;
///
/// let now = Timestamp::from_unix_seconds(1_700_000_000);
/// let mut cookies = ResponseCookies::default();
/// cookies.set(&SetCookie::new("n", "old")?.max_age(10).secure(true), now);
/// cookies.set(&SetCookie::new("n", "new")?, now);
/// let headers: Vec<_> = cookies.header_values().collect();
/// assert_eq!(headers, ["n=new; Max-Age=10; Path=/; Secure"]);
/// # Ok::<(), cloakroom_core::cookie::CookieError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResponseCookies(Vec<Written>);

impl ResponseCookies {
    /// Sets a cookie, over the earlier one of its name if there is one. What it says about its end is
    /// counted from `now`.
    pub fn set(&mut self, cookie: &SetCookie, now: Timestamp) {
        if !self.set_again(cookie, now) {
            self.0.push(Written::new(cookie, now));
        }
    }

    /// Sets a cookie over the earlier one of its name; false, and nothing done, if there is none.
    pub fn set_again(&mut self, cookie: &SetCookie, now: Timestamp) -> bool {
        let mut earlier = self.0.iter_mut();
        match earlier.find(|written| *written.name == *cookie.name) {
            Some(written) => written.set(cookie, now),
            None => return false,
        }
        true
    }

    /// True if a cookie of this name is set or deleted here.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|written| *written.name == *name)
    }

    /// True if the response sets no cookie.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of each `Set-Cookie` header.
    pub fn header_values(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Written::header_value)
    }
}

/// A cookie as it will stand in the header (Python's `Morsel`). Empty texts are absent attributes.
#[derive(Clone, Default)]
struct Written {
    name: Arc<str>,
    coded_value: String,
    domain: Arc<str>,
    expires: String,
    http_only: bool,
    max_age: Option<i64>,
    partitioned: bool,
    path: Arc<str>,
    same_site: Option<SameSite>,
    secure: bool,
}

impl Written {
    fn new(cookie: &SetCookie, now: Timestamp) -> Self {
        let mut written = Self {
            name: Arc::clone(&cookie.name),
            ..Self::default()
        };
        written.set(cookie, now);
        written
    }

    /// `HttpResponse.set_cookie`.
    fn set(&mut self, cookie: &SetCookie, now: Timestamp) {
        self.coded_value.clone_from(&cookie.coded_value);
        self.expires.clone_from(&cookie.expires_text);
        if let Some((age, end)) = end(cookie.lifetime, now) {
            self.max_age = Some(age);
            if self.expires.is_empty() {
                self.expires = end.http_date();
            }
        }
        if let Some(path) = &cookie.path {
            self.path = Arc::clone(path);
        }
        if let Some(domain) = &cookie.domain {
            self.domain = Arc::clone(domain);
        }
        self.secure |= cookie.writes_secure();
        self.http_only |= cookie.http_only;
        self.partitioned |= cookie.partitioned;
        self.same_site = cookie.same_site.or(self.same_site);
    }

    fn header_value(&self) -> String {
        Attributes {
            name: &self.name,
            coded_value: &self.coded_value,
            domain: &self.domain,
            expires: &self.expires,
            http_only: self.http_only,
            max_age: self.max_age,
            partitioned: self.partitioned,
            path: &self.path,
            same_site: self.same_site,
            secure: self.secure,
        }
        .header_value()
    }
}

/// What stands in the header. Empty texts are absent attributes.
pub(super) struct Attributes<'a> {
    pub(super) name: &'a str,
    pub(super) coded_value: &'a str,
    pub(super) domain: &'a str,
    pub(super) expires: &'a str,
    pub(super) http_only: bool,
    pub(super) max_age: Option<i64>,
    pub(super) partitioned: bool,
    pub(super) path: &'a str,
    pub(super) same_site: Option<SameSite>,
    pub(super) secure: bool,
}

impl Attributes<'_> {
    /// The header's text. The attributes stand sorted by their lower-case names, and `expires` is itself in lower
    /// case.
    pub(super) fn header_value(&self) -> String {
        let mut text = String::with_capacity(self.name.len() + self.coded_value.len() + 128);
        let mut push = |parts: [&str; 3]| parts.into_iter().for_each(|part| text.push_str(part));
        push([self.name, "=", self.coded_value]);
        if !self.domain.is_empty() {
            push(["; ", "Domain=", self.domain]);
        }
        if !self.expires.is_empty() {
            push(["; ", "expires=", self.expires]);
        }
        if self.http_only {
            push(["; ", "HttpOnly", ""]);
        }
        if let Some(seconds) = self.max_age {
            push(["; ", "Max-Age=", &seconds.to_string()]);
        }
        if self.partitioned {
            push(["; ", "Partitioned", ""]);
        }
        if !self.path.is_empty() {
            push(["; ", "Path=", self.path]);
        }
        if let Some(same_site) = self.same_site {
            push(["; ", "SameSite=", same_site.as_str()]);
        }
        if self.secure {
            push(["; ", "Secure", ""]);
        }
        text
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}=..", self.name)
    }
}

/// `Max-Age` and the moment of `expires`.
pub(super) fn end(lifetime: Lifetime, now: Timestamp) -> Option<(i64, Timestamp)> {
    match lifetime {
        Lifetime::Unsaid => None,
        Lifetime::Seconds(seconds) => Some((seconds, now.plus_seconds(seconds))),
        Lifetime::Fractional(seconds) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "truncation toward zero is the rule, and `as` saturates"
            )]
            let whole = seconds as i64;
            Some((whole, now.plus_seconds_f64(seconds)))
        }
        Lifetime::Until(moment) => {
            let seconds = (moment.micros_since(now) + 1_000_000)
                .div_euclid(1_000_000)
                .max(0);
            Some((seconds, now.plus_seconds(seconds)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn cookie(name: &str, value: &str) -> SetCookie {
        SetCookie::new(name, value).unwrap()
    }

    fn headers(calls: &[SetCookie]) -> Vec<String> {
        let mut cookies = ResponseCookies::default();
        for call in calls {
            cookies.set(call, NOW);
        }
        cookies.header_values().collect()
    }

    #[test]
    fn headers_stand_in_the_order_of_first_setting() {
        assert_eq!(
            headers(&[cookie("b", "1"), cookie("a", "2"), cookie("b", "3")]),
            ["b=3; Path=/", "a=2; Path=/"]
        );
    }

    #[test]
    fn a_cookie_set_again_keeps_what_the_later_call_does_not_name() {
        let first = || {
            cookie("n", "1")
                .max_age(10)
                .secure(true)
                .http_only(true)
                .same_site(SameSite::Strict)
                .path("/p")
                .unwrap()
                .domain("example.com")
                .unwrap()
        };
        assert_eq!(
            headers(&[first(), cookie("n", "2")]),
            ["n=2; Domain=example.com; HttpOnly; Max-Age=10; Path=/; SameSite=Strict; Secure"]
        );
        let second = cookie("n", "2").unsaid_path().domain("").unwrap();
        assert_eq!(
            headers(&[first(), second.same_site(SameSite::Lax).max_age(-1)]),
            [
                "n=2; expires=Tue, 14 Nov 2023 22:13:19 GMT; HttpOnly; Max-Age=-1; Path=/p; SameSite=Lax; Secure"
            ]
        );
        assert_eq!(
            headers(&[first(), SetCookie::delete("n").unwrap()]),
            [
                "n=\"\"; Domain=example.com; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; \
              Path=/; SameSite=Strict; Secure"
            ]
        );
        let embedded = cookie("n", "1").secure(true).partitioned(true);
        assert_eq!(
            headers(&[embedded, cookie("n", "2")]),
            ["n=2; Partitioned; Path=/; Secure"]
        );
        let until = cookie("n", "1").expires_at(NOW.plus_seconds(5));
        assert_eq!(
            headers(&[until, cookie("n", "2")]),
            ["n=2; Max-Age=6; Path=/"]
        );
    }

    #[test]
    fn names_differ_by_case() {
        let cookies = headers(&[cookie("n", "1"), cookie("N", "2")]);
        assert_eq!(cookies.len(), 2);
    }

    #[test]
    fn debug_hides_values() {
        let mut cookies = ResponseCookies::default();
        assert!(cookies.is_empty());
        cookies.set(&cookie("n", "ticket"), NOW);
        assert!(!cookies.is_empty() && cookies.contains("n") && !cookies.contains("N"));
        assert_eq!(format!("{cookies:?}"), "ResponseCookies([n=..])");
    }
}
