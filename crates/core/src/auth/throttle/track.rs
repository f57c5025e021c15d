//! Who is counted: an account, an address, both together, or a browser that its owner has used before.

use std::net::IpAddr;

use super::delay::Delays;
use super::{Limits, device};
use crate::session::SessionKey;
use crate::signing::SaltedHmac;

/// What one try to sign in is counted under.
///
/// It holds MACs: neither the log nor the store learns a name or an address from it.
#[derive(Clone, Debug)]
pub struct Track(pub(super) Vec<Place>);

/// One of the things that a try is counted under.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) key: SessionKey,
    pub(super) delays: Delays,
    /// A success forgets what was counted here. It does not forgive an address what it did to others.
    pub(super) forgives: bool,
}

impl Track {
    /// Of a try from anywhere but a browser that is known.
    ///
    /// `account` is the [canonical name](super::super::canonical_login) of what was typed, whether or not there is such
    /// a user.
    pub(super) fn stranger(
        hasher: &SaltedHmac,
        limits: &Limits,
        account: &str,
        address: Option<IpAddr>,
    ) -> Self {
        let address = address.map(network);
        let place = |kind: &str, what: &str, delays: Delays, forgives: bool| Place {
            key: key(hasher, kind, what),
            delays,
            forgives,
        };
        let mut places = Vec::with_capacity(3);
        if let Some(address) = &address {
            let both = format!("{address} {account}");
            places.push(place("both", &both, limits.both, true));
            places.push(place("address", address, limits.address, false));
        }
        places.push(place("account", account, limits.account, true));
        Self(places)
    }

    /// Of a try from a browser in which this user has signed in before.
    pub(super) fn device(hasher: &SaltedHmac, limits: &Limits, device: &device::Device) -> Self {
        Self(vec![Place {
            key: key(hasher, "device", device.id()),
            delays: limits.device,
            forgives: true,
        }])
    }

    /// Of a letter to this address, which is counted as if it were a failure.
    pub(super) fn letter(hasher: &SaltedHmac, address: &str) -> Self {
        Self(vec![Place {
            key: key(hasher, "letter", address),
            delays: Delays::LETTERS,
            forgives: false,
        }])
    }

    /// Of the account alone, for a name that turned out to be another spelling of it.
    pub(super) fn account(hasher: &SaltedHmac, limits: &Limits, account: &str) -> Self {
        Self::stranger(hasher, limits, account, None)
    }
}

/// What is counted as one address: of IPv6 the /64 network, which is what one customer gets.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}/64", address.to_bits() >> 64),
    }
}

/// As many characters as Django's table of sessions has room for. Its own keys have 32, so none is ever one of these.
const KEY_LENGTH: usize = 40;

fn key(hasher: &SaltedHmac, kind: &str, what: &str) -> SessionKey {
    // No kind has a space.
    let mut digits = hasher.hex(format!("{kind} {what}").as_bytes());
    digits.truncate(KEY_LENGTH);
    SessionKey::parse(&digits).expect("hexadecimal digits are a key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    fn keys(account: &str, address: Option<&str>) -> Vec<SessionKey> {
        let hasher = SaltedHmac::new(b"s", &SecretKey::insecure_new("k").unwrap());
        let address = address.map(|text| text.parse().unwrap());
        let track = Track::stranger(&hasher, &Limits::default(), account, address);
        track.0.into_iter().map(|place| place.key).collect()
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_so_are_both_forms_of_ipv4() {
        let same = [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
        ];
        for (one, other, expected) in same {
            let equal = keys("ann", Some(one)) == keys("ann", Some(other));
            assert_eq!(equal, expected, "{one} and {other}");
        }
    }

    #[test]
    fn accounts_addresses_and_both_are_counted_apart() {
        let of_ann = keys("ann", Some("203.0.113.7"));
        let of_bob = keys("bob", Some("203.0.113.7"));
        let elsewhere = keys("ann", Some("203.0.113.8"));
        assert_eq!(of_ann.len(), 3);
        assert_eq!(
            (&of_ann[1], &of_ann[2]),
            (&of_bob[1], &elsewhere[2]),
            "address, account"
        );
        assert!(of_ann[0] != of_bob[0] && of_ann[0] != elsewhere[0], "both");
        assert_eq!(keys("ann", None), of_ann[2..]);
        // A name that looks like an address and a name counts for neither.
        assert_ne!(keys("203.0.113.7 ann", None)[0], of_ann[0]);
    }
}
