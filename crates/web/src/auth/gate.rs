//! Who may have a password verified next: verifying takes more of a machine than anything else that strangers can ask for.

mod workers;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use self::workers::Workers;
use crate::error::Error;

/// Lets a bounded number of passwords be verified at once, on threads of its own that run at the lowest priority, and has
/// a bounded number wait, for a bounded time.
///
/// Accounts and addresses are served in turn (start-time fair queueing), so that one who asks for much waits for himself. Those who come with the cookie of a browser that is known wait in a lane of their own, which gets every other
/// place.
pub(crate) struct Gate {
    state: Mutex<State>,
    workers: Arc<Workers>,
    most_waiting: usize,
}

/// What tells those apart who wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    /// Equal for equal accounts.
    pub(crate) account: u64,
    /// Equal for equal addresses; `None` where it is not known.
    pub(crate) address: Option<u64>,
    /// Comes with the cookie of a browser that is known.
    pub(crate) known: bool,
}

#[derive(Default)]
struct State {
    /// Places that are taken, and the rounds of those who have them.
    inside: Vec<(Asker, u64)>,
    /// In the order in which they came.
    waiting: Vec<Waiter>,
    /// The round that is being served.
    round: u64,
    /// Whose turn it is when both wait.
    known_next: bool,
}

struct Waiter {
    asker: Asker,
    /// One after that of the last of the same account or address.
    round: u64,
    called: oneshot::Sender<Place>,
}

impl Gate {
    /// `threads` passwords at once; twice as many places, so that a thread need not wait for a database.
    pub(crate) fn new(threads: usize, most_waiting: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            workers: Arc::new(Workers::new(threads)),
            most_waiting,
        })
    }

    /// As many threads as leave a processor to everything else.
    pub(crate) fn threads() -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        processors.saturating_sub(1).max(1)
    }

    /// A place inside, once it is this asker's turn.
    ///
    /// # Errors
    /// Too many wait, or it takes longer than `patience`.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        asker: Asker,
        patience: Duration,
    ) -> Result<Place, Error> {
        let called = {
            let mut state = self.state();
            let round = state.round_of(&asker);
            if state.inside.len() < self.places() {
                return Ok(self.place(&mut state, asker, round));
            }
            let (sender, receiver) = oneshot::channel();
            let waiter = Waiter {
                asker,
                round,
                called: sender,
            };
            state.line_up(waiter, self.most_waiting)?;
            receiver
        };
        match tokio::time::timeout(patience, called).await {
            Ok(Ok(place)) => Ok(place),
            // Nobody came out in time, or somebody with less in the line was let in instead.
            Ok(Err(_)) | Err(_) => Err(Error::busy()),
        }
    }

    fn places(&self) -> usize {
        2 * self.workers.threads()
    }

    fn place(self: &Arc<Self>, state: &mut State, asker: Asker, round: u64) -> Place {
        state.round = state.round.max(round);
        state.inside.push((asker.clone(), round));
        Place {
            gate: Arc::clone(self),
            asker: Some(asker),
        }
    }

    /// Takes out one who leaves, and calls in the next.
    fn call_next(self: &Arc<Self>, leaves: Asker) {
        let mut leaves = Some(leaves);
        while let Some(asker) = leaves.take() {
            let (called, place) = {
                let mut state = self.state();
                state.take_out(&asker);
                let Some(next) = state.next() else {
                    return;
                };
                (next.called, self.place(&mut state, next.asker, next.round))
            };
            if let Err(mut place) = called.send(place) {
                // Has gone meanwhile. If the place were dropped as it is, that would call the next one within this call.
                leaves = place.asker.take();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// In which round this asker's turn is.
    fn round_of(&self, asker: &Asker) -> u64 {
        let alike = |other: &Asker| {
            other.account == asker.account
                || (asker.address.is_some() && other.address == asker.address)
        };
        let waiting = self
            .waiting
            .iter()
            .map(|waiter| (&waiter.asker, waiter.round));
        let inside = self.inside.iter().map(|(asker, round)| (asker, *round));
        let last = waiting.chain(inside).filter(|(other, _)| alike(other));
        let last = last.map(|(_, round)| round).max().unwrap_or(0);
        last.max(self.round) + 1
    }

    /// Has somebody wait, if need be in the place of one of a later round.
    fn line_up(&mut self, newcomer: Waiter, most: usize) -> Result<(), Error> {
        self.waiting.retain(|waiter| !waiter.called.is_closed());
        let known = newcomer.asker.known;
        let line = self.waiting.iter().enumerate();
        let line = line.filter(|(_, waiter)| waiter.asker.known == known);
        if line.clone().count() >= most {
            let last = line.map(|(place, waiter)| (waiter.round, place)).max();
            match last {
                Some((round, place)) if round > newcomer.round => {
                    drop(self.waiting.remove(place));
                }
                _ => return Err(Error::busy()),
            }
        }
        self.waiting.push(newcomer);
        Ok(())
    }

    /// Whose turn it is.
    fn next(&mut self) -> Option<Waiter> {
        self.waiting.retain(|waiter| !waiter.called.is_closed());
        let any = |known: bool| {
            self.waiting
                .iter()
                .any(|waiter| waiter.asker.known == known)
        };
        let known = if self.known_next {
            any(true)
        } else {
            !any(false)
        };
        let line = self.waiting.iter().enumerate();
        let line = line.filter(|(_, waiter)| waiter.asker.known == known);
        let (_, next) = line.map(|(place, waiter)| (waiter.round, place)).min()?;
        self.known_next = !known;
        Some(self.waiting.remove(next))
    }

    fn take_out(&mut self, asker: &Asker) {
        if let Some(place) = self.inside.iter().position(|(inside, _)| inside == asker) {
            self.inside.swap_remove(place);
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gate")
            .field("threads", &self.workers.threads())
            .field("most_waiting", &self.most_waiting)
            .finish_non_exhaustive()
    }
}

/// A place inside. It belongs to the work that is done there: whoever hangs up makes no room for another one.
pub(crate) struct Place {
    gate: Arc<Gate>,
    /// `None` once it is somebody else's.
    asker: Option<Asker>,
}

impl Place {
    /// Does the work on one of the gate's threads; whoever drops the future does not stop it.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = oneshot::channel();
        let workers = Arc::clone(&self.gate.workers);
        workers.start(Box::new(move || {
            let done = work();
            drop(self);
            // Whoever asked may have gone.
            let _ = sender.send(done);
        }))?;
        receiver.await.map_err(|_| Error::busy())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(asker) = self.asker.take() {
            self.gate.call_next(asker);
        }
    }
}

#[cfg(test)]
mod tests;
