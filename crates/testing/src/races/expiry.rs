//! What has expired stays expired.

use std::sync::Arc;

use cloakroom_core::session::Store;

use super::SIGNED_IN;
use crate::schedule::Deed::{CycleKey, Login, Set, Think, Verify};
use crate::schedule::{Act, Outcome, Scenario, Site};

/// A session that expires, or is cleared away, between a request's load and its save is not revived (R5, S13).
pub async fn an_expired_session_is_not_revived(store: &Arc<dyn Store>) {
    for last in [Set("b"), CycleKey, Login("ann")] {
        Scenario::new()
            .before(SIGNED_IN)
            .request("slow", &[Verify, Think, last])
            .tab("time", 0, vec![Act::Age(Site::AGE), Act::Purge])
            .in_every_order(store, |end| {
                // What was committed by the clock before that has expired with it since.
                end.require(
                    end.records
                        .iter()
                        .all(|left| end.was_late("slow") && left.acknowledged),
                    "an expired session was revived",
                );
                let slow = end.outcome("slow");
                end.require(
                    end.was_late("slow")
                        || matches!(slow, Outcome::Saved(_) | Outcome::Interrupted),
                    "either before or interrupted",
                );
            })
            .await;
    }
}
