//! Reads that begin at their time, whether or not those before have ended.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cloakroom_core::session::{SessionKey, Store};
use cloakroom_core::time::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::Handle;

/// A thread that begins reads.
pub(super) struct Readers {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    answers: Receiver<Option<Duration>>,
}

/// How long the answers took, counted from when their reads were due.
pub(super) struct Delays {
    sorted: Vec<Duration>,
    /// Reads that found no session, or an error.
    pub(super) failed: usize,
}

impl Readers {
    pub(super) fn start(
        runtime: &Handle,
        store: &Arc<dyn Store>,
        keys: &Arc<[SessionKey]>,
        in_a_second: u32,
    ) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let (answered, answers) = channel();
        let (runtime, store, keys) = (runtime.clone(), Arc::clone(store), Arc::clone(keys));
        let stop = Arc::clone(&stopped);
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let due = start + Duration::from_secs(1) * number / in_a_second;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                // Neighbours in time are no neighbours in the table; 7919 is prime.
                let place = (number as usize * 7919) % keys.len();
                let (store, keys, answered) = (store.clone(), keys.clone(), answered.clone());
                runtime.spawn(async move {
                    let found = store.load(&keys[place], Timestamp::now()).await;
                    let found = found.is_ok_and(|stored| stored.is_some());
                    // Somebody listens until the last one is through.
                    let _ = answered.send(found.then(|| due.elapsed()));
                });
                number += 1;
            }
        });
        Self {
            stopped,
            thread,
            answers,
        }
    }

    /// Begins no more reads and waits for those that are under way.
    pub(super) fn stop(self) -> Delays {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic");
        let (mut sorted, mut failed) = (Vec::new(), 0);
        for answer in self.answers {
            match answer {
                Some(delay) => sorted.push(delay),
                None => failed += 1,
            }
        }
        sorted.sort_unstable();
        Delays { sorted, failed }
    }
}

impl Delays {
    /// Milliseconds within which this part of the answers came.
    pub(super) fn at(&self, part: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        let place = (part * last as f64).ceil() as usize;
        let delay = self.sorted.get(place);
        delay.map_or(f64::NAN, |delay| delay.as_secs_f64() * 1e3)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "reads": self.sorted.len(), "failed": self.failed,
            "p50_ms": self.at(0.5), "p99_ms": self.at(0.99), "most_ms": self.at(1.0),
        })
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (half, most, all) = (self.at(0.5), self.at(0.99), self.at(1.0));
        write!(formatter, "{half:.2}, {most:.2}, {all:.1}")
    }
}
