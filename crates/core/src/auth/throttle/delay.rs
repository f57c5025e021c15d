//! How long to wait after failures: a pure rule.

use crate::time::Timestamp;

/// How often one may fail, and how long one waits then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delays {
    /// So many failures in a row cost no waiting.
    pub free: u32,
    /// Seconds of the first wait; each further failure doubles it.
    pub first: u32,
    /// Seconds of the longest wait.
    pub longest: u32,
    /// From so many failures on, each costs a day.
    pub enough: u32,
    /// Seconds without a failure, counted from the end of the wait, after which all is forgotten.
    pub forgotten_after: u32,
}

impl Delays {
    const DAY: u32 = 86_400;

    /// For one account, wherever the tries come from. From the hundredth failure on it is one try a day, where NIST SP
    /// 800-63B has the account closed: whoever could close an account by guessing would do it to others.
    pub const ACCOUNT: Self = Self {
        free: 10,
        first: 30,
        longest: 3600,
        enough: 100,
        forgotten_after: Self::DAY,
    };

    /// For one address, whatever the account. An office full of people is one address, so it is wide.
    pub const ADDRESS: Self = Self {
        free: 50,
        first: 30,
        longest: 900,
        enough: u32::MAX,
        forgotten_after: 3600,
    };

    /// For one account from one address: less than for the account, so that a stranger delays only himself.
    pub const BOTH: Self = Self {
        free: 5,
        first: 30,
        longest: 3600,
        enough: 100,
        forgotten_after: Self::DAY,
    };

    /// For one browser in which the account's owner has signed in before. After these it is a browser like any other.
    pub const DEVICE: Self = Self {
        free: 10,
        first: Self::DAY,
        longest: Self::DAY,
        enough: 0,
        forgotten_after: Self::DAY,
    };

    /// For letters to one address: five, and then one an hour.
    pub const LETTERS: Self = Self {
        free: 5,
        first: 3600,
        longest: 3600,
        enough: u32::MAX,
        forgotten_after: 3600,
    };

    /// Seconds to wait after the last of so many failures.
    fn after(&self, failures: u32) -> u32 {
        match failures.checked_sub(self.free) {
            None => 0,
            Some(_) if failures >= self.enough => Self::DAY,
            Some(beyond) => {
                let doubled = self
                    .first
                    .checked_shl(beyond)
                    .filter(|wait| wait >> beyond == self.first);
                doubled.unwrap_or(self.longest).min(self.longest)
            }
        }
    }
}

/// The failures in a row of whoever is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) number: u32,
    /// When the last one began, in Unix seconds.
    pub(super) last: i64,
}

impl Failures {
    /// Until when to wait; `None` if one may try at once.
    ///
    /// A clock that was wrong and is set back has nobody wait for longer than a wait.
    pub(super) fn wait(self, delays: &Delays, now: Timestamp) -> Option<Timestamp> {
        let now = now.unix_seconds();
        let until = self
            .last
            .min(now)
            .saturating_add(i64::from(delays.after(self.number)));
        (until > now).then(|| Timestamp::from_unix_seconds(until))
    }

    /// With one more; the caller has waited.
    pub(super) fn and_one(self, delays: &Delays, now: Timestamp) -> Self {
        let before = if self.is_forgotten(delays, now) {
            0
        } else {
            self.number
        };
        Self {
            number: before.saturating_add(1),
            last: now.unix_seconds(),
        }
    }

    /// With one less, for a try that was none.
    pub(super) fn less_one(self) -> Self {
        Self {
            number: self.number.saturating_sub(1),
            ..self
        }
    }

    /// When nobody need remember this any more.
    pub(super) fn end(self, delays: &Delays) -> Timestamp {
        let wait = i64::from(delays.after(self.number));
        let kept = wait.saturating_add(i64::from(delays.forgotten_after));
        Timestamp::from_unix_seconds(self.last.saturating_add(kept))
    }

    fn is_forgotten(self, delays: &Delays, now: Timestamp) -> bool {
        self.end(delays) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn waits(delays: &Delays, failures: u32) -> u32 {
        let failures = Failures {
            number: failures,
            last: NOW.unix_seconds(),
        };
        let until = failures.wait(delays, NOW);
        until.map_or(0, |until| {
            u32::try_from(until.whole_seconds_since(NOW)).unwrap()
        })
    }

    /// T1 and T2: the delay grows from half a minute to an hour, and from the hundredth failure on it is a day.
    #[test]
    fn the_wait_grows_from_half_a_minute_to_an_hour_and_to_a_day() {
        let account = |failures| waits(&Delays::ACCOUNT, failures);
        assert_eq!([account(0), account(1), account(9)], [0, 0, 0]);
        assert_eq!([account(10), account(11), account(12)], [30, 60, 120]);
        assert_eq!(account(16), 1920);
        // However often it has been doubled.
        for failures in 17..=99 {
            assert_eq!(account(failures), 3600, "{failures}");
        }
        assert_eq!([account(100), account(101), account(u32::MAX)], [86_400; 3]);
        assert_eq!(waits(&Delays::ADDRESS, 49), 0);
        assert_eq!(
            waits(&Delays::ADDRESS, 1_000_000),
            900,
            "an office is never shut out for a day"
        );
        assert_eq!([waits(&Delays::BOTH, 4), waits(&Delays::BOTH, 5)], [0, 30]);
        assert_eq!(
            [waits(&Delays::LETTERS, 4), waits(&Delays::LETTERS, 5)],
            [0, 3600]
        );
        assert_eq!(
            [waits(&Delays::DEVICE, 9), waits(&Delays::DEVICE, 10)],
            [0, 86_400]
        );
    }

    #[test]
    fn whoever_has_waited_may_try_and_waits_longer_if_it_fails() {
        let delays = Delays::BOTH;
        let mut failures = Failures::default();
        let mut now = NOW;
        for number in 1..=5 {
            assert_eq!(failures.wait(&delays, now), None, "try {number}");
            failures = failures.and_one(&delays, now);
        }
        for wait in [30, 60, 120] {
            assert_eq!(failures.wait(&delays, now), Some(now.plus_seconds(wait)));
            assert!(failures.wait(&delays, now.plus_seconds(wait - 1)).is_some());
            now = now.plus_seconds(wait);
            assert_eq!(failures.wait(&delays, now), None);
            failures = failures.and_one(&delays, now);
        }
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let delays = Delays::BOTH;
        let six = Failures {
            number: 6,
            last: NOW.unix_seconds(),
        };
        let end = six.end(&delays);
        assert_eq!(end.whole_seconds_since(NOW), 60 + 86_400);
        assert_eq!(six.and_one(&delays, end.plus_seconds(-1)).number, 7);
        assert_eq!(six.and_one(&delays, end).number, 1);
    }

    /// T10.
    #[test]
    fn a_clock_that_jumps_locks_nobody_out_for_longer_than_a_wait() {
        let ahead = Failures {
            number: 12,
            last: NOW.plus_seconds(100_000_000).unix_seconds(),
        };
        assert_eq!(
            ahead.wait(&Delays::ACCOUNT, NOW),
            Some(NOW.plus_seconds(120))
        );
        for odd in [
            Timestamp::MIN,
            Timestamp::from_unix_seconds(i64::MAX / 1_000_000),
        ] {
            let _ = ahead.wait(&Delays::ACCOUNT, odd);
            let _ = ahead.and_one(&Delays::ACCOUNT, odd).end(&Delays::ACCOUNT);
        }
    }
}
