//! A thread with a bounded queue of jobs, each of which is answered at most once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cloakroom_core::session::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

/// Locks are waited for during this part of a deadline, so that what the thread says of them still arrives.
pub(super) const PATIENCE: f64 = 0.8;

/// A thread that owns a connection. Dropping it lets the thread finish what waits, and joins it.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<SyncSender<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts `body` on a thread of its own, with room for `queue` waiting jobs.
    pub(super) fn start(
        name: &str,
        queue: usize,
        body: impl FnOnce(&Receiver<Box<dyn Work>>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || body(&receiver))
            .map_err(|error| {
                StoreError::new("the operating system starts no more threads").with_source(error)
            })?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
        })
    }

    /// Has `run` called on the thread with its connection, and waits for the answer until the deadline.
    ///
    /// `run` may be called again if its first run was undone, so it changes nothing but the database. A full
    /// queue is an error at once: more waiting would only make everyone late.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        deadline: Duration,
        run: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            run,
            result: None,
            reply,
            patience: Instant::now() + deadline.mul_f64(PATIENCE),
        };
        let jobs = self.jobs.as_ref().expect("taken only in drop");
        jobs.try_send(Box::new(job)).map_err(|error| {
            StoreError::new(match error {
                TrySendError::Full(_) => "too many calls wait for the database",
                TrySendError::Disconnected(_) => "the database's thread has ended",
            })
        })?;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(result)) => result,
            // Dropped unanswered, or still at work: nobody can say here whether it was written.
            Ok(Err(_)) | Err(_) => Err(StoreError::new(
                "the database did not answer within the deadline",
            )),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic on that thread was reported when it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// A job in the queue, whatever its answer's type.
pub(super) trait Work: Send {
    /// Until when locks may be waited for.
    fn patience(&self) -> Instant;
    /// False once the caller has gone or its time is over: such a job is dropped, never begun.
    fn is_wanted(&self, now: Instant) -> bool;
    /// Does the work and keeps the result. A panic is an error of this job alone.
    fn run(&mut self, connection: &Connection) -> Result<(), Fault>;
    /// Sends the result of the last run.
    fn answer(self: Box<Self>);
    /// Sends an error in its place.
    fn fail(self: Box<Self>, error: StoreError);
}

/// Why a job's run came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Panicked,
}

struct Job<T, F> {
    run: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    patience: Instant,
}

impl<T, F> Work for Job<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
{
    fn patience(&self) -> Instant {
        self.patience
    }

    fn is_wanted(&self, now: Instant) -> bool {
        now < self.patience && !self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> Result<(), Fault> {
        self.result = None;
        match catch_unwind(AssertUnwindSafe(|| (self.run)(connection))) {
            Ok(Ok(result)) => {
                self.result = Some(result);
                Ok(())
            }
            Ok(Err(error)) => Err(Fault::Sqlite(error)),
            Err(_) => Err(Fault::Panicked),
        }
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            // Nobody listens any more: the caller's time is over, and it acknowledged nothing.
            let _ = self.reply.send(Ok(result));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
