//! Moments as Django keeps them: microseconds, in the years 1 to 9999.

mod iso;
mod zone;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::DateTime;

pub(crate) use iso::parse_iso;
pub use zone::{UnknownZone, Zone};

/// The start of Unix time on the calendar. jiff's own timestamps end a day before Python's, its calendar
/// does not.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A moment: microseconds since 1970-01-01T00:00:00Z, as precise as Python's `datetime`.
///
/// It stays within the years 1 to 9999, which is all that Python can hold: what would lie outside is
/// moved to the nearer end, so that no arithmetic on a hostile number can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The system clock's reading. Rules never call this: they take `now`.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// From microseconds since the Unix epoch, moved into range.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// From whole seconds since the Unix epoch, moved into range.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds since the Unix epoch with their fraction, as Python's `time.time()` gives them.
    #[must_use]
    pub fn unix_seconds_f64(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of this era fit 53 bits"
        )]
        let micros = self.0 as f64;
        micros / 1e6
    }

    /// This moment and `seconds` more (or less, if negative), moved into range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This moment and a fractional number of seconds more; NaN adds nothing.
    ///
    /// The fraction is rounded by itself, to the even of two as near, as Python's `timedelta` does it: multiplied
    /// whole, large numbers would lose microseconds.
    #[must_use]
    pub fn plus_seconds_f64(self, seconds: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, and NaN becomes 0"
        )]
        let (whole, micros) = (
            seconds.trunc() as i64,
            (seconds.fract() * 1e6).round_ties_even() as i64,
        );
        let sum = self.0.saturating_add(micros);
        Self::from_unix_micros(sum.saturating_add(whole.saturating_mul(1_000_000)))
    }

    /// Microseconds from `earlier` to `self`; negative if `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Seconds from `earlier` to `self`, rounded down; negative if `earlier` is later.
    #[must_use]
    pub const fn whole_seconds_since(self, earlier: Self) -> i64 {
        self.micros_since(earlier).div_euclid(1_000_000)
    }

    /// `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC: the text that Django keeps in SQLite's `datetime` columns.
    ///
    /// The fraction is absent when it is zero. Such texts compare as the moments do only among
    /// themselves, so nothing else may be written there.
    #[must_use]
    pub fn sql_text(self) -> String {
        self.text(b' ')
    }

    /// `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`: what Python's `isoformat()` gives for an aware UTC datetime.
    #[must_use]
    pub fn iso_text(self) -> String {
        let mut text = self.text(b'T');
        text.push_str("+00:00");
        text
    }

    /// Reads [`sql_text`](Self::sql_text)'s form back.
    #[must_use]
    pub fn from_sql_text(text: &str) -> Option<Self> {
        Some(parse_iso(text)?.utc())
    }

    /// `Wdy, DD Mon YYYY HH:MM:SS GMT`, the fraction dropped (RFC 9110, section 5.6.7).
    ///
    /// What lies before 1970 is written as that year's first second: browsers drop dates before 1601, and an end
    /// so long ago says the same thing.
    #[must_use]
    pub fn http_date(self) -> String {
        ascii(&self.http_date_bytes()).to_owned()
    }

    /// The same, in ASCII.
    pub(crate) fn http_date_bytes(self) -> [u8; 29] {
        let moment = Self(self.0.max(0)).civil();
        let day = moment.weekday().to_sunday_zero_offset();
        let month = moment.month().unsigned_abs() - 1;
        let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        text[..3].copy_from_slice(DAYS[usize::from(day.unsigned_abs())]);
        put_digits(&mut text[5..7], moment.day());
        text[8..11].copy_from_slice(MONTHS[usize::from(month)]);
        put_digits(&mut text[12..16], moment.year());
        put_clock(&mut text[17..25], moment);
        text
    }

    fn text(self, separator: u8) -> String {
        let moment = self.civil();
        let mut text = *b"1970-01-01 00:00:00.000000";
        put_digits(&mut text[..4], moment.year());
        put_digits(&mut text[5..7], moment.month());
        put_digits(&mut text[8..10], moment.day());
        text[10] = separator;
        put_clock(&mut text[11..19], moment);
        let micros = self.0.rem_euclid(1_000_000);
        put_digits(&mut text[20..], micros);
        ascii(if micros == 0 { &text[..19] } else { &text }).to_owned()
    }

    fn civil(self) -> DateTime {
        EPOCH
            .checked_add(SignedDuration::from_micros(self.0))
            .expect("jiff's civil calendar holds the years 1 to 9999 whole")
    }
}

const DAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Puts `HH:MM:SS` into eight places, of which the colons are there.
fn put_clock(text: &mut [u8], moment: DateTime) {
    put_digits(&mut text[..2], moment.hour());
    put_digits(&mut text[3..5], moment.minute());
    put_digits(&mut text[6..], moment.second());
}

/// Puts the last digits of a number that is not negative into as many places. Dates are written in every response
/// that sets a cookie; the formatting machinery would be much of what that costs.
fn put_digits(places: &mut [u8], number: impl Into<i64>) {
    let mut number = number.into().unsigned_abs();
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

pub(crate) fn ascii(text: &[u8]) -> &str {
    str::from_utf8(text).expect("dates are ASCII")
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let micros = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |n| -n),
        };
        Self::from_unix_micros(micros)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let distance = Duration::from_micros(timestamp.0.unsigned_abs());
        if timestamp.0 < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_django_s() {
        let moment = Timestamp::from_unix_micros(1_700_000_000_750_000);
        assert_eq!(moment.sql_text(), "2023-11-14 22:13:20.750000");
        assert_eq!(moment.iso_text(), "2023-11-14T22:13:20.750000+00:00");
        assert_eq!(moment.http_date(), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(
            Timestamp::from_unix_seconds(0).sql_text(),
            "1970-01-01 00:00:00"
        );
        assert_eq!(Timestamp::MAX.sql_text(), "9999-12-31 23:59:59.999999");
        assert_eq!(Timestamp::MIN.sql_text(), "0001-01-01 00:00:00");
    }

    #[test]
    fn http_dates_are_those_of_the_calendar_s_own_writer() {
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        // A century and a half, in steps of 31 hours less a second.
        for step in -10..40_000 {
            let moment = Timestamp::from_unix_seconds(step * 111_599);
            let same = jiff::Timestamp::from_second(moment.unix_seconds().max(0)).unwrap();
            let text = printer.timestamp_to_rfc9110_string(&same).unwrap();
            assert_eq!(moment.http_date(), text);
        }
    }

    #[test]
    fn a_written_text_is_read_back() {
        for micros in [
            0,
            1,
            -1,
            1_700_000_000_750_000,
            Timestamp::MAX.0,
            Timestamp::MIN.0,
        ] {
            let moment = Timestamp::from_unix_micros(micros);
            assert_eq!(Timestamp::from_sql_text(&moment.sql_text()), Some(moment));
            assert_eq!(
                parse_iso(&moment.iso_text()).map(|read| read.utc()),
                Some(moment)
            );
        }
    }

    #[test]
    fn numbers_out_of_range_are_moved_into_it() {
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_seconds(i64::MAX), Timestamp::MAX);
        assert_eq!(
            Timestamp::MIN.plus_seconds_f64(f64::NEG_INFINITY),
            Timestamp::MIN
        );
        assert_eq!(Timestamp::MAX.plus_seconds_f64(f64::NAN), Timestamp::MAX);
        assert_eq!(
            Timestamp::from(UNIX_EPOCH - Duration::from_secs(1)).unix_seconds(),
            -1
        );
    }

    #[test]
    fn fractions_are_added_as_python_adds_them() {
        let rows = [
            (34_339_950_366.498_985, 34_339_950_366_498_985),
            (0.000_000_5, 0),
            (0.000_001_5, 2),
            (-0.000_001_5, -2),
            (1.25, 1_250_000),
            (-1.25, -1_250_000),
        ];
        for (seconds, micros) in rows {
            let sum = Timestamp::from_unix_seconds(0).plus_seconds_f64(seconds);
            assert_eq!(sum.unix_micros(), micros, "{seconds}");
        }
    }
}
