//! Which host, scheme and port a request has, and whether its host is one of the site's.
//!
//! Checked for every request, before any page runs: a page must never build a link or take a cookie on the
//! word of a host that is not ours.

mod network;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::Extensions;
use http::header::{HOST, HeaderMap, HeaderName};
use http::request::Parts;
use http::uri::Authority;

pub use network::{Network, NotANetwork, TrustedProxies};

/// Which hosts, schemes and proxies are believed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostRules {
    /// `ALLOWED_HOSTS`.
    pub allowed: Vec<HostPattern>,
    /// `TRUSTED_PROXIES`: whose forwarding headers are believed at all. None by default: anybody can send
    /// `X-Forwarded-Proto`.
    pub trusted_proxies: TrustedProxies,
    /// `SECURE_PROXY_SSL_HEADER`: the header, and the value that means https.
    pub secure_proxy_ssl_header: Option<(HeaderName, String)>,
    /// `USE_X_FORWARDED_HOST`.
    pub use_x_forwarded_host: bool,
    /// `USE_X_FORWARDED_PORT`.
    pub use_x_forwarded_port: bool,
    /// The port that is listened on, where the connection does not tell.
    pub port: u16,
}

impl Default for HostRules {
    /// Loopback names only, and no proxy.
    fn default() -> Self {
        Self {
            allowed: [".localhost", "127.0.0.1", "[::1]"]
                .map(HostPattern::new)
                .to_vec(),
            trusted_proxies: TrustedProxies::Networks(Vec::new()),
            secure_proxy_ssl_header: None,
            use_x_forwarded_host: false,
            use_x_forwarded_port: false,
            port: 80,
        }
    }
}

impl HostRules {
    /// As Django: its settings are believed whoever sends the headers.
    #[must_use]
    pub fn django() -> Self {
        Self {
            trusted_proxies: TrustedProxies::Everybody,
            ..Self::default()
        }
    }

    /// Reads a header's name as Django writes it, `HTTP_X_FORWARDED_PROTO`.
    pub(crate) fn proxy_header(
        &self,
        name: &str,
        value: String,
    ) -> Result<(HeaderName, String), NotAHeader> {
        let header = name
            .strip_prefix("HTTP_")
            .ok_or(NotAHeader)?
            .replace('_', "-");
        Ok((
            HeaderName::from_bytes(header.as_bytes()).map_err(|_| NotAHeader)?,
            value,
        ))
    }

    /// What the request's head says about where it was sent.
    ///
    /// # Errors
    /// The host is missing, given twice, malformed or none of the site's.
    pub(crate) fn place(&self, head: &Head<'_>) -> Result<Place, BadHost> {
        let proxied = self.trusted_proxies.include(|| head.peer());
        let (host, loopback) = self.host(head, proxied)?;
        let secure = self.is_secure(head, proxied);
        // The cheap questions first: this is asked of every request.
        let local = !secure
            && self.secure_proxy_ssl_header.is_none()
            && loopback
            && !head.headers.keys().any(is_forwarding);
        let forwarded_port = if proxied && self.use_x_forwarded_port {
            head.headers
                .get("x-forwarded-port")
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        } else {
            None
        };
        let local_port = || head.listener.map(|listener| listener.port);
        let port = forwarded_port.or_else(local_port).unwrap_or(self.port);
        Ok(Place {
            host,
            secure,
            local,
            port,
            client: self.trusted_proxies.client(head.peer(), head.headers),
        })
    }

    /// The host as it was sent, and whether it is this machine.
    fn host(&self, head: &Head<'_>, proxied: bool) -> Result<(Arc<str>, bool), BadHost> {
        let mut hosts = head.headers.get_all(HOST).iter();
        let header = hosts.next();
        if hosts.next().is_some() {
            return Err(BadHost::Twice);
        }
        let forwards = proxied && self.use_x_forwarded_host;
        // Nearly every request names one of the hosts as it stands in the settings.
        if let (Some(header), None, false) = (header, head.authority, forwards) {
            let is_it = |pattern: &&HostPattern| {
                pattern.is_host && pattern.text.as_bytes() == header.as_bytes()
            };
            if let Some(pattern) = self.allowed.iter().find(is_it) {
                return Ok((Arc::clone(&pattern.text), pattern.is_loopback));
            }
        }
        let header = header
            .map(|value| value.to_str().map_err(|_| BadHost::Malformed))
            .transpose()?;
        // An absolute request line or HTTP/2's `:authority` names the host too; a proxy may go by the one, we
        // by the other.
        let sent = match (header, head.authority.map(Authority::as_str)) {
            (Some(header), Some(authority)) if header != authority => {
                return Err(BadHost::Disagreeing);
            }
            (header, authority) => header.or(authority).ok_or(BadHost::Missing)?,
        };
        let forwarded = if forwards {
            head.headers.get("x-forwarded-host")
        } else {
            None
        };
        let host = match forwarded {
            Some(value) => value.to_str().map_err(|_| BadHost::Malformed)?,
            None => sent,
        };
        let (domain, _) = domain_and_port(host).ok_or(BadHost::Malformed)?;
        let name = domain.strip_suffix('.').unwrap_or(domain);
        if self.allowed.iter().any(|pattern| pattern.matches(name)) {
            Ok((host.into(), is_loopback_name(domain)))
        } else {
            Err(BadHost::NotAllowed)
        }
    }

    /// Django's `is_secure`: where the header is there, it alone decides.
    fn is_secure(&self, head: &Head<'_>, proxied: bool) -> bool {
        let header = self.secure_proxy_ssl_header.as_ref().filter(|_| proxied);
        let header = header.and_then(|(name, value)| Some((head.headers.get(name)?, value)));
        match header {
            Some((sent, value)) => sent
                .to_str()
                .is_ok_and(|sent| sent.split(',').next().map(str::trim) == Some(value)),
            None => head.listener.is_some_and(|listener| listener.tls),
        }
    }
}

/// The parts of a request that say where it was sent.
pub(crate) struct Head<'a> {
    headers: &'a HeaderMap,
    authority: Option<&'a Authority>,
    extensions: &'a Extensions,
    listener: Option<&'a Listener>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self {
            headers: &parts.headers,
            authority: parts.uri.authority(),
            extensions: &parts.extensions,
            listener: parts.extensions.get(),
        }
    }

    fn peer(&self) -> Option<IpAddr> {
        let peer = self.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|peer| peer.0.ip())
    }
}

/// What a server tells of the connection that a request came over, as an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers make it")]
pub struct Listener {
    /// The port that is listened on.
    pub port: u16,
    /// Whether the connection itself is TLS.
    pub tls: bool,
}

/// Where a request was sent.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The host as the client wrote it, port included.
    pub(crate) host: Arc<str>,
    /// Over https.
    pub(crate) secure: bool,
    /// Plain http to this machine, with no sign of a proxy.
    pub(crate) local: bool,
    /// The port as far as it matters to the referer check.
    pub(crate) port: u16,
    /// Who asks, as far as it is known: never a trusted proxy, nor this machine, which may be one.
    pub(crate) client: Option<IpAddr>,
}

/// One entry of `ALLOWED_HOSTS`: `*`, `.example.com` with all its subdomains, or a name. Ports do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    text: Arc<str>,
    /// A request's host that reads the same is allowed as it is.
    is_host: bool,
    is_loopback: bool,
}

impl HostPattern {
    /// Reads an entry.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let text = pattern.to_ascii_lowercase();
        let is_name = !text.starts_with('.') && !text.ends_with('.');
        Self {
            is_host: is_name && domain_and_port(&text) == Some((&text, "")),
            is_loopback: is_loopback_name(&text),
            text: text.into(),
        }
    }

    fn matches(&self, domain: &str) -> bool {
        match self.text.strip_prefix('.') {
            _ if &*self.text == "*" => true,
            Some(parent) => {
                domain.eq_ignore_ascii_case(parent) || ends_ignoring_case(domain, &self.text)
            }
            None => domain.eq_ignore_ascii_case(&self.text),
        }
    }
}

/// The text names no header as Django's settings do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAHeader;

impl fmt::Display for NotAHeader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a header's name such as HTTP_X_FORWARDED_PROTO")
    }
}

/// Why a request's host is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHost {
    Missing,
    Twice,
    Disagreeing,
    Malformed,
    NotAllowed,
}

impl fmt::Display for BadHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "the request names no host",
            Self::Twice => "the request names a host twice",
            Self::Disagreeing => "the request line and the Host header name different hosts",
            Self::Malformed => "the request's host is malformed",
            Self::NotAllowed => {
                "the request's host is not one of ALLOWED_HOSTS; add it there if it is the site's"
            }
        })
    }
}

/// Splits what Django's `host_validation_re` matches: a name or a bracketed address, and digits.
fn domain_and_port(host: &str) -> Option<(&str, &str)> {
    let end = if host.starts_with('[') {
        host.find(']')? + 1
    } else {
        let colon = host.bytes().position(|byte| byte == b':');
        colon.unwrap_or(host.len())
    };
    let (domain, port) = host.split_at(end);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let in_brackets = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let well_formed = match domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => !address.is_empty() && address.bytes().all(in_brackets),
        None => !domain.is_empty() && domain.bytes().all(allowed),
    };
    let port = if port.is_empty() {
        port
    } else {
        port.strip_prefix(':').filter(|port| !port.is_empty())?
    };
    (well_formed && port.bytes().all(|byte| byte.is_ascii_digit())).then_some((domain, port))
}

fn is_loopback_name(domain: &str) -> bool {
    let address = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(domain);
    // Most hosts are names, which is cheaper to see than to find out by reading an address.
    let may_be_address = address.starts_with(|first: char| first.is_ascii_digit() || first == ':');
    may_be_address
        && address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
        || domain.eq_ignore_ascii_case("localhost")
        || ends_ignoring_case(domain, ".localhost")
}

fn ends_ignoring_case(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|text| text.eq_ignore_ascii_case(end))
}

fn is_forwarding(name: &HeaderName) -> bool {
    name == "forwarded"
        || name == "via"
        || name == "x-real-ip"
        || name.as_str().starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)], peer: &str) -> Parts {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4242)));
        parts
    }

    fn place(rules: &HostRules, headers: &[(&str, &str)]) -> Result<Place, BadHost> {
        rules.place(&Head::of(&parts("/", headers, "10.0.0.1")))
    }

    fn host_error(uri: &str, headers: &[(&str, &str)]) -> Option<BadHost> {
        HostRules::default()
            .place(&Head::of(&parts(uri, headers, "127.0.0.1")))
            .err()
    }

    /// CVE-2011-4139, CVE-2011-4140, CVE-2016-9014.
    #[test]
    fn hosts_that_are_not_ours_are_refused() {
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "a.localhost",
            "127.0.0.1:1",
            "[::1]:8000",
            "localhost.",
        ] {
            assert_eq!(host_error("/", &[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.2",
            "xlocalhost",
        ] {
            assert_eq!(
                host_error("/", &[("host", host)]),
                Some(BadHost::NotAllowed),
                "{host}"
            );
        }
        for host in [
            "",
            ":80",
            "a b",
            "localhost:80@evil.example",
            "localhost:",
            "localhost:x",
            "[::1",
            "[]",
            "a/b",
        ] {
            assert_eq!(
                host_error("/", &[("host", host)]),
                Some(BadHost::Malformed),
                "{host}"
            );
        }
        assert_eq!(host_error("/", &[]), Some(BadHost::Missing));
        assert_eq!(
            host_error("/", &[("host", "localhost"), ("host", "localhost")]),
            Some(BadHost::Twice)
        );
        assert_eq!(
            host_error("http://localhost/", &[("host", "127.0.0.1")]),
            Some(BadHost::Disagreeing)
        );
        assert_eq!(
            host_error("http://localhost/", &[("host", "localhost")]),
            None
        );
    }

    #[test]
    fn patterns_are_django_s() {
        let matches = |pattern: &str, domain| HostPattern::new(pattern).matches(domain);
        assert!(matches("*", "anything"));
        assert!(
            matches(".Example.com", "example.com") && matches(".example.com", "a.b.example.com")
        );
        assert!(
            !matches(".example.com", "evilexample.com") && !matches("example.com", "a.example.com")
        );
    }

    /// H3.
    #[test]
    fn only_trusted_proxies_are_believed() {
        let mut rules = HostRules {
            use_x_forwarded_host: true,
            use_x_forwarded_port: true,
            ..HostRules::default()
        };
        rules.secure_proxy_ssl_header =
            Some((HeaderName::from_static("x-forwarded-proto"), "https".into()));
        let headers = [
            ("host", "localhost"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "a.localhost"),
            ("x-forwarded-port", "8443"),
        ];
        let stranger = place(&rules, &headers).unwrap();
        assert_eq!(
            (&*stranger.host, stranger.secure, stranger.port),
            ("localhost", false, 80)
        );
        rules.trusted_proxies = TrustedProxies::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
        let proxy = place(&rules, &headers).unwrap();
        assert_eq!(
            (&*proxy.host, proxy.secure, proxy.port),
            ("a.localhost", true, 8443)
        );
        assert!(
            !place(
                &rules,
                &[("host", "localhost"), ("x-forwarded-proto", "http")]
            )
            .unwrap()
            .secure
        );
    }

    #[test]
    fn an_entry_that_is_no_host_is_not_one_because_a_request_says_the_same() {
        for entry in [
            "site.example.",
            "site.example:80",
            "*",
            "a b",
            "a/b",
            "[::1",
            "",
        ] {
            let rules = HostRules {
                allowed: vec![HostPattern::new(entry)],
                ..HostRules::default()
            };
            assert!(place(&rules, &[("host", entry)]).is_err(), "{entry}");
        }
    }

    #[test]
    fn only_plain_http_to_a_loopback_name_without_a_proxy_is_local() {
        let rules = HostRules {
            allowed: vec![HostPattern::new("*")],
            ..HostRules::default()
        };
        assert!(place(&rules, &[("host", "localhost:8000")]).unwrap().local);
        assert!(place(&rules, &[("host", "127.0.0.2")]).unwrap().local);
        assert!(!place(&rules, &[("host", "example.com")]).unwrap().local);
        for header in [
            "x-forwarded-for",
            "x-forwarded-proto",
            "forwarded",
            "via",
            "x-real-ip",
        ] {
            assert!(
                !place(&rules, &[("host", "localhost"), (header, "x")])
                    .unwrap()
                    .local,
                "{header}"
            );
        }
    }
}
