//! The one thread that writes: it commits all waiting writes together.
//!
//! A durable commit costs one or two flushes of the disk, however much it holds. While one commit
//! flushes, the next writes gather in the queue; so the more there are, the less each costs.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{Link, explain, explain_fault, is_broken, is_busy, left_until};
use super::worker::{Fault, Work};

/// No more writes than these share a transaction, so that the first does not wait for a crowd.
const BATCH: usize = 64;

/// Locks are waited for at least so long, even by a job whose time is nearly over.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// Writes until the queue's last sender is gone and the queue is empty.
pub(super) fn serve(mut link: Link, jobs: &Receiver<Box<dyn Work>>) {
    let mut writer = Writer {
        waiting: Vec::new(),
        one_by_one: 0,
        broken: false,
    };
    loop {
        if writer.waiting.is_empty() {
            let Ok(job) = jobs.recv() else { return };
            writer.waiting.push(job);
        }
        while writer.waiting.len() < BATCH {
            let Ok(job) = jobs.try_recv() else { break };
            writer.waiting.push(job);
        }
        let now = Instant::now();
        writer.waiting.retain(|job| job.is_wanted(now));
        writer.commit_waiting(&mut link);
        if std::mem::take(&mut writer.broken) {
            link.close();
        }
    }
}

struct Writer {
    waiting: Vec<Box<dyn Work>>,
    /// So many of the next jobs get a transaction each: a batch of theirs was undone by one among them.
    one_by_one: usize,
    /// A job met an error that this connection would meet for ever.
    broken: bool,
}

impl Writer {
    fn commit_waiting(&mut self, link: &mut Link) {
        let Some(patience) = self.waiting.iter().map(|job| job.patience()).min() else {
            return;
        };
        let path = link.path().to_owned();
        let begun = link
            .connection(left_until(patience))
            .and_then(|connection| execute(connection, "BEGIN IMMEDIATE").map(|()| connection));
        let connection = match begun {
            Ok(connection) => connection,
            Err(error) => {
                let failed = if is_busy(&error) {
                    self.take_impatient()
                } else {
                    std::mem::take(&mut self.waiting)
                };
                fail_all(failed, &path, &error);
                return link.close_if_broken(&error);
            }
        };
        let Some(done) = self.run_batch(connection, &path) else {
            return;
        };
        let committed = connection
            .busy_timeout(left_until(patience).max(LEAST_WAIT))
            .and_then(|()| execute(connection, "COMMIT"));
        if let Err(error) = committed {
            fail_all(done, &path, &error);
            if !connection.is_autocommit() && execute(connection, "ROLLBACK").is_err() {
                return link.close();
            }
            return link.close_if_broken(&error);
        }
        for job in done {
            job.answer();
        }
    }

    /// Runs the next jobs in the transaction that is open and hands back those to be answered when it is
    /// committed; `None` if SQLite has rolled all of it back.
    fn run_batch(&mut self, connection: &Connection, path: &Path) -> Option<Vec<Box<dyn Work>>> {
        let size = if self.one_by_one > 0 {
            self.one_by_one -= 1;
            1
        } else {
            self.waiting.len()
        };
        let mut batch: VecDeque<_> = self.waiting.drain(..size).collect();
        let mut done = Vec::with_capacity(size);
        while let Some(mut job) = batch.pop_front() {
            // Waiting for the lock may have outlasted the caller.
            if !job.is_wanted(Instant::now()) {
                continue;
            }
            let Err(fault) = run_apart(connection, &mut *job) else {
                done.push(job);
                continue;
            };
            job.fail(explain_fault(path, &fault));
            // A connection to a read-only file begins its transactions gladly; only the write fails.
            self.broken |= matches!(&fault, Fault::Sqlite(error) if is_broken(error));
            if connection.is_autocommit() {
                // A full disk, for instance, undoes the whole transaction. The others did nothing wrong:
                // each is tried again alone, before anyone who came later.
                done.extend(batch);
                self.one_by_one = self.one_by_one.max(done.len());
                self.waiting.splice(..0, done);
                return None;
            }
        }
        Some(done)
    }

    /// The jobs that can wait no longer for someone else's lock; the others stay.
    fn take_impatient(&mut self) -> Vec<Box<dyn Work>> {
        let soon = Instant::now() + LEAST_WAIT;
        let (impatient, patient): (Vec<_>, Vec<_>) = self
            .waiting
            .drain(..)
            .partition(|job| job.patience() <= soon);
        self.waiting = patient;
        if impatient.is_empty() {
            // SQLite gave up before its time, as it may; asking again at once would only burn the CPU.
            std::thread::sleep(LEAST_WAIT);
        }
        impatient
    }
}

/// Runs one job in a savepoint, so that its failure undoes nothing but its own changes.
fn run_apart(connection: &Connection, job: &mut dyn Work) -> Result<(), Fault> {
    execute(connection, "SAVEPOINT job").map_err(Fault::Sqlite)?;
    let result = job.run(connection);
    if result.is_err() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK TO job").map_err(Fault::Sqlite)?;
    }
    if !connection.is_autocommit() {
        execute(connection, "RELEASE job").map_err(Fault::Sqlite)?;
    }
    result
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn fail_all(jobs: Vec<Box<dyn Work>>, path: &Path, error: &rusqlite::Error) {
    for job in jobs {
        job.fail(explain(path, error));
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_core::session::{SessionKey, Store as _};
    use cloakroom_core::time::Timestamp;
    use cloakroom_testing::record;
    use rusqlite::Connection;

    use crate::SqliteStore;

    #[tokio::test]
    async fn a_full_disk_is_an_error_of_those_who_need_space() {
        let folder = tempfile::tempdir().unwrap();
        let store = new_store(&folder).await;
        let now = Timestamp::now();
        let small = record("{}", Timestamp::MAX);
        let _ = store
            .create(&key("before-it-filled"), &small)
            .await
            .unwrap();
        // The bound is the connection's own; 0 pages more than there are.
        store
            .write(|connection| bound(connection, 0))
            .await
            .unwrap();
        let json = format!(r#"{{"a": "{}"}}"#, "x".repeat(100_000));
        let large = record(&json, Timestamp::MAX);
        for _ in 0..3 {
            let error = store.create(&key("too-large"), &large).await.unwrap_err();
            assert!(error.to_string().contains("disk is full"), "{error}");
        }
        let (refused, kept) = (key("too-large"), key("small-enough"));
        let (refused, kept) =
            tokio::join!(store.create(&refused, &large), store.create(&kept, &small));
        assert!(refused.is_err());
        let _ = kept.unwrap();
        for name in ["before-it-filled", "small-enough"] {
            assert!(
                store.load(&key(name), now).await.unwrap().is_some(),
                "{name}"
            );
        }
        assert!(store.load(&key("too-large"), now).await.unwrap().is_none());
        store
            .write(|connection| bound(connection, 1_000_000))
            .await
            .unwrap();
        let _ = store.create(&key("too-large"), &large).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_the_error_of_its_job_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = new_store(&folder).await;
        let small = record("{}", Timestamp::MAX);
        let bystander = key("bystander");
        let (panicked, kept) = tokio::join!(
            store.write(|connection| -> rusqlite::Result<()> {
                connection.execute_batch("DELETE FROM django_migrations")?;
                panic!("a test's panic")
            }),
            store.create(&bystander, &small)
        );
        assert!(panicked.unwrap_err().to_string().contains("panicked"));
        let _ = kept.unwrap();
        let left: i64 = store
            .read(|connection| {
                connection.query_row("SELECT count(*) FROM django_migrations", [], |row| {
                    row.get(0)
                })
            })
            .await
            .unwrap();
        assert_eq!(left, 15, "what it did before is undone");
    }

    #[tokio::test]
    async fn a_panic_while_reading_spoils_no_connection() {
        let folder = tempfile::tempdir().unwrap();
        let store = new_store(&folder).await;
        for _ in 0..32 {
            let reader = store.clone();
            let panicked = tokio::spawn(async move {
                reader
                    .read(|_| -> rusqlite::Result<()> { panic!("a test's panic") })
                    .await
            });
            assert!(panicked.await.is_err());
        }
        assert!(store.made_by_us().await.unwrap());
    }

    #[tokio::test]
    async fn every_writing_connection_flushes_at_each_commit() {
        let folder = tempfile::tempdir().unwrap();
        let store = new_store(&folder).await;
        let synchronous: i64 = store
            .write(|connection| {
                connection.pragma_query_value(None, "synchronous", |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!(synchronous, 2);
        let query_only: i64 = store
            .read(|connection| connection.pragma_query_value(None, "query_only", |row| row.get(0)))
            .await
            .unwrap();
        assert_eq!(query_only, 1);
    }

    async fn new_store(folder: &tempfile::TempDir) -> SqliteStore {
        let store = SqliteStore::create(folder.path().join("site.db"))
            .await
            .unwrap();
        let _ = store.migrate(Timestamp::now()).await.unwrap();
        store
    }

    fn bound(connection: &Connection, pages: i64) -> rusqlite::Result<()> {
        connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
    }

    fn key(name: &str) -> SessionKey {
        SessionKey::parse(name).unwrap()
    }
}
