//! What is kept: for each visitor, how often what happened in which hour.

use std::collections::BTreeMap;

use cloakroom::time::Timestamp;
use rusqlite::{Connection, Result, params};
use serde::Serialize;
use tokio::sync::oneshot;

use super::recorder::{DAYS, Note, What};

/// The oldest go when there are more: who keeps no cookies is a new visitor each time.
const MOST_VISITORS: u32 = 10_000;

/// One batch of notes, added up.
#[derive(Default)]
pub(super) struct Counts {
    newcomers: Vec<(String, Timestamp)>,
    times: BTreeMap<Count, i64>,
    forgotten: Vec<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    visitor: String,
    /// Since 1970.
    hour: i64,
    kind: &'static str,
    page: String,
}

impl Counts {
    /// And who waits for the batch.
    pub(super) fn of(notes: Vec<Note>) -> (Vec<oneshot::Sender<()>>, Self) {
        let mut waiting = Vec::new();
        let mut counts = Self::default();
        for note in notes {
            match note {
                Note::Newcomer { visitor, at } => counts.newcomers.push((visitor, at)),
                Note::Seen { visitor, what, at } => {
                    let (kind, page) = match what {
                        What::Visit(page) => ("visit", page),
                        What::SignIn => ("sign-in", String::new()),
                        What::Failure => ("failure", String::new()),
                    };
                    let hour = hour(at);
                    let count = Count {
                        visitor,
                        hour,
                        kind,
                        page,
                    };
                    *counts.times.entry(count).or_default() += 1;
                }
                Note::Forget { visitor } => counts.forgotten.push(visitor),
                Note::Written(told) => waiting.push(told),
            }
        }
        (waiting, counts)
    }

    /// How many notes are lost with it.
    pub(super) fn size(&self) -> u64 {
        self.newcomers.len() as u64 + self.times.values().sum::<i64>().unsigned_abs()
    }

    /// Adds the batch to what is kept, and deletes what is old.
    pub(super) fn write(self, connection: &mut Connection, now: Timestamp) -> Result<()> {
        let transaction = connection.transaction()?;
        for (visitor, at) in self.newcomers {
            let mut insert = transaction.prepare_cached(NEWCOMER)?;
            insert.execute(params![visitor, at.unix_seconds()])?;
        }
        for (count, times) in self.times {
            let mut add = transaction.prepare_cached(ADD)?;
            add.execute(params![
                count.visitor,
                count.hour,
                count.kind,
                count.page,
                times
            ])?;
        }
        for visitor in self.forgotten {
            transaction.execute("DELETE FROM classroom_count WHERE visitor = ?", [&visitor])?;
            transaction.execute("DELETE FROM classroom_visitor WHERE id = ?", [&visitor])?;
        }
        let oldest: i64 = transaction.query_row(OLDEST, [MOST_VISITORS], |row| row.get(0))?;
        let oldest = oldest.max(now.plus_seconds(-i64::from(DAYS) * 86_400).unix_seconds());
        transaction.execute(DELETE_COUNTS, [oldest])?;
        transaction.execute(
            "DELETE FROM classroom_visitor WHERE first_seen < ?",
            [oldest],
        )?;
        transaction.commit()
    }
}

const NEWCOMER: &str = "INSERT OR IGNORE INTO classroom_visitor (id, first_seen) VALUES (?, ?)";

/// Only of visitors that are known: a page that was under way while its visitor was forgotten brings nothing back.
const ADD: &str = "INSERT INTO classroom_count (visitor, hour, kind, page, times)
    SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM classroom_visitor WHERE id = ?1)
    ON CONFLICT (visitor, hour, kind, page) DO UPDATE SET times = times + excluded.times";

/// When the first of the newest so many was seen; 0 if there are not so many.
const OLDEST: &str = "SELECT coalesce((SELECT first_seen FROM classroom_visitor
    ORDER BY first_seen DESC LIMIT 1 OFFSET ? - 1), 0)";

const DELETE_COUNTS: &str = "DELETE FROM classroom_count
    WHERE visitor IN (SELECT id FROM classroom_visitor WHERE first_seen < ?)";

/// What the page shows.
#[derive(Serialize)]
pub(super) struct Overview {
    pub(super) visitors: i64,
    /// How many notes found no room.
    pub(super) dropped: u64,
    /// The last 24, the oldest first.
    hours: Vec<Hour>,
    pages: Vec<PageCount>,
    visit_ticks: Vec<i64>,
    login_ticks: Vec<i64>,
    you: Option<You>,
}

/// What happened in one hour.
#[derive(Default, Serialize)]
struct Hour {
    /// Of the day, in UTC.
    hour: i64,
    newcomers: i64,
    visits: i64,
    sign_ins: i64,
    failures: i64,
}

#[derive(Serialize)]
struct PageCount {
    page: String,
    times: i64,
}

/// What is kept of the visitor who asks.
#[derive(Serialize)]
struct You {
    /// The beginning of the number.
    number: String,
    first_seen: String,
    visits: i64,
    sign_ins: i64,
    failures: i64,
}

pub(super) fn overview(
    connection: &mut Connection,
    visitor: Option<&str>,
    dropped: u64,
    now: Timestamp,
) -> Result<Overview> {
    // So that what is written meanwhile counts everywhere or nowhere.
    let reads = connection.transaction()?;
    let last = hour(now);
    let first = last - 23;
    let mut hours: Vec<Hour> = (first..=last)
        .map(|hour| Hour {
            hour: hour.rem_euclid(24),
            ..Hour::default()
        })
        .collect();
    let mut happened = reads.prepare_cached(HAPPENED)?;
    let mut rows = happened.query([first, last])?;
    while let Some(row) = rows.next()? {
        let (at, kind, times): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let hour = usize::try_from(at - first)
            .ok()
            .and_then(|index| hours.get_mut(index));
        if let Some(hour) = hour {
            match kind.as_str() {
                "visit" => hour.visits = times,
                "sign-in" => hour.sign_ins = times,
                "failure" => hour.failures = times,
                _ => hour.newcomers = times,
            }
        }
    }
    let mut most_visited = reads.prepare_cached(MOST_VISITED)?;
    let pages = most_visited.query_map([first], |row| {
        Ok(PageCount {
            page: row.get(0)?,
            times: row.get(1)?,
        })
    })?;
    let of_you = |row: &rusqlite::Row<'_>| {
        let (number, first_seen): (String, i64) = (row.get(0)?, row.get(1)?);
        Ok(You {
            number: number.chars().take(8).collect(),
            first_seen: Timestamp::from_unix_seconds(first_seen).sql_text(),
            visits: row.get(2)?,
            sign_ins: row.get(3)?,
            failures: row.get(4)?,
        })
    };
    Ok(Overview {
        visitors: reads.query_row("SELECT count(*) FROM classroom_visitor", [], |row| {
            row.get(0)
        })?,
        dropped,
        visit_ticks: ticks(hours.iter().map(|hour| hour.visits).max()),
        login_ticks: ticks(
            hours
                .iter()
                .map(|hour| hour.sign_ins.max(hour.failures))
                .max(),
        ),
        pages: pages.collect::<Result<_>>()?,
        you: reads
            .prepare_cached(YOU)?
            .query_map([visitor], of_you)?
            .next()
            .transpose()?,
        hours,
    })
}

const HAPPENED: &str = "SELECT hour, kind, sum(times) FROM classroom_count WHERE hour BETWEEN ?1 AND ?2 GROUP BY hour, kind
    UNION ALL SELECT first_seen / 3600, 'newcomer', count(*) FROM classroom_visitor
    WHERE first_seen BETWEEN ?1 * 3600 AND ?2 * 3600 + 3599 GROUP BY first_seen / 3600";

const MOST_VISITED: &str = "SELECT page, sum(times) FROM classroom_count
    WHERE kind = 'visit' AND hour >= ? GROUP BY page ORDER BY sum(times) DESC, page LIMIT 12";

const YOU: &str = "SELECT id, first_seen,
        coalesce(sum(times) FILTER (WHERE kind = 'visit'), 0),
        coalesce(sum(times) FILTER (WHERE kind = 'sign-in'), 0),
        coalesce(sum(times) FILTER (WHERE kind = 'failure'), 0)
    FROM classroom_visitor LEFT JOIN classroom_count ON visitor = id WHERE id = ? GROUP BY id";

/// What an axis says from 0 to the first number that nothing exceeds: four steps at most, of 1, 2 or 5 and noughts.
fn ticks(most: Option<i64>) -> Vec<i64> {
    let most = most.unwrap_or(0).max(1);
    let steps = (0..18).flat_map(|zeros| [1, 2, 5].map(|step| step * 10_i64.pow(zeros)));
    let step = steps
        .into_iter()
        .find(|step| most <= 4 * step)
        .unwrap_or(most);
    let top = most / step + i64::from(most % step > 0);
    (0..=top).map(|tick| tick * step).collect()
}

pub(super) const CSV_HEADER: &str = "hour_utc,kind,page,times\r\n";

/// RFC 4180; none of the values needs quotes.
pub(super) fn csv(connection: &mut Connection, visitor: &str) -> Result<String> {
    let mut counts = connection.prepare_cached(
        "SELECT hour, kind, page, times FROM classroom_count WHERE visitor = ? ORDER BY hour, kind, page",
    )?;
    let mut rows = counts.query([visitor])?;
    let mut csv = CSV_HEADER.to_owned();
    while let Some(row) = rows.next()? {
        let (hour, kind, page, times): (i64, String, String, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let hour = Timestamp::from_unix_seconds(hour * 3600).sql_text();
        csv.push_str(&format!("{hour},{kind},{page},{times}\r\n"));
    }
    Ok(csv)
}

fn hour(at: Timestamp) -> i64 {
    at.unix_seconds().div_euclid(3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../../database.sql"))
            .unwrap();
        connection
    }

    fn newcomer(visitor: &str, at: Timestamp) -> Note {
        Note::Newcomer {
            visitor: visitor.to_owned(),
            at,
        }
    }

    fn seen(visitor: &str, what: What, at: Timestamp) -> Note {
        Note::Seen {
            visitor: visitor.to_owned(),
            what,
            at,
        }
    }

    fn write(connection: &mut Connection, notes: Vec<Note>, now: Timestamp) {
        Counts::of(notes).1.write(connection, now).unwrap();
    }

    #[test]
    fn an_axis_has_whole_numbers_and_few_of_them() {
        for (most, expected) in [
            (0, &[0, 1][..]),
            (1, &[0, 1]),
            (3, &[0, 1, 2, 3]),
            (5, &[0, 2, 4, 6]),
            (9, &[0, 5, 10]),
            (37, &[0, 10, 20, 30, 40]),
            (101, &[0, 50, 100, 150]),
        ] {
            assert_eq!(ticks(Some(most)), expected, "{most}");
        }
        for most in [i64::MAX, 1_234_567_890_123_456_789, 123_456_789] {
            assert!(ticks(Some(most)).len() <= 5, "{most}");
        }
    }

    #[test]
    fn what_happened_is_counted_in_its_hour() {
        let mut connection = connection();
        let before = NOW.plus_seconds(-3600);
        let long_ago = NOW.plus_seconds(-24 * 3600);
        let notes = vec![
            newcomer("ann", long_ago),
            newcomer("ben", before),
            seen("ann", What::Visit("/scores/".into()), long_ago),
            seen("ann", What::Visit("/scores/".into()), NOW),
            seen("ben", What::Visit("/scores/".into()), NOW),
            seen("ben", What::Visit("/cart/".into()), before),
            seen("ben", What::Failure, before),
            seen("ben", What::SignIn, NOW),
            seen("nobody", What::SignIn, NOW),
        ];
        write(&mut connection, notes, NOW);
        let seen = overview(&mut connection, Some("ben"), 0, NOW).unwrap();
        let numbers = |hour: &Hour| (hour.newcomers, hour.visits, hour.sign_ins, hour.failures);
        let shown: Vec<_> = seen.hours.iter().map(numbers).collect();
        assert_eq!(shown[..22], [(0, 0, 0, 0); 22]);
        assert_eq!(shown[22..], [(1, 1, 0, 1), (0, 2, 1, 0)]);
        assert_eq!(seen.hours[23].hour, hour(NOW) % 24);
        let pages: Vec<_> = seen
            .pages
            .iter()
            .map(|page| (page.page.as_str(), page.times))
            .collect();
        assert_eq!(pages, [("/scores/", 2), ("/cart/", 1)]);
        let you = seen.you.unwrap();
        assert_eq!((you.visits, you.sign_ins, you.failures), (2, 1, 1));
        assert!(
            overview(&mut connection, Some("nobody"), 0, NOW)
                .unwrap()
                .you
                .is_none()
        );
    }

    #[test]
    fn what_is_older_than_a_month_is_deleted() {
        let mut connection = connection();
        let first = NOW.plus_seconds(-i64::from(DAYS) * 86_400);
        let notes = vec![
            newcomer("ann", first.plus_seconds(-1)),
            newcomer("ben", first),
            seen("ann", What::SignIn, NOW),
            seen("ben", What::SignIn, NOW),
        ];
        write(&mut connection, notes, NOW.plus_seconds(-1));
        assert_eq!(overview(&mut connection, None, 0, NOW).unwrap().visitors, 2);
        write(&mut connection, Vec::new(), NOW);
        assert_eq!(overview(&mut connection, None, 0, NOW).unwrap().visitors, 1);
        assert_eq!(csv(&mut connection, "ann").unwrap(), CSV_HEADER);
        assert_ne!(csv(&mut connection, "ben").unwrap(), CSV_HEADER);
    }

    #[test]
    fn of_more_visitors_than_there_is_room_for_the_oldest_are_deleted() {
        let mut connection = connection();
        let visitors = |range: std::ops::Range<i64>| {
            range.map(|at| newcomer(&at.to_string(), NOW.plus_seconds(at)))
        };
        write(
            &mut connection,
            visitors(0..i64::from(MOST_VISITORS) + 3).collect(),
            NOW,
        );
        let visitors = overview(&mut connection, None, 0, NOW).unwrap().visitors;
        assert_eq!(visitors, i64::from(MOST_VISITORS));
        assert!(
            overview(&mut connection, Some("2"), 0, NOW)
                .unwrap()
                .you
                .is_none()
        );
        assert!(
            overview(&mut connection, Some("3"), 0, NOW)
                .unwrap()
                .you
                .is_some()
        );
    }
}
