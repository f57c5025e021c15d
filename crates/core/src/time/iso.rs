//! Reading dates as Python's `datetime.fromisoformat` does.

use super::{EPOCH, Timestamp};

/// What Python's `datetime.fromisoformat` read: a wall time, and the zone if the text named one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IsoMoment {
    /// The wall time as if it were UTC.
    wall: Timestamp,
    /// Microseconds east of UTC; `None` for a naive text.
    offset: Option<i64>,
}

impl IsoMoment {
    /// True if the text named no zone.
    pub(crate) const fn is_naive(self) -> bool {
        self.offset.is_none()
    }

    /// The moment; a naive text is taken as UTC.
    pub(crate) fn utc(self) -> Timestamp {
        Timestamp::from_unix_micros(self.wall.0 - self.offset.unwrap_or(0))
    }
}

/// Reads what Python 3.11's `datetime.fromisoformat` reads: extended and basic dates, week dates, any
/// one character between date and time, fractions after `.` or `,`, `Z` or an offset down to
/// microseconds.
pub(crate) fn parse_iso(text: &str) -> Option<IsoMoment> {
    let (date, rest) = parse_date(text)?;
    if rest.is_empty() {
        return moment(date, 0, 0, 0, 0, 0, None);
    }
    let mut characters = rest.chars();
    characters.next()?;
    let clock = characters.as_str();
    let zone_at = clock.find(['+', '-', 'Z']);
    let (time, zone) = zone_at.map_or((clock, None), |at| (&clock[..at], Some(&clock[at..])));
    let (mut hour, minute, second, micros) = parse_clock(time)?;
    let offset = match zone {
        None => None,
        Some("Z") => Some(0),
        Some(zone) => {
            let (hours, minutes, seconds, fraction) = parse_clock(zone.get(1..)?)?;
            if zone.starts_with('Z') || minutes > 59 || seconds > 59 {
                return None;
            }
            let size = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
            if size >= 86_400_000_000 {
                return None;
            }
            Some(if zone.starts_with('-') { -size } else { size })
        }
    };
    // Python 3.13 and later read 24:00 as the next midnight.
    let mut days = 0;
    if hour == 24 {
        if minute != 0 || second != 0 || micros != 0 {
            return None;
        }
        hour = 0;
        days = 1;
    }
    moment(date, days, hour, minute, second, micros, offset)
}

fn moment(
    date: jiff::civil::Date,
    days: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    offset: Option<i64>,
) -> Option<IsoMoment> {
    if hour > 23 || minute > 59 || second > 59 || date.year() < 1 {
        return None;
    }
    let midnight = date.at(0, 0, 0, 0).duration_since(EPOCH).as_secs();
    let seconds = midnight + days * 86_400 + hour * 3_600 + minute * 60 + second;
    let wall = Timestamp::from_unix_micros(seconds * 1_000_000 + micros);
    Some(IsoMoment { wall, offset })
}

/// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]`, `YYYYWww[D]`, and what follows.
fn parse_date(text: &str) -> Option<(jiff::civil::Date, &str)> {
    let year = i16::try_from(digits(text.get(..4)?)?).ok()?;
    let extended = text.as_bytes().get(4) == Some(&b'-');
    let rest = text.get(if extended { 5 } else { 4 }..)?;
    if let Some(rest) = rest.strip_prefix('W') {
        let week = i8::try_from(digits(rest.get(..2)?)?).ok()?;
        let rest = rest.get(2..)?;
        let day = if extended {
            rest.strip_prefix('-')
        } else {
            Some(rest)
        };
        let day = day.and_then(|day| Some((digits(day.get(..1)?)?, day.get(1..)?)));
        let (day, rest) = day.unwrap_or((1, rest));
        let weekday = jiff::civil::Weekday::from_monday_one_offset(i8::try_from(day).ok()?).ok()?;
        let date = jiff::civil::ISOWeekDate::new(year, week, weekday)
            .ok()?
            .date();
        return Some((date, rest));
    }
    let month = i8::try_from(digits(rest.get(..2)?)?).ok()?;
    let rest = rest.get(2..)?;
    let rest = if extended {
        rest.strip_prefix('-')?
    } else {
        rest
    };
    let day = i8::try_from(digits(rest.get(..2)?)?).ok()?;
    Some((
        jiff::civil::Date::new(year, month, day).ok()?,
        rest.get(2..)?,
    ))
}

/// `HH[:MM[:SS[.f…]]]` or without the colons: hours, minutes, seconds, microseconds.
fn parse_clock(text: &str) -> Option<(i64, i64, i64, i64)> {
    let mut parts = [0; 3];
    let extended = text.as_bytes().get(2) == Some(&b':');
    let mut rest = text;
    for (position, part) in parts.iter_mut().enumerate() {
        if position > 0 {
            if rest.is_empty() {
                break;
            }
            if extended {
                rest = rest.strip_prefix(':')?;
            }
        }
        *part = digits(rest.get(..2)?)?;
        rest = rest.get(2..)?;
        if position < 2 && rest.starts_with(['.', ',']) {
            return None;
        }
    }
    let mut micros = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // Digits after the sixth are dropped, as Python drops them.
        for position in 0..6 {
            micros = micros * 10
                + i64::from(
                    fraction
                        .as_bytes()
                        .get(position)
                        .map_or(0, |digit| digit - b'0'),
                );
        }
        rest = "";
    }
    rest.is_empty()
        .then_some((parts[0], parts[1], parts[2], micros))
}

fn digits(text: &str) -> Option<i64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_forms_that_python_reads() {
        let second = |seconds| Some(Timestamp::from_unix_seconds(seconds));
        let utc = |text| parse_iso(text).map(IsoMoment::utc);
        for text in [
            "2023-11-14T22:13:20+00:00",
            "2023-11-14 22:13:20Z",
            "20231114T221320Z",
            "2023-W46-2T22:13:20Z",
            "2023W462T22:13:20",
            "2023-11-14x22:13:20,000",
            "2023-11-15T00:13:20+02:00",
            "2023-11-14T17:13:20-0500",
        ] {
            assert_eq!(utc(text), second(1_700_000_000), "{text}");
        }
        assert_eq!(utc("2023-11-14"), second(1_699_920_000));
        assert_eq!(utc("2023-11-14T22"), second(1_699_999_200));
        assert!(parse_iso("2023-11-14T22:13:20").unwrap().is_naive());
    }

    #[test]
    fn garbage_is_no_moment() {
        for text in [
            "",
            "x",
            "2023",
            "2023-11",
            "2023-13-01",
            "2023-02-30",
            "0000-01-01",
            "2023-11-14T",
            "2023-11-14T2",
            "2023-11-14T25:00",
            "2023-11-14T22:60",
            "2023-11-14T22:13:20.",
            "2023-11-14T22:13:20.x",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20Zx",
            "2023-11-14T22:13+",
            "２０２３-11-14",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }
}
