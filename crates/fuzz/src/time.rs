//! Moments and their texts, against a calendar that is counted day by day from the year 1.

use cloakroom_core::time::Timestamp;

use crate::parts::Parts;

/// A text from a database's column, a number of microseconds, and one of seconds.
pub fn timestamp(input: &[u8]) {
    let mut parts = Parts::of(input);
    let text = parts.text();
    let (micros, seconds) = (parts.number(), parts.number());
    let read = Timestamp::from_sql_text(&text);
    if let Some(expected) = plainly(&text) {
        assert_eq!(read.map(Timestamp::unix_micros), Some(expected), "{text}");
    }
    if let Some(read) = read {
        is_kept(read);
    }
    let moment = Timestamp::from_unix_micros(micros);
    is_kept(moment);
    let range = |micros: i128| {
        let (first, last) = (Timestamp::MIN.unix_micros(), Timestamp::MAX.unix_micros());
        i64::try_from(micros.clamp(first.into(), last.into())).expect("it is between two that fit")
    };
    assert_eq!(moment.unix_micros(), range(micros.into()));
    let later = moment.plus_seconds(seconds);
    let exactly = i128::from(moment.unix_micros()) + i128::from(seconds) * 1_000_000;
    assert_eq!(later.unix_micros(), range(exactly));
    assert_eq!(
        later.cmp(&moment),
        later.sql_text().cmp(&moment.sql_text()),
        "texts compare as moments do"
    );
    assert_eq!(
        later.micros_since(moment),
        later.unix_micros() - moment.unix_micros()
    );
    assert_eq!(
        later.unix_seconds(),
        later.unix_micros().div_euclid(1_000_000)
    );
    let _ = moment.plus_seconds_f64(f64::from_bits(seconds.cast_unsigned()));
}

/// What is written is read again, in both forms.
fn is_kept(moment: Timestamp) {
    assert_eq!(Timestamp::from_sql_text(&moment.sql_text()), Some(moment));
    assert_eq!(Timestamp::from_sql_text(&moment.iso_text()), Some(moment));
    assert_eq!(plainly(&moment.sql_text()), Some(moment.unix_micros()));
    let date = moment.http_date();
    assert!(date.len() == 29 && date.ends_with(" GMT") && date.is_ascii());
    let time: std::time::SystemTime = moment.into();
    assert_eq!(Timestamp::from(time), moment);
}

/// Microseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.ffffff]` and a zone like `+01:30`, if it has one; `None` for
/// every other form.
fn plainly(text: &str) -> Option<i64> {
    let zoned = text
        .len()
        .checked_sub(6)
        .and_then(|at| text.split_at_checked(at));
    let zoned =
        zoned.filter(|(_, zone)| zone.starts_with(['+', '-']) && zone.as_bytes()[3] == b':');
    let Some((text, zone)) = zoned else {
        return wall_clock(text);
    };
    let number = |from: usize| -> Option<i64> {
        let digits = zone.get(from..from + 2)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let (hours, minutes) = (number(1)?, number(4)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let east = (hours * 60 + minutes) * 60_000_000;
    let moment = wall_clock(text)? - if zone.starts_with('-') { -east } else { east };
    let (first, last) = (Timestamp::MIN.unix_micros(), Timestamp::MAX.unix_micros());
    Some(moment.clamp(first, last))
}

/// The same without a zone.
fn wall_clock(text: &str) -> Option<i64> {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if !["0000-00-00 00:00:00", "0000-00-00 00:00:00.000000"].contains(&shape.as_str()) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let micros = number(20, 26).unwrap_or(0);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month).ok()?.checked_sub(1)?;
    let days_of_month = *months.get(before)?;
    if year < 1 || !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let past = year - 1;
    let days = past * 365 + past / 4 - past / 100
        + past / 400
        + months[..before].iter().sum::<i64>()
        + day
        - 1;
    let seconds = (days - 719_162) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}
