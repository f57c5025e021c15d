//! Logins and renewed keys leave one defined state.

use std::sync::Arc;

use cloakroom_core::session::Store;

use super::{ANONYMOUS, SIGNED_IN};
use crate::schedule::Deed::{
    Add, ChangePassword, CycleKey, Login, LoginBefore, Logout, RefreshHash, Save, Set, Think,
    Verify,
};
use crate::schedule::{Act, Deed, Outcome, Scenario};

/// Two logins of one browser leave one session of one user, whole (R6).
pub async fn logins_at_the_same_time_leave_one_session(store: &Arc<dyn Store>) {
    for before in [ANONYMOUS, SIGNED_IN] {
        for other in ["ann", "bob"] {
            let scenario = Scenario::new()
                .before(before)
                .request("ann", &[Verify, Login("ann"), Set("b")])
                .request("other", &[Verify, Login(other), Set("c")]);
            for scenario in [scenario.clone(), scenario.keeping_keys_at_relogin()] {
                scenario
                    .in_every_order(store, |end| {
                        let winners = ["ann", "other"].map(|login| end.is_saved(login));
                        end.require(winners != [false, false], "one of them wins");
                        let late = end.was_late("ann") || end.was_late("other");
                        // A login that came with the old key when it was gone begins a session of its own.
                        let users = end.records.iter().filter(|left| left.user.is_some());
                        let expected = if late { 2 } else { 1 };
                        end.require(users.count() == expected, "one session is signed in");
                        end.require(end.records.len() == expected, "and there is no other");
                    })
                    .await;
            }
        }
    }
}

/// A login and a logout of one browser: signed in under one key, or not at all (R6).
pub async fn a_login_and_a_logout_leave_one_of_two_states(store: &Arc<dyn Store>) {
    for before in [ANONYMOUS, SIGNED_IN] {
        for id in ["ann", "bob"] {
            let scenario = Scenario::new()
                .before(before)
                .request("login", &[Verify, Login(id)])
                .request("logout", &[Verify, Logout]);
            for scenario in [scenario.clone(), scenario.keeping_keys_at_relogin()] {
                scenario
                    .in_every_order(store, |end| {
                        let users = end.records.iter().filter(|left| left.user.is_some());
                        let signed_in = users.count();
                        end.require(end.records.len() == signed_in, "no anonymous rest");
                        let logged_in = end.is_saved("login");
                        let after = end.ended("logout") && !end.was_late("login");
                        // Without a new key the login's record is the one that the logout ends.
                        let expected = usize::from(logged_in && !after);
                        end.require(signed_in == expected, "one of two states");
                        end.require(
                            logged_in || end.ended("logout"),
                            "one of them at least gets its way",
                        );
                    })
                    .await;
            }
        }
    }
}

/// A request that only reads with a key that is renewed meanwhile is served as it began or as a stranger's:
/// it makes no record and changes no cookie (R8).
pub async fn an_old_key_opens_nothing_and_changes_no_cookie(store: &Arc<dyn Store>) {
    for deeds in [&[Verify, CycleKey][..], &[Verify, Login("ann")]] {
        Scenario::new()
            .before(SIGNED_IN)
            .request("renewal", deeds)
            .tab(
                "read",
                0,
                vec![
                    Act::Request(vec![Verify, Think]),
                    Act::Request(vec![Verify]),
                ],
            )
            .in_every_order(store, |end| {
                end.require(end.is_saved("renewal"), "reading disturbs nobody");
                let mut reads = end.replies.iter().filter(|reply| reply.tab == "read");
                let untouched = reads.all(|reply| reply.outcome == Outcome::Untouched);
                end.require(untouched, "a read changed a cookie");
                end.require(end.records.len() == 1, "one record");
            })
            .await;
    }
}

/// A request that finds its session invalid does not end it if somebody has made it valid meanwhile.
pub async fn a_session_that_was_made_valid_meanwhile_stays(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(SIGNED_IN)
        .before_in(1, SIGNED_IN)
        .before_in(1, &[ChangePassword])
        .request("finds it invalid", &[Verify])
        .request("makes it valid", &[RefreshHash("ann")])
        .in_every_order(store, |end| {
            let own = end.records.iter().find(|left| left.name.starts_with("0-"));
            let signed_in = own.is_some_and(|left| left.user.is_some());
            let made = end.is_saved("makes it valid");
            end.require(signed_in == made, "it stays if it was made valid");
        })
        .await;
}

/// Two requests that renew the key at once, by any cause: one does, the other is interrupted.
pub async fn two_renewals_leave_one_key(store: &Arc<dyn Store>) {
    let causes: [(&[Deed], &[Deed]); 3] = [
        (SIGNED_IN, &[CycleKey]),
        (SIGNED_IN, &[Login("ann"), Add("count", 1)]),
        (&[Set("a"), LoginBefore("ann")], &[Verify, Set("b")]),
    ];
    for (before, deeds) in causes {
        Scenario::new()
            .before(before)
            .request("one", deeds)
            .request("two", deeds)
            .in_every_order(store, |end| {
                let both = end.is_saved("one") && end.is_saved("two");
                let late = end.was_late("one") || end.was_late("two");
                end.require(!both || late, "two keys for one session");
                end.require(end.is_saved("one") || end.is_saved("two"), "none");
            })
            .await;
    }
}

/// After the secret key was changed every page of a visitor finds that the session needs a new key. One gives
/// it; the others, which only read, are served all the same.
pub async fn a_changed_secret_key_fails_no_page(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(&[Set("a"), LoginBefore("ann")])
        .request("one", &[Verify])
        .request("two", &[Verify])
        .in_every_order(store, |end| {
            for page in ["one", "two"] {
                let outcome = end.outcome(page);
                let served = matches!(outcome, Outcome::Saved(_) | Outcome::Untouched);
                end.require(served, "a page that only read was interrupted");
            }
            let signed_in = end.records.iter().filter(|left| left.user.is_some());
            end.require(signed_in.count() == 1, "one key is signed in");
        })
        .await;
}

/// The same where the pages save early and go on: whoever comes second keeps no stale copy under a key of its
/// own, which would take the place of the renewed cookie.
pub async fn a_changed_secret_key_leaves_one_session_through_an_early_save(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(&[Set("a"), LoginBefore("ann")])
        .request("one", &[Verify])
        .request("two", &[Verify, Save, Think, Set("b")])
        .in_every_order(store, |end| {
            let late = end.was_late("one") || end.was_late("two");
            end.require(late || end.records.len() == 1, "a second session was made");
        })
        .await;
}

/// A commit before the request's end, then more: the second one continues the first.
pub async fn a_saved_request_goes_on_under_its_new_key(store: &Arc<dyn Store>) {
    Scenario::new()
        .before(ANONYMOUS)
        .request(
            "stream",
            &[Login("ann"), Save, Think, Set("b"), Add("count", 1)],
        )
        .request("write", &[Set("c"), Add("count", 1)])
        .in_every_order(store, |end| {
            let stream = end.replies.iter().filter(|reply| reply.tab == "stream");
            let kept = stream.filter(|reply| matches!(reply.outcome, Outcome::Saved(_)));
            end.require(kept.count() == 2, "both commits of it are kept");
        })
        .await;
}
