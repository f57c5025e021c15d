//! Dates as `datetime(6)` columns keep them: without a zone, to the microsecond. In which zone is the site's to say.

use cloakroom_core::time::{Timestamp, Zone};
use mysql_async::Value;

/// A moment as a statement's parameter.
pub(super) fn param(zone: Zone, moment: Timestamp) -> Value {
    zone.sql_text(moment).into_bytes().into()
}

/// A column's moment; `None` if it holds none, such as MySQL's year 0.
pub(super) fn read(zone: Zone, value: &Value) -> Option<Timestamp> {
    let &Value::Date(year, month, day, hour, minute, second, micros) = value else {
        return None;
    };
    let text =
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}");
    zone.from_sql_text(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_to_the_microsecond() {
        let rows = [
            (
                Value::Date(2023, 11, 14, 22, 13, 20, 0),
                Some(1_700_000_000_000_000),
            ),
            (
                Value::Date(2023, 11, 14, 22, 13, 20, 1),
                Some(1_700_000_000_000_001),
            ),
            (
                Value::Date(9999, 12, 31, 23, 59, 59, 999_999),
                Some(Timestamp::MAX.unix_micros()),
            ),
            (Value::Date(0, 0, 0, 0, 0, 0, 0), None),
            (Value::Date(2023, 2, 30, 0, 0, 0, 0), None),
            (Value::NULL, None),
            (Value::Bytes(b"2023-11-14 22:13:20".to_vec()), None),
        ];
        for (value, micros) in rows {
            assert_eq!(
                read(Zone::UTC, &value).map(Timestamp::unix_micros),
                micros,
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_site_of_local_time_keeps_the_wall_clock() {
        let zone = Zone::local("Asia/Tokyo").unwrap();
        let moment = Timestamp::from_unix_seconds(1_700_000_000);
        assert_eq!(param(zone, moment), Value::from("2023-11-15 07:13:20"));
        let kept = Value::Date(2023, 11, 15, 7, 13, 20, 0);
        assert_eq!(read(zone, &kept), Some(moment));
    }
}
