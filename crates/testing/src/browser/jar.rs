//! A browser's cookies (RFC 6265bis, section 5.6 to 5.8).

use std::time::{Duration, SystemTime};

#[derive(Debug)]
pub(super) struct Jar {
    pub(super) cookies: Vec<Cookie>,
    pub(super) clock: SystemTime,
}

/// Where a request goes, as far as cookies are concerned.
pub(super) struct Place<'a> {
    pub(super) secure: bool,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
}

#[derive(Debug)]
pub(super) struct Cookie {
    name: String,
    value: String,
    /// With a domain, its subdomains get it too.
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    ends: Option<SystemTime>,
}

impl Jar {
    /// The `Cookie` header for a request.
    pub(super) fn header(&self, place: &Place<'_>) -> Option<String> {
        let text = joined(self.sent_to(place));
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn for_scripts(&self, place: &Place<'_>) -> String {
        joined(
            self.sent_to(place)
                .into_iter()
                .filter(|cookie| !cookie.http_only),
        )
    }

    pub(super) fn value(&self, name: &str, place: &Place<'_>) -> Option<String> {
        let sent = self.sent_to(place);
        let found = sent.into_iter().find(|cookie| cookie.name == name)?;
        Some(found.value.clone())
    }

    /// Longer paths first, then earlier cookies.
    fn sent_to(&self, place: &Place<'_>) -> Vec<&Cookie> {
        let fits = |cookie: &&Cookie| {
            cookie.ends.is_none_or(|end| end > self.clock)
                && (place.secure || !cookie.secure)
                && path_matches(place.path, &cookie.path)
                && cookie
                    .domain
                    .as_deref()
                    .is_none_or(|domain| domain_matches(place.host, domain))
        };
        let mut sent: Vec<&Cookie> = self.cookies.iter().filter(fits).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        sent
    }

    /// Stores a cookie, or drops it as browsers do: without a word.
    pub(super) fn receive(&mut self, text: &str, place: &Place<'_>) {
        let Some(cookie) = self.accepted(text, place) else {
            return;
        };
        let same = |other: &Cookie| {
            (&other.name, &other.domain, &other.path)
                == (&cookie.name, &cookie.domain, &cookie.path)
        };
        let earlier = self.cookies.iter().position(same);
        // Browsers do not let plain http overwrite what is for https only.
        if earlier.is_some_and(|at| self.cookies[at].secure && !place.secure) {
            return;
        }
        let ended = cookie.ends.is_some_and(|end| end <= self.clock);
        match (earlier, ended) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            (Some(at), false) => self.cookies[at] = cookie,
            (None, true) => {}
            (None, false) => self.cookies.push(cookie),
        }
    }

    fn accepted(&self, text: &str, place: &Place<'_>) -> Option<Cookie> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: None,
            path: default_path(place.path).to_owned(),
            secure: false,
            http_only: false,
            ends: None,
        };
        let mut max_age = None;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "domain" if !value.is_empty() => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    cookie.domain = Some(domain.to_ascii_lowercase());
                }
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "expires" => cookie.ends = httpdate::parse_http_date(value).ok(),
                "max-age" => max_age = value.parse::<i64>().ok(),
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            let left = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            cookie.ends = Some(self.clock + left);
        }
        let own_domain = cookie
            .domain
            .as_deref()
            .is_none_or(|domain| domain_matches(place.host, domain));
        let prefix = |prefix: &str| {
            cookie
                .name
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let whole_host = cookie.domain.is_none() && cookie.path == "/";
        let small = cookie.name.len() + cookie.value.len() <= 4096;
        let kept = own_domain
            && small
            && (place.secure || !cookie.secure)
            && (cookie.secure || !(prefix("__Secure-") || prefix("__Host-")))
            && (whole_host || !prefix("__Host-"));
        kept.then_some(cookie)
    }
}

impl Default for Jar {
    fn default() -> Self {
        Self {
            cookies: Vec::new(),
            clock: SystemTime::now(),
        }
    }
}

fn joined<'a>(cookies: impl IntoIterator<Item = &'a Cookie>) -> String {
    let pairs = cookies
        .into_iter()
        .map(|cookie| format!("{}={}", cookie.name, cookie.value));
    pairs.collect::<Vec<String>>().join("; ")
}

fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Place<'_> = Place {
        secure: true,
        host: "www.example.com",
        path: "/a/b",
    };

    fn jar(cookies: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for cookie in cookies {
            jar.receive(cookie, &PAGE);
        }
        jar
    }

    fn sent(cookies: &[&str], place: &Place<'_>) -> String {
        jar(cookies).header(place).unwrap_or_default()
    }

    #[test]
    fn cookies_go_where_their_path_and_domain_say() {
        let cookies = [
            "n=1",
            "p=2; Path=/",
            "q=3; Path=/a/b",
            "d=4; Path=/; Domain=example.com",
        ];
        assert_eq!(sent(&cookies, &PAGE), "q=3; n=1; p=2; d=4");
        assert_eq!(
            sent(
                &cookies,
                &Place {
                    path: "/ab",
                    ..PAGE
                }
            ),
            "p=2; d=4"
        );
        assert_eq!(sent(&["x=1; Domain=evil.example"], &PAGE), "");
    }

    #[test]
    fn secure_and_prefixed_cookies_need_https() {
        let plain = Place {
            secure: false,
            ..PAGE
        };
        assert_eq!(sent(&["a=1; Secure", "b=2"], &plain), "b=2");
        let prefixed = [
            "__Host-a=1; Secure; Path=/x",
            "__host-b=2; Path=/",
            "__Secure-c=3",
        ];
        assert_eq!(sent(&prefixed, &PAGE), "");
        assert_eq!(sent(&["__Host-a=1; Secure; Path=/"], &PAGE), "__Host-a=1");
    }

    #[test]
    fn cookies_end_and_are_deleted() {
        assert_eq!(sent(&["a=1", "a=; Max-Age=0"], &PAGE), "");
        assert_eq!(
            sent(&["a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT"], &PAGE),
            ""
        );
        let mut jar = jar(&["a=1; Max-Age=10", "b=2"]);
        jar.clock += Duration::from_secs(10);
        assert_eq!(jar.header(&PAGE).unwrap(), "b=2");
    }

    #[test]
    fn scripts_do_not_see_everything() {
        let jar = jar(&["a=1; HttpOnly", "b=2"]);
        assert_eq!(jar.for_scripts(&PAGE), "b=2");
    }
}
