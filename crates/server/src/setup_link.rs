//! The one-time link by which the first superuser is made in a browser.
//!
//! Exists only for a server on a loopback address whose database is our own and has no users. It is as good as
//! the whole site, so it must not work through a proxy (which would make it everybody's), from another site's
//! page, or after its time. That only one superuser comes of it is the database's word: the insert is made
//! with `CreateUser::OnlyTheFirst`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::time::Timestamp;
use http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A link that is open until it is used or 30 minutes have passed.
pub struct SetupLink {
    token: Zeroizing<String>,
    authority: String,
    ends: Timestamp,
    used: AtomicBool,
}

impl SetupLink {
    /// The path's part before the token.
    pub const PATH: &str = "/first-superuser/";

    /// Makes a link to the server that listens at `address`.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    ///
    /// # Panics
    /// The address is not a loopback address: such a link must not exist.
    pub fn new(address: SocketAddr, now: Timestamp) -> Result<Self, getrandom::Error> {
        assert!(
            address.ip().is_loopback(),
            "a setup link exists only on loopback"
        );
        let mut bytes = Zeroizing::new([0; 16]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self {
            token: Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)),
            authority: address.to_string(),
            ends: now.plus_seconds(LIFETIME),
            used: AtomicBool::new(false),
        })
    }

    /// The URL to print, once, for whoever started the server.
    #[must_use]
    pub fn url(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}{}/", self.origin(), Self::PATH, *self.token))
    }

    /// The origin that the form must come from, for the page's note.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Whether the form may be shown. Shows nothing that was not there before and uses nothing up: browsers
    /// fetch links ahead.
    ///
    /// # Errors
    /// The link is not this one, has ended, or is not asked for from this machine directly.
    pub fn check_get(&self, visit: &Visit<'_>) -> Result<(), LinkRefused> {
        self.check(visit)
    }

    /// Whether the form's answer may be used.
    ///
    /// # Errors
    /// As for [`check_get`](Self::check_get), or the form does not come from the printed origin.
    pub fn check_post(&self, visit: &Visit<'_>) -> Result<(), LinkRefused> {
        self.check(visit)?;
        let same_site = visit.headers.get("sec-fetch-site");
        let from_here = one(visit.headers, header::ORIGIN.as_str()) == Some(self.origin().as_str())
            && same_site.is_none_or(|site| site == "same-origin");
        if from_here {
            Ok(())
        } else {
            Err(LinkRefused::Origin)
        }
    }

    /// The superuser was made, or someone else was: the link is closed.
    pub fn close(&self) {
        self.used.store(true, Ordering::Release);
    }

    fn check(&self, visit: &Visit<'_>) -> Result<(), LinkRefused> {
        let known = visit.token.as_bytes().ct_eq(self.token.as_bytes());
        if !bool::from(known) {
            return Err(LinkRefused::Token);
        }
        if self.used.load(Ordering::Acquire) || visit.now >= self.ends {
            return Err(LinkRefused::Ended);
        }
        let forwarded = FORWARDING
            .iter()
            .any(|name| visit.headers.contains_key(*name));
        if forwarded || !visit.peer.to_canonical().is_loopback() {
            return Err(LinkRefused::Forwarded);
        }
        // A name that an attacker lets point here (DNS rebinding) is in Host.
        let host = match visit.authority {
            Some(authority) => Some(authority),
            None => one(visit.headers, header::HOST.as_str()),
        };
        if host == Some(self.authority.as_str()) {
            Ok(())
        } else {
            Err(LinkRefused::Host)
        }
    }
}

impl fmt::Debug for SetupLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SetupLink")
            .field("authority", &self.authority)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// One request for the link.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "each of these decides")]
pub struct Visit<'a> {
    /// The token in the path.
    pub token: &'a str,
    /// Who is at the other end of the connection.
    pub peer: IpAddr,
    /// The request line's authority, which HTTP/2 has instead of `Host`.
    pub authority: Option<&'a str>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// When it came.
    pub now: Timestamp,
}

/// Why a link does not work. The client learns only that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkRefused {
    /// This is not the link.
    Token,
    /// It was used, or its time is over.
    Ended,
    /// The request came through a proxy or from another machine.
    Forwarded,
    /// The request names another host than the link.
    Host,
    /// The form was not sent by the link's page.
    Origin,
}

impl fmt::Display for LinkRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token => "the setup link's token is wrong",
            Self::Ended => "the setup link has ended; start the server again for a new one",
            Self::Forwarded => "the setup link works only on this machine, without a proxy",
            Self::Host => "the setup link was opened under another host name than was printed",
            Self::Origin => "the setup form was sent from another origin than the link's",
        })
    }
}

impl std::error::Error for LinkRefused {}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

const LIFETIME: i64 = 30 * 60;

const FORWARDING: [&str; 14] = [
    "forwarded",
    "via",
    "x-forwarded",
    "x-forwarded-by",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-original-url",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
];

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn link() -> SetupLink {
        SetupLink::new("127.0.0.1:8000".parse().unwrap(), at(0)).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000 + seconds)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn post(
        link: &SetupLink,
        peer: IpAddr,
        now: Timestamp,
        pairs: &[(&'static str, &str)],
    ) -> Result<(), LinkRefused> {
        let headers = headers(pairs);
        let token = link.token.as_str();
        link.check_post(&Visit {
            token,
            peer,
            authority: None,
            headers: &headers,
            now,
        })
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:8000");
    const ORIGIN: (&str, &str) = ("origin", "http://127.0.0.1:8000");

    #[test]
    fn the_printed_link_works_from_its_own_page_for_half_an_hour() {
        let link = link();
        assert_eq!(
            *link.url(),
            format!("http://127.0.0.1:8000/first-superuser/{}/", *link.token)
        );
        assert_eq!(link.token.len(), 22);
        for (now, outcome) in [(0, Ok(())), (1799, Ok(())), (1800, Err(LinkRefused::Ended))] {
            assert_eq!(
                post(&link, LOCAL, at(now), &[HOST, ORIGIN]),
                outcome,
                "{now}"
            );
        }
        assert_eq!(
            post(
                &link,
                LOCAL,
                at(1),
                &[HOST, ORIGIN, ("sec-fetch-site", "same-origin")]
            ),
            Ok(())
        );
    }

    #[test]
    fn looking_uses_nothing_up_and_using_closes() {
        let link = link();
        let headers = headers(&[HOST]);
        let visit = Visit {
            token: &link.token,
            peer: LOCAL,
            authority: None,
            headers: &headers,
            now: at(1),
        };
        for _ in 0..3 {
            assert_eq!(link.check_get(&visit), Ok(()));
        }
        link.close();
        assert_eq!(link.check_get(&visit), Err(LinkRefused::Ended));
        assert_eq!(
            post(&link, LOCAL, at(1), &[HOST, ORIGIN]),
            Err(LinkRefused::Ended)
        );
    }

    #[test]
    fn another_token_is_refused() {
        let link = link();
        let headers = headers(&[HOST, ORIGIN]);
        let longer = format!("{}A", *link.token);
        for token in ["", "x", &link.token[1..], &longer, &*self::link().token] {
            let visit = Visit {
                token,
                peer: LOCAL,
                authority: None,
                headers: &headers,
                now: at(1),
            };
            assert_eq!(link.check_get(&visit), Err(LinkRefused::Token));
        }
    }

    /// N1.
    #[test]
    fn nothing_comes_through_a_proxy() {
        let link = link();
        for name in FORWARDING {
            assert_eq!(
                post(&link, LOCAL, at(1), &[HOST, ORIGIN, (name, "")]),
                Err(LinkRefused::Forwarded),
                "{name}"
            );
        }
        let elsewhere = "192.0.2.1".parse().unwrap();
        assert_eq!(
            post(&link, elsewhere, at(1), &[HOST, ORIGIN]),
            Err(LinkRefused::Forwarded)
        );
        // nginx's default adds none of these and sends our own address as Host: the origin is what tells.
        for origin in [
            None,
            Some("https://site.example"),
            Some("null"),
            Some("http://localhost:8000"),
            Some("http://127.0.0.1:8000/"),
        ] {
            let mut pairs = vec![HOST];
            pairs.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(
                post(&link, LOCAL, at(1), &pairs),
                Err(LinkRefused::Origin),
                "{origin:?}"
            );
        }
        assert_eq!(
            post(&link, LOCAL, at(1), &[HOST, ORIGIN, ORIGIN]),
            Err(LinkRefused::Origin)
        );
        assert_eq!(
            post(
                &link,
                LOCAL,
                at(1),
                &[HOST, ORIGIN, ("sec-fetch-site", "cross-site")]
            ),
            Err(LinkRefused::Origin)
        );
    }

    /// N1.
    #[test]
    fn a_name_that_was_pointed_here_is_refused() {
        let link = link();
        for host in [
            &[("host", "evil.example:8000")][..],
            &[],
            &[HOST, ("host", "evil.example")],
        ] {
            let pairs: Vec<_> = host.iter().copied().chain([ORIGIN]).collect();
            assert_eq!(
                post(&link, LOCAL, at(1), &pairs),
                Err(LinkRefused::Host),
                "{host:?}"
            );
        }
    }

    #[test]
    fn it_is_not_shown_by_debug() {
        let link = link();
        assert!(!format!("{link:?}").contains(link.token.as_str()));
    }
}
