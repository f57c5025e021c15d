//! How long a slow peer is waited for while a request is under way.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::limits::Limits;

/// Time that waiting uses up and bytes earn back, never above where it began.
///
/// A plain timeout per byte lets a peer hold a connection for ever with a byte now and then; a timeout for the
/// whole cuts off what is merely large.
#[derive(Debug)]
pub(super) struct Patience {
    full: Duration,
    slowest: u32,
    left: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            full: limits.patience,
            slowest: limits.slowest.max(1),
            left: limits.patience,
            waiting: None,
        }
    }

    /// The peer moved `bytes`.
    pub(super) fn moved(&mut self, bytes: usize) {
        if let Some(waiting) = self.waiting.take() {
            self.left = self.left.saturating_sub(waiting.since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1).saturating_mul(bytes) / self.slowest;
        self.left = self.left.saturating_add(earned).min(self.full);
    }

    /// The peer keeps us waiting: ready when there is no patience left.
    pub(super) fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: Instant::now(),
            alarm: Box::pin(tokio::time::sleep(left)),
        });
        waiting.alarm.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_earn_time_but_never_more_than_at_first() {
        let mut patience = Patience::new(&Limits::default());
        patience.moved(1_000_000);
        assert_eq!(patience.left, patience.full);
        patience.left = Duration::from_secs(3);
        patience.moved(500);
        assert_eq!(patience.left, Duration::from_secs(4));
        patience.moved(1);
        assert_eq!(patience.left, Duration::from_millis(4002));
    }
}
