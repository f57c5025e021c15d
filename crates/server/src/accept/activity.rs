//! What a connection is doing, and until when it may go on so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Shared by a connection's stream (which sees bytes), its service (which sees requests) and its task (which
/// ends it). HTTP/1's own head timeout cannot tell an idle connection from a slow head, and neither it nor
/// the detection of HTTP/2 bounds a peer that never speaks.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    requests: u32,
    served_one: bool,
    http2: bool,
    quiet_since: Instant,
    head_since: Option<Instant>,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            requests: 0,
            served_one: false,
            http2: false,
            quiet_since: now,
            head_since: Some(now),
        })))
    }

    /// Bytes came in. In HTTP/2 they may be a ping, so there only the first request counts as one.
    pub(super) fn arrived(&self, now: Instant) {
        let mut state = self.state();
        if state.requests == 0 && !state.http2 {
            state.head_since.get_or_insert(now);
        }
    }

    /// A request's head is complete; it is under way until the guard is dropped.
    pub(super) fn begin(&self, http2: bool) -> UnderWay {
        let mut state = self.state();
        state.requests += 1;
        state.served_one = true;
        state.http2 |= http2;
        state.head_since = None;
        UnderWay(self.clone())
    }

    /// True between two requests.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.requests == 0 && state.served_one && state.head_since.is_none()
    }

    /// When to give up on the peer, who has `head` for a head and may idle for `idle`; `None` while a request
    /// is under way.
    pub(super) fn deadline(&self, head: Duration, idle: Duration) -> Option<Instant> {
        let state = self.state();
        if state.requests > 0 {
            return None;
        }
        Some(match state.head_since {
            Some(since) => since + head,
            None => state.quiet_since + idle,
        })
    }

    fn end(&self, now: Instant) {
        let mut state = self.state();
        state.requests -= 1;
        if state.requests == 0 {
            state.quiet_since = now;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request is under way as long as this exists.
#[derive(Debug)]
pub(super) struct UnderWay(Activity);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(75);

    #[test]
    fn a_head_has_its_time_from_the_first_byte_and_no_more_for_each_further_one() {
        let start = Instant::now();
        let activity = Activity::new(start);
        activity.arrived(start + Duration::from_secs(9));
        assert_eq!(
            activity.deadline(HEAD, IDLE),
            Some(start + HEAD),
            "the first head's time runs from the connection"
        );
        assert!(!activity.is_idle());

        drop(activity.begin(false));
        assert!(activity.is_idle());
        assert!(activity.deadline(HEAD, IDLE).unwrap() >= start + IDLE);

        let later = start + Duration::from_secs(50);
        activity.arrived(later);
        activity.arrived(later + Duration::from_secs(5));
        assert_eq!(activity.deadline(HEAD, IDLE), Some(later + HEAD));
    }

    #[test]
    fn nothing_runs_out_while_any_request_is_under_way() {
        let activity = Activity::new(Instant::now());
        let (first, second) = (activity.begin(true), activity.begin(true));
        drop(first);
        assert_eq!(activity.deadline(HEAD, IDLE), None);
        drop(second);
        assert!(activity.deadline(HEAD, IDLE).is_some());
    }

    #[test]
    fn a_ping_of_http2_begins_no_head() {
        let activity = Activity::new(Instant::now());
        drop(activity.begin(true));
        activity.arrived(Instant::now());
        assert!(activity.is_idle());
    }
}
