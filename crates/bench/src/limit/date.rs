//! Times as Django's SQLite tables and signatures hold them.

use std::time::SystemTime;

pub(super) fn unix_seconds(time: SystemTime) -> u64 {
    unix_micros(time) / 1_000_000
}

pub(super) fn unix_micros(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.expect("it is after 1970").as_micros())
        .expect("it is before the year 500000")
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`.
pub(super) fn sql_text(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years: the leap day comes last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let parts = [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, ' '),
        (clock / 3_600, 2, ':'),
        (clock / 60 % 60, 2, ':'),
        (clock % 60, 2, '.'),
        (micros % 1_000_000, 6, '\0'),
    ];
    let mut text = String::with_capacity(27);
    for (number, width, separator) in parts {
        for place in (0..width).rev() {
            let digit = number / 10_u64.pow(place) % 10;
            text.push(char::from(b"0123456789"[digit as usize]));
        }
        text.push(separator);
    }
    text.pop();
    text
}
