//! The one thread that writes: it commits all waiting writes together.
//!
//! A durable commit costs one or two flushes of the disk, however much it holds. While one commit
//! flushes, the next writes gather in the queue; so the more there are, the less each costs.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{Link, explain, explain_fault, is_busy, left_until};
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
    }
}

struct Writer {
    waiting: Vec<Box<dyn Work>>,
    /// So many of the next jobs get a transaction each: a batch of theirs was undone by one among them.
    one_by_one: usize,
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
            let Err(fault) = run_apart(connection, &mut *job) else {
                done.push(job);
                continue;
            };
            job.fail(explain_fault(path, &fault));
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
