//! One tab at work, polled by hand.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::paused::{Call, Gate, Verdict};
use super::request::{Act, Visitor};
use super::site::Site;

/// A tab's future, between two of its store calls.
pub(super) struct Work {
    pub(super) tab: &'static str,
    gate: Gate,
    /// `None` when it is through or cut off.
    future: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Work {
    /// Begins, up to the first call: the cookie is on its way.
    pub(super) async fn start(
        site: &Arc<Site>,
        (tab, browser, acts): (&'static str, usize, Vec<Act>),
    ) -> Self {
        let gate = Gate::default();
        let visitor = Visitor {
            site: Arc::clone(site),
            gate: gate.clone(),
            tab,
            browser,
        };
        let mut work = Self {
            tab,
            gate,
            future: Some(Box::pin(visitor.act(acts))),
        };
        work.poll_to_gate().await;
        work
    }

    pub(super) fn waits_for(&self) -> Option<Call> {
        self.future.as_ref().and_then(|_| self.gate.waiting())
    }

    /// Makes the call it waits for, and goes on up to the next one.
    pub(super) async fn let_go(&mut self, verdict: Verdict) {
        self.gate.let_go(verdict);
        self.poll_to_gate().await;
    }

    pub(super) fn cut(&mut self) {
        self.future = None;
    }

    async fn poll_to_gate(&mut self) {
        let (gate, slot) = (&self.gate, &mut self.future);
        let through = poll_fn(|context| {
            let Some(future) = slot else {
                return Poll::Ready(true);
            };
            match future.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                // The store itself waits, and will wake us.
                Poll::Pending if gate.waiting().is_none() => Poll::Pending,
                Poll::Pending => Poll::Ready(false),
            }
        })
        .await;
        if through {
            self.future = None;
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Work")
            .field("tab", &self.tab)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
