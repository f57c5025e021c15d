//! Proxies whose word is taken: addresses and networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

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
}
