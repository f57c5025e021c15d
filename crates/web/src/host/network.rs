//! Proxies whose word is taken: addresses and networks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;

/// Whose forwarding headers are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum TrustedProxies {
    /// Only those in these networks.
    Networks(Vec<Network>),
    /// Anybody's, as in Django: right only where nobody but the proxy can reach the server.
    Everybody,
}

impl TrustedProxies {
    /// Whether the peer is one of them. Most sites have none, and need not be told who it is.
    pub(super) fn include(&self, peer: impl FnOnce() -> Option<IpAddr>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Networks(networks) => {
                !networks.is_empty()
                    && peer()
                        .is_some_and(|peer| networks.iter().any(|network| network.contains(peer)))
            }
        }
    }

    /// The address from which a request comes; `None` if it is not known.
    ///
    /// Each proxy puts the address that it sees at the end of `X-Forwarded-For`, so what stands before the first
    /// address that is not a trusted proxy's is hearsay. A peer on this machine may be a proxy that nobody has named:
    /// then everybody would have its address, so it has none.
    pub(super) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        if !self.include(|| Some(peer)) {
            return (!peer.is_loopback()).then_some(peer);
        }
        let values = headers.get_all("x-forwarded-for").iter().rev();
        let mut forwarded = values.flat_map(|value| value.to_str().unwrap_or("").rsplit(','));
        let last_stranger = forwarded.find_map(|text| match address(text.trim()) {
            // Of everybody's word the last one's is worth most.
            Some(address) if *self != Self::Everybody && self.include(|| Some(address)) => None,
            found => Some(found),
        });
        match (last_stranger, self) {
            (Some(client), _) => client,
            (None, Self::Everybody) => (!peer.is_loopback()).then_some(peer),
            (None, Self::Networks(_)) => None,
        }
    }
}

/// An address as proxies write it, some with a port and IPv6 in brackets then.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse().ok().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

/// An address, or a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u32,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let differing = self.address ^ as_v6(address);
        self.bits == 0 || differing >> (128 - self.bits) == 0
    }
}

/// IPv4 addresses take their mapped form, which is also how a listener for both kinds sees them.
fn as_v6(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = text
            .split_once('/')
            .map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = bits
            .map_or(Ok(width), str::parse)
            .map_err(|_| NotANetwork)?;
        if bits > width {
            return Err(NotANetwork);
        }
        Ok(Self {
            address: as_v6(address),
            bits: bits + 128 - width,
        })
    }
}

/// The text is no IP address and no network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl fmt::Display for NotANetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not an IP address, nor a network such as 10.0.0.0/8")
    }
}

impl std::error::Error for NotANetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_compared_in_both_families() {
        let network = |text: &str| text.parse::<Network>();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(network("10.0.0.0/8").unwrap().contains(address("10.9.9.9")));
        assert!(
            network("10.0.0.0/8")
                .unwrap()
                .contains(address("::ffff:10.9.9.9"))
        );
        assert!(!network("10.0.0.0/8").unwrap().contains(address("11.0.0.1")));
        assert!(network("0.0.0.0/0").unwrap().contains(address("1.2.3.4")));
        assert!(
            !network("0.0.0.0/0")
                .unwrap()
                .contains(address("2001:db8::1"))
        );
        assert!(network("::/0").unwrap().contains(address("2001:db8::1")));
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "localhost",
            "10.0.0.0/",
        ] {
            assert_eq!(network(text), Err(NotANetwork), "{text}");
        }
    }

    /// H3.
    #[test]
    fn the_client_is_the_last_who_is_no_trusted_proxy() {
        let networks = |texts: &[&str]| {
            let networks = texts.iter().map(|text| text.parse().unwrap());
            TrustedProxies::Networks(networks.collect())
        };
        let proxies = networks(&["10.0.0.0/8", "127.0.0.1"]);
        let rows: [(&TrustedProxies, &str, &[&str], Option<&str>); 17] = [
            (&proxies, "203.0.113.7", &[], Some("203.0.113.7")),
            (
                &proxies,
                "203.0.113.7",
                &["198.51.100.1"],
                Some("203.0.113.7"),
            ),
            (&proxies, "::ffff:203.0.113.7", &[], Some("203.0.113.7")),
            (&proxies, "10.0.0.1", &["203.0.113.7"], Some("203.0.113.7")),
            (
                &proxies,
                "10.0.0.1",
                &["1.1.1.1, 203.0.113.7"],
                Some("203.0.113.7"),
            ),
            (
                &proxies,
                "10.0.0.1",
                &["203.0.113.7, 10.2.3.4"],
                Some("203.0.113.7"),
            ),
            (
                &proxies,
                "127.0.0.1",
                &["203.0.113.7,10.2.3.4"],
                Some("203.0.113.7"),
            ),
            (
                &proxies,
                "10.0.0.1",
                &["1.1.1.1", "203.0.113.7"],
                Some("203.0.113.7"),
            ),
            (
                &proxies,
                "10.0.0.1",
                &["203.0.113.7:4242"],
                Some("203.0.113.7"),
            ),
            (
                &proxies,
                "10.0.0.1",
                &["[2001:db8::1]:4242"],
                Some("2001:db8::1"),
            ),
            (
                &proxies,
                "10.0.0.1",
                &["[2001:db8::1]"],
                Some("2001:db8::1"),
            ),
            (&proxies, "10.0.0.1", &["203.0.113.7, unknown"], None),
            (&proxies, "10.0.0.1", &["10.2.3.4"], None),
            (&proxies, "10.0.0.1", &[], None),
            (&networks(&[]), "127.0.0.1", &["203.0.113.7"], None),
            (&networks(&[]), "::1", &[], None),
            (
                &TrustedProxies::Everybody,
                "10.0.0.1",
                &["1.1.1.1, 203.0.113.7"],
                Some("203.0.113.7"),
            ),
        ];
        for (proxies, peer, forwarded, expected) in rows {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let client = proxies.client(Some(peer.parse().unwrap()), &headers);
            let expected = expected.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(client, expected, "{peer} {forwarded:?}");
            assert_eq!(proxies.client(None, &headers), None);
        }
        let everybody = TrustedProxies::Everybody;
        let peer: IpAddr = "203.0.113.7".parse().unwrap();
        assert_eq!(everybody.client(Some(peer), &HeaderMap::new()), Some(peer));
        let here = Some("127.0.0.1".parse().unwrap());
        assert_eq!(everybody.client(here, &HeaderMap::new()), None);
    }
}
