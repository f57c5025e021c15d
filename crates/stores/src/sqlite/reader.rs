//! Reads: on the caller's own thread where nothing can make it wait, on a thread apart where something can.
//!
//! In WAL mode a read of a row takes microseconds and waits for nobody, so handing it to another thread
//! would cost more than the read. Only when SQLite says "busy" (a recovery after a crash, an exclusive
//! lock), or in a rollback journal, where readers and writers wait for each other and the first reader after
//! a crash repairs the file, does the read go to a thread that may block.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use cloakroom_core::session::StoreError;
use rusqlite::Connection;

use super::connection::{Link, explain, explain_fault, is_busy, left_until};
use super::worker::{Fault, Work, Worker};

/// The connections that read.
#[derive(Debug)]
pub(super) struct Readers {
    /// Empty if every read goes to the thread.
    inline: Vec<Mutex<Link>>,
    next: AtomicUsize,
    thread: Worker,
}

impl Readers {
    pub(super) fn start(inline: Vec<Link>, slow: Link, queue: usize) -> Result<Self, StoreError> {
        let thread = Worker::start("cloakroom-sqlite-read", queue, move |jobs| {
            serve(slow, jobs);
        })?;
        Ok(Self {
            inline: inline.into_iter().map(Mutex::new).collect(),
            next: AtomicUsize::new(0),
            thread,
        })
    }

    /// Answers `query` here if a connection is free and nothing is locked, otherwise on the thread.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        deadline: Duration,
        query: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(result) = self.try_inline(&query) {
            return result;
        }
        self.thread.ask(deadline, query).await
    }

    fn try_inline<T>(
        &self,
        query: &impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Option<Result<T, StoreError>> {
        let count = self.inline.len();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for step in 0..count {
            let mut link = match self.inline[first.wrapping_add(step) % count].try_lock() {
                Ok(link) => link,
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Poisoned(poisoned)) => {
                    // Whatever panicked in there left a statement half done: start anew.
                    let mut link = poisoned.into_inner();
                    link.close();
                    link
                }
            };
            return match link.connection(Duration::ZERO).and_then(query) {
                Ok(answer) => Some(Ok(answer)),
                Err(error) if is_busy(&error) => None,
                Err(error) => {
                    let explained = explain(link.path(), &error);
                    link.close_if_broken(&error);
                    Some(Err(explained))
                }
            };
        }
        None
    }
}

/// Reads until the queue's last sender is gone and the queue is empty.
fn serve(mut link: Link, jobs: &Receiver<Box<dyn Work>>) {
    while let Ok(mut job) = jobs.recv() {
        if !job.is_wanted(Instant::now()) {
            continue;
        }
        let fault = match link.connection(left_until(job.patience())) {
            Ok(connection) => job.run(connection).err(),
            Err(error) => Some(Fault::Sqlite(error)),
        };
        let Some(fault) = fault else {
            job.answer();
            continue;
        };
        job.fail(explain_fault(link.path(), &fault));
        match fault {
            Fault::Sqlite(error) => link.close_if_broken(&error),
            Fault::Panicked => link.close(),
        }
    }
}

/// True if readers of this database never wait for a writer; an error if it is no database.
pub(super) fn reads_wait_for_nobody(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode.eq_ignore_ascii_case("wal"))
}
