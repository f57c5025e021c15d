//! Calls that fail, requests that are cut off, processes that die.

use std::sync::Arc;

use cloakroom_core::session::Store;

use super::{ANONYMOUS, SIGNED_IN};
use crate::schedule::Deed::{
    Add, ChangePassword, CycleKey, Login, Logout, Save, Set, Take, Verify,
};
use crate::schedule::{Deed, Scenario};

/// At every call of every interleaving the client hangs up or the store fails, each before and after the
/// call's effect: what was acknowledged holds, and no half state is left (R13).
pub async fn a_request_that_is_cut_off_or_fails_leaves_no_half_state(store: &Arc<dyn Store>) {
    let pairs: [(&[Deed], &[Deed], &[Deed]); 9] = [
        (SIGNED_IN, &[Set("a")], &[Set("b")]),
        (SIGNED_IN, &[Take("a")], &[Take("a")]),
        (SIGNED_IN, &[Set("b")], &[Logout]),
        (SIGNED_IN, &[CycleKey], &[Logout]),
        (SIGNED_IN, &[Verify, ChangePassword], &[Add("count", 1)]),
        (SIGNED_IN, &[Login("bob"), Set("b")], &[Set("c")]),
        (SIGNED_IN, &[CycleKey, Save, Set("b")], &[Add("count", 1)]),
        (ANONYMOUS, &[Login("ann")], &[Login("bob")]),
        (ANONYMOUS, &[Login("ann")], &[Add("count", 1)]),
    ];
    for (before, one, two) in pairs {
        let runs = Scenario::new()
            .before(before)
            .request("one", one)
            .request("two", two)
            .with_mishaps(1)
            .in_every_order(store, |_| {})
            .await;
        assert!(runs >= 70, "{runs}");
    }
}

/// The same where a second call fails, which may be the one that clears up after the first.
pub async fn two_mishaps_leave_no_half_state(store: &Arc<dyn Store>) {
    let alone: [(&[Deed], &[Deed]); 4] = [
        (SIGNED_IN, &[CycleKey, Set("b")]),
        (SIGNED_IN, &[Login("bob")]),
        (SIGNED_IN, &[Logout, Set("b")]),
        (ANONYMOUS, &[Login("ann"), Save, Set("b")]),
    ];
    for (before, deeds) in alone {
        Scenario::new()
            .before(before)
            .request("one", deeds)
            .with_mishaps(2)
            .in_every_order(store, |_| {})
            .await;
    }
}
