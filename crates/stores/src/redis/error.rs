//! What a failure of Redis means, in words that say what to do.

use cloakroom_core::session::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::place::Place;

/// Why a call could not be answered.
pub(super) enum Failure {
    /// The driver's error: the server's, or of the connection.
    Redis(RedisError),
    /// The answer is to another question.
    OutOfStep,
    /// The connection was not made in time.
    NotConnected,
}

impl Failure {
    /// True if the connection is not to be used again.
    pub(super) fn breaks_the_connection(&self) -> bool {
        match self {
            Self::OutOfStep => true,
            // Nothing was made that could break.
            Self::NotConnected => false,
            Self::Redis(error) => match error.kind() {
                // Another server is the master by now, or this one signs us in no more.
                ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::NoPerm) => true,
                ErrorKind::Server(_) => false,
                ErrorKind::Extension => matches!(error.code(), Some("NOAUTH")),
                _ => true,
            },
        }
    }

    /// True if the server has said that it did nothing, and another node or moment may do it.
    pub(super) fn is_for_another_node(&self) -> bool {
        let Self::Redis(error) = self else {
            return false;
        };
        matches!(
            error.kind(),
            ErrorKind::ClusterConnectionNotFound
                | ErrorKind::Server(
                    ServerErrorKind::Moved
                        | ServerErrorKind::Ask
                        | ServerErrorKind::TryAgain
                        | ServerErrorKind::ClusterDown
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ReadOnly
                )
        )
    }

    /// True if only the connection has failed.
    pub(super) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Redis(error) if error.kind() == ErrorKind::Io)
    }

    /// The same for whoever reads the log.
    pub(super) fn explain(self, place: &Place) -> StoreError {
        let error = match self {
            Self::Redis(error) => error,
            Self::OutOfStep => {
                return StoreError::new(format!(
                    "{place} gave an answer to another question; its connection is closed"
                ));
            }
            Self::NotConnected => return unanswered(place),
        };
        let advice = match error.code() {
            Some("READONLY") => {
                "is a replica and takes no writes; name its master, or its Sentinels"
            }
            Some("LOADING") => "is still reading its data from the disk; wait",
            Some("OOM") => "is out of memory; raise its maxmemory, or have it evict what may go",
            Some("MISCONF") => "cannot write to its disk; see its log",
            Some("NOREPLICAS") => {
                "has fewer replicas than it asks for; see its min-replicas-to-write"
            }
            Some("NOAUTH" | "WRONGPASS") => "refuses the user or the password; correct the URL",
            Some("NOPERM") => {
                "does not permit the user what is needed: GET, SET, DEL, EXISTS, PTTL, PEXPIREAT, PEXPIRETIME, \
                 EVAL and EVALSHA on the keys of the sessions"
            }
            Some("MOVED" | "ASK") => "is part of a Cluster; name it with redis+cluster://",
            Some("CLUSTERDOWN" | "TRYAGAIN" | "MASTERDOWN") => {
                "is not whole; see its CLUSTER INFO or its replication"
            }
            Some("BUSY") => "is busy with another script; see its log",
            Some("WRONGTYPE") => "holds something other than a string under a session's key",
            _ => match error.kind() {
                ErrorKind::Io if error.is_connection_refusal() => {
                    "cannot be reached; is it running?"
                }
                ErrorKind::Io => "has closed the connection, or cannot be reached",
                ErrorKind::AuthenticationFailed => {
                    "refuses the user or the password; correct the URL"
                }
                ErrorKind::MasterNameNotFoundBySentinel => {
                    "is not known by that name, or none of the Sentinels can be reached"
                }
                ErrorKind::ClusterConnectionNotFound => "has no node that can be reached",
                ErrorKind::InvalidClientConfig => "cannot be used with these settings",
                _ => "gave an answer that is not understood",
            },
        };
        let explained = StoreError::new(format!("{place} {advice}"));
        // Others repeat what they were given, keys and values too.
        if error.kind() == ErrorKind::Io {
            return explained.with_source(error);
        }
        match error.code() {
            Some(code) => explained.with_source(code.to_owned()),
            None => explained,
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

pub(super) fn unanswered(place: &Place) -> StoreError {
    StoreError::new(format!("{place} did not answer within the deadline"))
}
