//! URLs split as Python's `urllib.parse.urlsplit` splits them.
//!
//! Which origin is trusted and where a login may lead is decided on these parts. A parser with other ideas,
//! however good, would accept what Django refuses.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use unicode_normalization::UnicodeNormalization as _;

/// The parts of a URL; each is empty if the URL lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SplitUrl {
    /// In lower case, without its colon.
    pub(crate) scheme: String,
    /// Everything between `//` and the path: user information, host and port, as they were written.
    pub(crate) netloc: String,
    pub(crate) path: String,
    /// Without its question mark.
    pub(crate) query: String,
    /// Without its number sign.
    pub(crate) fragment: String,
}

impl SplitUrl {
    /// `None` where Python raises `ValueError`: brackets that hold no IPv6 address, and characters that
    /// turn into delimiters when a host name is normalised.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let url = url.trim_start_matches(|character| character <= ' ');
        // Browsers drop these wherever they stand, so `java\tscript:` is a scheme.
        let url: Cow<'_, str> = if url.contains(DROPPED) {
            url.replace(DROPPED, "").into()
        } else {
            url.into()
        };
        let (scheme, rest) = split_scheme(&url);
        let (netloc, rest) = rest.strip_prefix("//").map_or(("", rest), |rest| {
            rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
        });
        if !brackets_are_sound(netloc) || !normalises_to_itself_or_harmlessly(netloc) {
            return None;
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            netloc: netloc.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            fragment: fragment.to_owned(),
        })
    }

    /// The text again (`urlunsplit`). Delimiters with nothing behind them disappear.
    ///
    /// An empty host keeps its slashes where what follows could pass for a host without them, and with schemes
    /// that have hosts. This is the rule of the newer Pythons.
    pub(crate) fn unsplit(&self) -> String {
        let mut url = String::new();
        if !self.scheme.is_empty() {
            url.push_str(&self.scheme);
            url.push(':');
        }
        let rooted = self.path.is_empty() || self.path.starts_with('/');
        let slashes = !self.netloc.is_empty()
            || self.path.starts_with("//")
            || (rooted && WITH_HOST.contains(&self.scheme.as_str()));
        if slashes {
            url.push_str("//");
            url.push_str(&self.netloc);
        }
        url.push_str(&self.path);
        for (delimiter, part) in [('?', &self.query), ('#', &self.fragment)] {
            if !part.is_empty() {
                url.push(delimiter);
                url.push_str(part);
            }
        }
        url
    }
}

/// The schemes whose URLs have a host (`uses_netloc`).
const WITH_HOST: [&str; 26] = [
    "ftp",
    "http",
    "gopher",
    "nntp",
    "telnet",
    "imap",
    "wais",
    "file",
    "mms",
    "https",
    "shttp",
    "snews",
    "prospero",
    "rtsp",
    "rtsps",
    "rtspu",
    "rsync",
    "svn",
    "svn+ssh",
    "sftp",
    "nfs",
    "git",
    "git+ssh",
    "ws",
    "wss",
    "itms-services",
];

const DROPPED: [char; 3] = ['\t', '\r', '\n'];

/// The scheme and what follows its colon; no scheme and everything, if what stands there is none.
fn split_scheme(url: &str) -> (&str, &str) {
    let Some((scheme, rest)) = url.split_once(':') else {
        return ("", url);
    };
    let begins_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let goes_on_well = scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if begins_well && goes_on_well {
        (scheme, rest)
    } else {
        ("", url)
    }
}

/// Brackets stand in pairs, around an IPv6 address, and nothing but a port follows them.
///
/// Older Pythons look only at what the first pair holds; this is the rule of the newer ones, which accept
/// less.
fn brackets_are_sound(netloc: &str) -> bool {
    let opens = netloc.contains('[');
    if opens != netloc.contains(']') {
        return false;
    }
    if !opens {
        return true;
    }
    let (user, host) = netloc.rsplit_once('@').unwrap_or(("", netloc));
    let Some((address, port)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) else {
        return false;
    };
    !user.contains('[')
        && (port.is_empty() || port.starts_with(':'))
        && (is_ipv6(address) || is_ip_future(address))
}

/// An address, with a zone (`%eth0`) or without.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text
        .split_once('%')
        .map_or((text, None), |(address, zone)| (address, Some(zone)));
    address.parse::<Ipv6Addr>().is_ok()
        && zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('%'))
}

/// `v1.anything`, the form that RFC 3986 keeps for addresses to come.
fn is_ip_future(text: &str) -> bool {
    let parts = text.strip_prefix('v').and_then(|text| text.split_once('.'));
    parts.is_some_and(|(version, address)| {
        !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !address.is_empty()
    })
}

/// False for a host like `exa℀mple.com`, which a browser may read as `exaa/cmple.com`.
fn normalises_to_itself_or_harmlessly(netloc: &str) -> bool {
    if netloc.is_ascii() {
        return true;
    }
    let plain = || {
        netloc
            .chars()
            .filter(|character| !"@:#?".contains(*character))
    };
    let normalised: String = plain().nfkc().collect();
    normalised.chars().eq(plain()) || !normalised.contains(['/', '?', '#', '@', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Option<[String; 5]> {
        SplitUrl::parse(url).map(|url| [url.scheme, url.netloc, url.path, url.query, url.fragment])
    }

    #[test]
    fn urls_come_apart_as_in_python() {
        let rows = [
            ("", ["", "", "", "", ""]),
            ("/a?b#c", ["", "", "/a", "b", "c"]),
            ("HtTpS://U:p@H:1/a", ["https", "U:p@H:1", "/a", "", ""]),
            ("http:///a", ["http", "", "/a", "", ""]),
            ("//h?q", ["", "h", "", "q", ""]),
            ("//h#f?x", ["", "h", "", "", "f?x"]),
            ("1http://h", ["", "", "1http://h", "", ""]),
            ("a_b:c", ["", "", "a_b:c", "", ""]),
            (":h", ["", "", ":h", "", ""]),
            ("java\tscript:1", ["javascript", "", "1", "", ""]),
            ("\u{0}\u{1f} /\n/h", ["", "h", "", "", ""]),
            ("\u{a0}//h", ["", "", "\u{a0}//h", "", ""]),
            ("//[::1]:80/", ["", "[::1]:80", "/", "", ""]),
            ("//u@[fe80::1%eth0]/", ["", "u@[fe80::1%eth0]", "/", "", ""]),
            ("//[v1.x]/", ["", "[v1.x]", "/", "", ""]),
            ("//é.example/", ["", "é.example", "/", "", ""]),
        ];
        for (url, expected) in rows {
            assert_eq!(parts(url), Some(expected.map(str::to_owned)), "{url:?}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for url in [
            "//[::1",
            "//::1]",
            "https://[",
            "//[]",
            "//[1.2.3.4]",
            "//[::1]x",
            "//x[::1]",
            "//[::1]@h",
            "//[::1%]",
            "//[v.x]",
            "//[vg.x]",
            "//[v1.]",
            "//exa\u{2100}mple.com",
            "//h\u{ff1a}80",
        ] {
            assert_eq!(parts(url), None, "{url}");
        }
    }

    #[test]
    fn parts_come_together_again() {
        let rows = [
            ("HTTPS://h/a?b#c", "https://h/a?b#c"),
            ("https://h?#", "https://h"),
            ("https://h/?#f", "https://h/#f"),
            ("/login/?next=x#y", "/login/?next=x#y"),
            ("https:///login/", "https:///login/"),
            ("https:/login/", "https:///login/"),
            ("https:login/", "https:login/"),
            ("http:", "http://"),
            ("mailto:a", "mailto:a"),
            ("////host/login/", "////host/login/"),
        ];
        for (url, expected) in rows {
            assert_eq!(SplitUrl::parse(url).unwrap().unsplit(), expected, "{url}");
        }
    }
}
