//! How many connections each address holds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// Counts connections by address: by the whole of an IPv4 address, and by the /64 network of an IPv6 address,
/// which is what one customer gets.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Crowd {
    /// A place for one more connection of this address, given up when dropped; `None` if it holds its share.
    pub(super) fn enter(&self, address: IpAddr, limits: &Limits) -> Option<Place> {
        let address = address.to_canonical();
        if address.is_loopback() || limits.proxies.contains(&address) {
            return Some(Place(None));
        }
        let network = network(address);
        let mut counts = self.counts();
        let count = counts.entry(network).or_default();
        if *count >= limits.per_address {
            return None;
        }
        *count += 1;
        Some(Place(Some((self.clone(), network))))
    }

    fn leave(&self, network: IpAddr) {
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&network);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place in the crowd.
#[derive(Debug)]
pub(super) struct Place(Option<(Crowd, IpAddr)>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((crowd, network)) = self.0.take() {
            crowd.leave(network);
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_does_not_take_the_places_of_another() {
        let limits = Limits {
            per_address: 2,
            ..Limits::default()
        };
        let crowd = Crowd::default();
        let first = crowd.enter(address("192.0.2.1"), &limits).unwrap();
        let _second = crowd.enter(address("::ffff:192.0.2.1"), &limits).unwrap();
        assert!(crowd.enter(address("192.0.2.1"), &limits).is_none());
        assert!(crowd.enter(address("192.0.2.2"), &limits).is_some());
        drop(first);
        assert!(crowd.enter(address("192.0.2.1"), &limits).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limits = Limits {
            per_address: 1,
            ..Limits::default()
        };
        let crowd = Crowd::default();
        let _place = crowd.enter(address("2001:db8::1"), &limits).unwrap();
        assert!(crowd.enter(address("2001:db8::ffff:2"), &limits).is_none());
        assert!(crowd.enter(address("2001:db8:0:1::1"), &limits).is_some());
    }

    /// CVE-2026-77050, CVE-2026-15337.
    #[test]
    fn proxies_and_loopback_are_not_counted_and_nothing_is_kept_of_those_who_left() {
        let limits = Limits {
            per_address: 0,
            proxies: vec![address("192.0.2.7")],
            ..Limits::default()
        };
        let crowd = Crowd::default();
        for free in ["127.0.0.1", "::1", "192.0.2.7"] {
            assert!(crowd.enter(address(free), &limits).is_some(), "{free}");
        }
        let place = crowd.enter(address("192.0.2.8"), &Limits::default());
        assert_eq!(crowd.counts().len(), 1);
        drop(place);
        assert!(crowd.counts().is_empty());
    }
}
