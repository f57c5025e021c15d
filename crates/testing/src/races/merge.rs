//! What was acknowledged is kept.

use std::sync::Arc;

use cloakroom_core::session::Store;

use super::{ANONYMOUS, SIGNED_IN};
use crate::schedule::Deed::{Add, Login, Set, Take, Verify};
use crate::schedule::{Outcome, Scenario};

/// Requests that change different names keep all their changes (R3).
pub async fn changes_of_different_names_are_all_kept(store: &Arc<dyn Store>) {
    for before in [ANONYMOUS, SIGNED_IN] {
        let runs = Scenario::new()
            .before(before)
            .request("a", &[Verify, Set("a")])
            .request("b", &[Verify, Set("b")])
            .request("c", &[Verify, Set("c")])
            .in_every_order(store, |end| {
                end.require(end.records.len() == 1, "one record");
                for (name, request) in [("a", "a"), ("b", "b"), ("c", "c")] {
                    end.require(end.is_saved(request), "a change was refused");
                    end.require(end.records[0].session.contains(name), "a change is lost");
                }
            })
            .await;
        assert!(runs >= 90, "{runs}");
    }
}

/// Of two values for one name one stands, whole; nothing else of either request is lost.
pub async fn the_later_write_of_a_name_wins_whole(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(SIGNED_IN)
        .request("one", &[Set("a"), Set("b")])
        .request("two", &[Set("a"), Set("c")])
        .in_every_order(store, |end| {
            end.require(end.is_saved("one") && end.is_saved("two"), "both are kept");
            let session = &end.records[0].session;
            end.require(session.contains("b") && session.contains("c"), "b and c");
        })
        .await;
}

/// A value that is there once is given to one of those who take it; the others are interrupted.
pub async fn a_value_is_taken_once(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(&[Set("once"), Set("a")])
        .request("one", &[Take("once")])
        .request("two", &[Take("once"), Set("b")])
        .request("other", &[Set("c")])
        .in_every_order(store, |end| {
            end.require(end.is_saved("other"), "it took nothing");
            let first = *end.outcome("one") != Outcome::Interrupted;
            let second = *end.outcome("two") != Outcome::Interrupted;
            end.require(first || second, "nobody got it");
            end.require(
                !end.records[0].session.contains("once"),
                "it is still there",
            );
        })
        .await;
}

/// A change of one of Django's own names is never merged under a request that began before it.
pub async fn a_guarded_name_does_not_change_underneath_a_request(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(SIGNED_IN)
        .request("guarded", &[Set("_private")])
        .request("other", &[Set("b")])
        .in_every_order(store, |end| {
            let (guarded, other) = (end.reply("guarded"), end.reply("other"));
            end.require(end.is_saved("guarded"), "nothing guarded changed under it");
            let underneath = guarded.ended > other.loaded_at && guarded.ended < other.ended;
            end.require(
                end.is_saved("other") != underneath,
                "interrupted if and only if it changed underneath",
            );
        })
        .await;
}

/// Requests that count are all counted (R7).
pub async fn counters_count_every_request(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(SIGNED_IN)
        .request("one", &[Add("count", 1)])
        .request("two", &[Add("count", 10)])
        .request("three", &[Add("count", 100)])
        .in_every_order(store, |end| {
            let count = end.records[0].session.get::<i64>("count");
            end.require(count == Ok(Some(112)), "a count is lost");
        })
        .await;
}

/// Where so many write that one gives up, it is told so, and all others are counted (R7).
pub async fn fifty_requests_count_or_say_that_they_did_not(store: &Arc<dyn Store>) {
    let mut scenario = Scenario::new().before(SIGNED_IN);
    for _ in 0..50 {
        scenario = scenario.request("count", &[Add("count", 1)]);
    }
    scenario
        .in_seeded_orders(store, 0..10, |end| {
            let saved = end.replies.iter().filter(|reply| reply.tab == "count");
            let busy = saved.filter(|reply| reply.outcome == Outcome::Busy).count();
            let count = end.records[0].session.get::<i64>("count");
            let expected = 51 - i64::try_from(busy).expect("it is at most 50");
            end.require(count == Ok(Some(expected)), "a count is lost");
        })
        .await;
}

/// A write that is acknowledged between a login's load and its delete of the old key is there under the new
/// one (R12).
pub async fn a_write_during_a_login_is_kept(store: &Arc<dyn Store>) {
    for before in [ANONYMOUS, SIGNED_IN] {
        Scenario::new()
            .before(before)
            .request("login", &[Verify, Login("ann"), Set("c")])
            .request("write", &[Set("b"), Add("count", 1)])
            .in_every_order(store, |end| {
                end.require(end.is_saved("login"), "the login is not disturbed");
                let user = end.records.iter().find(|left| left.user.is_some());
                let Some(session) = user.map(|left| &left.session) else {
                    return end.require(false, "nobody is signed in");
                };
                let kept = session.contains("b") && session.get("count") == Ok(Some(2));
                let loaded = !end.was_late("write");
                end.require(
                    kept == (loaded && end.is_saved("write")),
                    "what was acknowledged is there, and what was interrupted is not",
                );
                end.require(session.contains("a") && session.contains("c"), "a and c");
            })
            .await;
    }
}
