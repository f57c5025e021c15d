//! Threads that verify passwords, and give way to everything else on the machine.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::Error;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// A number of threads, each of which is started when there is work for it. They end when nobody is left to give them
/// any.
pub(super) struct Workers(Arc<Shared>);

struct Shared {
    threads: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    started: usize,
    idle: usize,
    closed: bool,
}

impl Workers {
    /// At least one.
    pub(super) fn new(threads: usize) -> Self {
        Self(Arc::new(Shared {
            threads: threads.max(1),
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// How many work at once.
    pub(super) fn threads(&self) -> usize {
        self.0.threads
    }

    /// Has the next thread that is free do this.
    pub(super) fn start(&self, job: Job) -> Result<(), Error> {
        let mut state = self.0.state();
        if state.idle <= state.jobs.len() && state.started < self.0.threads {
            let shared = Arc::clone(&self.0);
            let name = "passwords".to_owned();
            match thread::Builder::new()
                .name(name)
                .spawn(move || shared.work())
            {
                Ok(_) => state.started += 1,
                Err(error) if state.started == 0 => {
                    tracing::error!(%error, "no thread can be started to verify passwords");
                    return Err(Error::busy());
                }
                // Those that there are do it later.
                Err(_) => {}
            }
        }
        state.jobs.push_back(job);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does.
    fn work(&self) {
        // Elsewhere it would be the whole process's.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(19);
        while let Some(job) = self.next() {
            // Whoever waits for it learns by its channel that nothing comes.
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a password's verification panicked");
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        state.idle += 1;
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.idle -= 1;
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
