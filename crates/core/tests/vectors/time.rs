//! Moments as text.

use cloakroom_core::time::Timestamp;

use crate::rows::{Answer, Release, Row};

pub(crate) fn http_date(row: &Row, _: &Release) -> Answer {
    let ours = row.time("at").http_date();
    Answer::new(row.value("at").to_string(), row.text("text"), ours)
}

/// Also reads Django's text back.
pub(crate) fn sqlite_datetime(row: &Row, _: &Release) -> Answer {
    let micros = row.integer("microseconds");
    let read = Timestamp::from_sql_text(row.text("text")).map(Timestamp::unix_micros);
    let written = Timestamp::from_unix_micros(micros).sql_text();
    Answer::new(
        micros.to_string(),
        format!("{} {:?}", row.text("text"), Some(micros)),
        format!("{written} {read:?}"),
    )
}
