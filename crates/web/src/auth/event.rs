//! What a site may want to know of its logins: the counterpart of Django's `user_logged_in`, `user_logged_out` and
//! `user_login_failed`.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use cloakroom_core::auth::User as UserRow;
use cloakroom_core::time::Timestamp;

/// Something that happened to a login.
///
/// No password is in it. Whoever writes what somebody typed as their name into a log should know that people type
/// passwords there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthEvent<'a> {
    /// A user is being signed in (`user_logged_in`). The response is not made yet; if the session cannot be kept, it
    /// will be an error.
    SignedIn {
        /// Who.
        user: &'a UserRow,
        /// From where, as far as it is known.
        address: Option<IpAddr>,
    },
    /// Somebody is being signed out (`user_logged_out`).
    SignedOut {
        /// Who, if the request has found out.
        user: Option<&'a UserRow>,
        /// From where, as far as it is known.
        address: Option<IpAddr>,
    },
    /// A try to sign in failed (`user_login_failed`).
    Failed {
        /// As it was typed.
        username: &'a str,
        /// From where, as far as it is known.
        address: Option<IpAddr>,
        /// Why; the client does not learn it.
        failure: Failure,
    },
    /// A try was sent away because of earlier failures, without a look at its password.
    Throttled {
        /// As it was typed.
        username: &'a str,
        /// From where, as far as it is known.
        address: Option<IpAddr>,
        /// When the next try may be made.
        until: Timestamp,
    },
}

/// Why a try to sign in failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Nobody has this name.
    UnknownUser,
    /// This is not the user's password, or the user has none.
    WrongPassword {
        /// Whose it would have been.
        user_id: String,
    },
    /// The password is longer than any that is looked at.
    TooLong {
        /// Whose it would have been.
        user_id: String,
    },
    /// The password is right, and the user may not sign in.
    Inactive {
        /// Whose it is.
        user_id: String,
    },
    /// The password is right, and the Django beside us asks this user for more than that, which only its own page can.
    SecondFactor {
        /// Whose it is.
        user_id: String,
    },
    /// It was not looked at, because of earlier failures under another spelling of the name.
    Throttled {
        /// Whose it would have been.
        user_id: String,
    },
}

/// What a site does with [`AuthEvent`]s.
#[derive(Clone)]
pub(crate) struct Listener(pub(crate) Arc<dyn Fn(&AuthEvent<'_>) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Listener(..)")
    }
}

/// Writes the event to the log: users by their ids, and never a name that nobody has.
pub(crate) fn log(event: &AuthEvent<'_>) {
    let shown = |address: &Option<IpAddr>| {
        address.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string())
    };
    match event {
        AuthEvent::SignedIn { user, address } => {
            tracing::info!(user = ?user.id, address = shown(address), "signed in");
        }
        AuthEvent::SignedOut { user, address } => {
            let user = user.map(|user| &user.id);
            tracing::info!(?user, address = shown(address), "signed out");
        }
        AuthEvent::Failed {
            address, failure, ..
        } => {
            tracing::warn!(address = shown(address), reason = ?failure, "a try to sign in failed");
        }
        AuthEvent::Throttled { address, .. } => {
            tracing::warn!(
                address = shown(address),
                "a try to sign in was sent away after too many failures"
            );
        }
    }
}
