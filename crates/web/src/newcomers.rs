//! How many sessions that nobody has signed in to one address may begin.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_core::time::Timestamp;

/// Counts the sessions that each address begins: by the whole of an IPv4 address, and by the /64 network of an IPv6
/// address, which is what one customer gets.
///
/// Each address may begin an hour's share at once, and regains it evenly over the hour. Addresses fall into a fixed
/// number of places by a hash that nobody else can compute, and those in one place share its count. So this takes half a
/// megabyte whoever comes, nothing is ever forgotten too early, and an address that shares its place with a flood is
/// refused with it: one in 65,536 for each address that floods. Whoever had so many addresses, and made the whole share
/// of sessions from each of them, would end the beginning of new ones for everybody; users sign in as before.
pub(crate) struct Newcomers {
    /// For each place the moment, in microseconds, at which its whole share is regained.
    full_at: Box<[AtomicU64]>,
    hasher: RandomState,
    /// Microseconds after which one session is regained.
    interval: u64,
}

impl Newcomers {
    pub(crate) fn new(per_hour: NonZeroU32) -> Self {
        Self {
            full_at: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            interval: HOUR.div_ceil(u64::from(per_hour.get())),
        }
    }

    /// Counts one more session of this address; how many seconds it is to wait if it has had its share.
    pub(crate) fn admit(&self, address: IpAddr, now: Timestamp) -> Result<(), u64> {
        let now = u64::try_from(now.unix_micros()).unwrap_or(0);
        // Of two at the same time each finds what the other has left.
        let counted =
            self.place(address)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
                    // No more than an hour ahead, unless the clock has been set back since.
                    let full_at = if full_at > now.saturating_add(2 * HOUR) {
                        now
                    } else {
                        full_at.max(now)
                    };
                    let next = full_at.saturating_add(self.interval);
                    (next <= now.saturating_add(HOUR)).then_some(next)
                });
        counted.map(drop).map_err(|full_at| {
            let next = full_at.saturating_add(self.interval);
            next.saturating_sub(now.saturating_add(HOUR))
                .div_ceil(1_000_000)
        })
    }

    fn place(&self, address: IpAddr) -> &AtomicU64 {
        let hash = self.hasher.hash_one(network(address));
        // The remainder is less than the number of places.
        &self.full_at[usize::try_from(hash % PLACES).unwrap_or(0)]
    }
}

/// What is counted as one address.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

impl fmt::Debug for Newcomers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Newcomers")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

const PLACES: u64 = 1 << 16;
/// In microseconds.
const HOUR: u64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn newcomers(per_hour: u32) -> Newcomers {
        Newcomers::new(NonZeroU32::new(per_hour).unwrap())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// An address that does not share its place with the other one.
    fn elsewhere(newcomers: &Newcomers, other: IpAddr) -> IpAddr {
        let mut addresses = (1..=255).map(|last| IpAddr::from([198, 51, 100, last]));
        let apart =
            |address: &IpAddr| !std::ptr::eq(newcomers.place(*address), newcomers.place(other));
        addresses.find(apart).unwrap()
    }

    #[test]
    fn an_address_has_its_share_at_once_and_regains_it_over_the_hour() {
        let newcomers = newcomers(60);
        let one = address("203.0.113.7");
        let other = elsewhere(&newcomers, one);
        for _ in 0..60 {
            assert_eq!(newcomers.admit(one, NOW), Ok(()));
        }
        assert_eq!(newcomers.admit(one, NOW), Err(60));
        assert_eq!(newcomers.admit(one, NOW.plus_seconds(59)), Err(1));
        assert_eq!(newcomers.admit(other, NOW), Ok(()), "another address");
        assert_eq!(newcomers.admit(one, NOW.plus_seconds(60)), Ok(()));
        assert_eq!(newcomers.admit(one, NOW.plus_seconds(60)), Err(60));
        let later = NOW.plus_seconds(60 + 3600);
        for _ in 0..60 {
            assert_eq!(newcomers.admit(one, later), Ok(()));
        }
        assert_eq!(newcomers.admit(one, later), Err(60), "no more than a share");
    }

    #[test]
    fn who_is_refused_is_not_counted() {
        let newcomers = newcomers(1);
        let one = address("203.0.113.7");
        assert_eq!(newcomers.admit(one, NOW), Ok(()));
        for _ in 0..1000 {
            assert_eq!(newcomers.admit(one, NOW), Err(3600));
        }
        assert_eq!(newcomers.admit(one, NOW.plus_seconds(3600)), Ok(()));
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
            let equal = network(address(one)) == network(address(other));
            assert_eq!(equal, expected, "{one} and {other}");
        }
    }

    /// CVE-2026-77050, CVE-2026-15337.
    #[test]
    fn however_many_come_no_more_is_kept() {
        let newcomers = newcomers(1);
        for number in 0..200_000_u32 {
            let _ = newcomers.admit(IpAddr::from(number.to_be_bytes()), NOW);
        }
        assert_eq!(newcomers.full_at.len(), 65_536);
        let taken = |place: &&AtomicU64| place.load(Ordering::Relaxed) > 0;
        // By chance a twentieth is left: 1/e of three times as many addresses as places.
        let taken = newcomers.full_at.iter().filter(taken).count();
        assert!((60_000..65_000).contains(&taken), "{taken}");
    }

    /// T10.
    #[test]
    fn a_clock_that_is_set_right_locks_nobody_out_for_years() {
        let newcomers = newcomers(2);
        let one = address("203.0.113.7");
        for wrong in [NOW.plus_seconds(100_000_000), NOW, Timestamp::MIN, NOW] {
            for _ in 0..2 {
                assert_eq!(newcomers.admit(one, wrong), Ok(()), "{wrong:?}");
            }
            assert_eq!(newcomers.admit(one, wrong), Err(1800));
        }
    }
}
