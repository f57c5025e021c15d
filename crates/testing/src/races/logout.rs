//! What is logged out stays logged out.

use std::sync::Arc;

use cloakroom_core::session::Store;

use super::SIGNED_IN;
use crate::schedule::Deed::{
    Add, ChangePassword, CycleKey, Login, LoginBefore, Logout, Save, Set, Take, Think, Verify,
};
use crate::schedule::{Act, Deed, End, Outcome, Scenario};

/// One logs out while another writes: no record is left, and the slow one sends no cookie (R1).
pub async fn a_slow_write_does_not_bring_back_what_was_logged_out(store: &Arc<dyn Store>) {
    for write in [Set("a"), Set("b"), Add("count", 1), Take("a")] {
        Scenario::new()
            .before(SIGNED_IN)
            .request("write", &[Verify, write])
            .request("logout", &[Verify, Logout])
            .in_every_order(store, |end| {
                let write = end.outcome("write");
                end.require(end.ended("logout"), "nothing kept the logout from its end");
                // A write that came after the logout begins a session of its own.
                let own = usize::from(end.was_late("write") && end.is_saved("write"));
                end.require(end.records.len() == own, "the session is there");
                end.require(
                    matches!(write, Outcome::Saved(_) | Outcome::Interrupted)
                        || end.was_late("write"),
                    "the write is either kept, and then logged out, or interrupted",
                );
            })
            .await;
    }
}

/// The same where the session ends by another cause: a password changed elsewhere, a login as another user,
/// a logout that is followed by a login (R2).
pub async fn a_slow_write_does_not_undo_what_ended_its_session(store: &Arc<dyn Store>) {
    let ends: [&[Deed]; 3] = [
        &[Verify, ChangePassword],
        &[Verify, Login("bob")],
        &[Verify, Logout, Login("ann"), Set("b")],
    ];
    for deeds in ends {
        let runs = Scenario::new()
            .before(SIGNED_IN)
            .request("write", &[Verify, Set("c")])
            .request("end", deeds)
            .in_every_order(store, |end| {
                // Who meets a session of the old password ends it, also before the change is through.
                if end.is_saved("end") {
                    one_key_is_signed_in(end);
                } else {
                    let nobody = end.records.iter().all(|left| left.user.is_none());
                    end.require(nobody, "the change was interrupted and the session lives");
                }
            })
            .await;
        assert!(runs > 5, "{runs}");
    }
    // Two browsers: when ann changes her password in one, the other is signed out.
    Scenario::new()
        .before(SIGNED_IN)
        .before_in(1, SIGNED_IN)
        .tab("change", 0, vec![Act::Request(vec![ChangePassword])])
        .tab(
            "write",
            1,
            vec![
                Act::Request(vec![Verify, Set("c")]),
                Act::Request(vec![Verify, Set("b")]),
            ],
        )
        .in_every_order(store, |end| {
            let signed_in: Vec<_> = end
                .records
                .iter()
                .filter(|left| left.user.is_some())
                .collect();
            end.require(signed_in.len() == 1, "only the browser that changed it");
            end.require(signed_in[0].name.starts_with("0-"), "the other browser");
        })
        .await;
}

fn one_key_is_signed_in(end: &End) {
    let signed_in = end.records.iter().filter(|left| left.user.is_some());
    end.require(signed_in.count() == 1, "one key is signed in");
}

/// Each cause for which a session gets a new key.
const RENEWALS: [(&[Deed], &[Deed]); 5] = [
    (SIGNED_IN, &[Verify, Login("ann")]),
    (SIGNED_IN, &[Verify, ChangePassword]),
    (&[Set("a"), LoginBefore("ann")], &[Verify]),
    (SIGNED_IN, &[CycleKey, Set("b")]),
    (SIGNED_IN, &[CycleKey, Save, Think, Set("b")]),
];

/// One loads, another logs out, the first renews the key: no key is signed in afterwards (R11).
pub async fn no_renewal_survives_a_logout(store: &Arc<dyn Store>) {
    for (before, renewal) in RENEWALS {
        Scenario::new()
            .before(before)
            .request("renewal", renewal)
            .request("logout", &[Logout])
            .in_every_order(store, |end| {
                // A logout that found the old key gone ended nothing, and says so. One whose browser sent the
                // old key after it was gone never saw the session.
                if end.ended("logout") {
                    let gone = end.records.iter().all(|left| left.user.is_none());
                    // One who came after the logout has given a password of their own.
                    let after = end.was_late("renewal");
                    end.require(gone || after, "a key is signed in after the logout");
                } else {
                    end.require(
                        *end.outcome("logout") == Outcome::Interrupted || end.was_late("logout"),
                        "a logout was acknowledged for nothing",
                    );
                    one_key_is_signed_in(end);
                }
            })
            .await;
    }
}

/// The same with a third request, whose write makes the renewal begin again (R11).
pub async fn no_renewal_survives_a_logout_and_a_write(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(SIGNED_IN)
        .request("renewal", &[CycleKey])
        .request("logout", &[Logout])
        .request("write", &[Set("c")])
        .in_every_order(store, |end| {
            if end.ended("logout") {
                let gone = end.records.iter().all(|left| left.user.is_none());
                end.require(gone, "a key is signed in after the logout");
            }
        })
        .await;
}
