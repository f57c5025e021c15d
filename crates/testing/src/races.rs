//! Requests at the same time: every interleaving of two or three, and random ones of many.
//!
//! Each function is a test of one store; [`race_tests!`](crate::race_tests) makes tests of them all. The
//! invariants of `schedule/invariants.rs` are checked after every schedule, besides what a test itself
//! asserts.

#![expect(
    clippy::missing_panics_doc,
    reason = "they are tests: they panic when something does not hold"
)]

mod expiry;
mod login;
mod logout;
mod merge;
mod mishap;
mod mix;

pub use crate::history::histories_are_linearizable;
pub use expiry::*;
pub use login::*;
pub use logout::*;
pub use merge::*;
pub use mishap::*;
pub use mix::*;

use crate::schedule::Deed;

/// A signed-in session with a value and a counter.
const SIGNED_IN: &[Deed] = &[Deed::Set("a"), Deed::Add("count", 1), Deed::Login("ann")];
/// The same of a visitor whom nobody knows.
const ANONYMOUS: &[Deed] = &[Deed::Set("a"), Deed::Add("count", 1)];

/// Makes one test of each race; `$open` is an async function that opens a store and hands it out with what
/// must be kept while it is used. Attributes in front of it are given to each test, as
/// `#[ignore = "needs PostgreSQL"]` is.
#[macro_export]
macro_rules! race_tests {
    ($(#[$attribute:meta])* $open:path) => {
        $crate::race_tests! { @ [$(#[$attribute])*] $open:
            a_slow_write_does_not_bring_back_what_was_logged_out
            a_slow_write_does_not_undo_what_ended_its_session
            changes_of_different_names_are_all_kept
            the_later_write_of_a_name_wins_whole
            a_value_is_taken_once
            a_guarded_name_does_not_change_underneath_a_request
            counters_count_every_request
            fifty_requests_count_or_say_that_they_did_not
            an_expired_session_is_not_revived
            logins_at_the_same_time_leave_one_session
            a_login_and_a_logout_leave_one_of_two_states
            an_old_key_opens_nothing_and_changes_no_cookie
            no_renewal_survives_a_logout
            no_renewal_survives_a_logout_and_a_write
            a_write_during_a_login_is_kept
            a_session_that_was_made_valid_meanwhile_stays
            two_renewals_leave_one_key
            a_changed_secret_key_fails_no_page
            a_changed_secret_key_leaves_one_session_through_an_early_save
            a_saved_request_goes_on_under_its_new_key
            a_request_that_is_cut_off_or_fails_leaves_no_half_state
            two_mishaps_leave_no_half_state
            random_schedules_keep_the_invariants
            random_schedules_with_mishaps_keep_the_invariants
            histories_are_linearizable
        }
    };
    (@ $attributes:tt $open:path: $($race:ident)*) => {
        $( $crate::race_tests! { @@ $attributes $open, $race } )*
    };
    (@@ [$($attributes:tt)*] $open:path, $race:ident) => {
            #[tokio::test]
            $($attributes)*
            async fn $race() {
                let (store, _kept) = $open().await;
                $crate::races::$race(&store).await;
            }
    };
}
