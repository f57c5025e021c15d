//! In which zone a Django site keeps its dates: its settings `USE_TZ` and `TIME_ZONE`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::tz::{Offset, TimeZone};

use super::Timestamp;
use super::iso::{IsoMoment, parse_iso};

/// How dates are written that name no zone themselves: SQL's `datetime`, and `_session_expiry` of sites with
/// `USE_TZ = False`.
///
/// Where a wall clock goes back, one text means two moments; it is read as the earlier one, as Python reads it.
/// So what ends in the hour that comes twice ends up to an hour early. Where a clock goes forward, a text that
/// no clock ever shows is read as if it had not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Zone(Option<&'static TimeZone>);

/// There is no zone of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownZone;

impl Zone {
    /// `USE_TZ = True`: UTC, and texts in sessions say so.
    pub const UTC: Self = Self(None);

    /// `USE_TZ = False` with this `TIME_ZONE`, such as `Europe/Berlin`: wall time, without a word about the zone.
    ///
    /// Each zone is read once and kept for as long as the process lives.
    ///
    /// # Errors
    /// Neither the system's time zone database nor the one that is built in knows the name.
    pub fn local(name: &str) -> Result<Self, UnknownZone> {
        static KNOWN: Mutex<Option<HashMap<String, &'static TimeZone>>> = Mutex::new(None);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some(zone) = known.get(name) {
            return Ok(Self(Some(zone)));
        }
        let zone = TimeZone::get(name).map_err(|_| UnknownZone)?;
        let zone: &'static TimeZone = Box::leak(Box::new(zone));
        known.insert(name.to_owned(), zone);
        Ok(Self(Some(zone)))
    }

    /// `YYYY-MM-DD HH:MM:SS[.ffffff]`: what Django keeps in `datetime` columns of SQLite and MySQL.
    #[must_use]
    pub fn sql_text(self, moment: Timestamp) -> String {
        self.wall(moment).sql_text()
    }

    /// Reads [`sql_text`](Self::sql_text)'s form back.
    #[must_use]
    pub fn from_sql_text(self, text: &str) -> Option<Timestamp> {
        let read = parse_iso(text)?;
        Some(self.moment(read).unwrap_or_else(|| read.utc()))
    }

    /// What Python's `isoformat()` gives in such a site: with `+00:00` in UTC, otherwise without a zone.
    #[must_use]
    pub fn iso_text(self, moment: Timestamp) -> String {
        match self.0 {
            None => moment.iso_text(),
            Some(_) => self.wall(moment).text(b'T'),
        }
    }

    /// The moment that a text names; `None` for one without a zone where all should have one.
    pub(crate) fn moment(self, read: IsoMoment) -> Option<Timestamp> {
        if !read.is_naive() {
            return Some(read.utc());
        }
        let wall = read.utc();
        let offset = self.0?.to_ambiguous_timestamp(wall.civil()).offset();
        let offset = match offset {
            jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset,
            // In a gap the offset before it, in a fold that of the first time.
            jiff::tz::AmbiguousOffset::Gap { before, .. }
            | jiff::tz::AmbiguousOffset::Fold { before, .. } => before,
        };
        Some(wall.plus_seconds(-i64::from(offset.seconds())))
    }

    /// The wall clock's reading as if it were UTC's.
    pub(crate) fn wall(self, moment: Timestamp) -> Timestamp {
        self.0.map_or(moment, |zone| {
            moment.plus_seconds(i64::from(offset_at(zone, moment).seconds()))
        })
    }
}

/// The zone's offset at a moment. jiff's own timestamps end a day before the year 9999 does.
fn offset_at(zone: &TimeZone, moment: Timestamp) -> Offset {
    let (first, last) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    let micros = moment
        .unix_micros()
        .clamp(first.as_microsecond(), last.as_microsecond());
    let timestamp = jiff::Timestamp::from_microsecond(micros).unwrap_or(last);
    zone.to_offset(timestamp)
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => formatter.write_str("UTC"),
            Some(zone) => formatter.write_str(zone.iana_name().unwrap_or("local")),
        }
    }
}

impl fmt::Display for UnknownZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names no time zone; they are called as in Europe/Berlin")
    }
}

impl std::error::Error for UnknownZone {}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Zone {
        Zone::local("Europe/Berlin").unwrap()
    }

    fn utc(text: &str) -> Timestamp {
        Timestamp::from_sql_text(text).unwrap()
    }

    #[test]
    fn texts_are_the_wall_clock_s() {
        for (moment, wall) in [
            ("2023-11-14 22:13:20.5", "2023-11-14 23:13:20.500000"),
            ("2023-07-01 12:00:00", "2023-07-01 14:00:00"),
            // The clock goes forward at 01:00 UTC, and back at 01:00 UTC.
            ("2024-03-31 00:59:59", "2024-03-31 01:59:59"),
            ("2024-03-31 01:00:00", "2024-03-31 03:00:00"),
            ("2024-10-27 00:30:00", "2024-10-27 02:30:00"),
        ] {
            assert_eq!(berlin().sql_text(utc(moment)), wall);
            assert_eq!(berlin().from_sql_text(wall), Some(utc(moment)), "{wall}");
            let iso = berlin().iso_text(utc(moment));
            assert_eq!(iso, wall.replace(' ', "T"));
            assert_eq!(berlin().from_sql_text(&iso), Some(utc(moment)));
        }
        assert_eq!(
            Zone::UTC.sql_text(utc("2023-07-01 12:00:00")),
            "2023-07-01 12:00:00"
        );
        assert_eq!(
            Zone::UTC.iso_text(utc("2023-07-01 12:00:00")),
            "2023-07-01T12:00:00+00:00"
        );
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_first_and_one_that_never_comes_the_next() {
        // Both 00:30 and 01:30 UTC are 02:30 in Berlin.
        assert_eq!(
            berlin().sql_text(utc("2024-10-27 01:30:00")),
            "2024-10-27 02:30:00"
        );
        assert_eq!(
            berlin().from_sql_text("2024-10-27 02:30:00"),
            Some(utc("2024-10-27 00:30:00"))
        );
        assert_eq!(
            berlin().from_sql_text("2024-03-31 02:30:00"),
            Some(utc("2024-03-31 01:30:00"))
        );
    }

    #[test]
    fn a_text_with_a_zone_means_what_it_says() {
        let naive = parse_iso("2023-07-01T14:00:00").unwrap();
        let aware = parse_iso("2023-07-01T14:00:00+00:00").unwrap();
        assert_eq!(berlin().moment(naive), Some(utc("2023-07-01 12:00:00")));
        assert_eq!(berlin().moment(aware), Some(utc("2023-07-01 14:00:00")));
        assert_eq!(Zone::UTC.moment(naive), None);
    }

    #[test]
    fn the_ends_of_the_calendar_do_no_harm() {
        for name in ["Europe/Berlin", "America/Chicago", "Pacific/Kiritimati"] {
            let zone = Zone::local(name).unwrap();
            for moment in [Timestamp::MIN, Timestamp::MAX] {
                let text = zone.sql_text(moment);
                let read = zone.from_sql_text(&text).unwrap();
                assert!(
                    read.micros_since(moment).abs() < 2 * 86_400_000_000,
                    "{name} {text}"
                );
            }
        }
    }

    #[test]
    fn a_zone_is_known_by_its_name_alone() {
        assert_eq!(Zone::local("Middle-earth/Shire"), Err(UnknownZone));
        assert_eq!(Zone::local(""), Err(UnknownZone));
        assert_eq!(berlin(), berlin());
        assert_ne!(berlin(), Zone::UTC);
        assert_eq!(
            format!("{:?} {:?}", berlin(), Zone::UTC),
            "Europe/Berlin UTC"
        );
    }
}
