//! The database servers of a run: made when one is needed, gone with the program.

use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom_testing::servers::{MariaDb, Postgres, Redis};

/// A server that is not part of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Postgres,
    MariaDb,
    Redis,
}

impl Server {
    /// What of it is not installed, and how that is changed.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::Postgres => Postgres::missing(),
            Self::MariaDb => MariaDb::missing(),
            Self::Redis => Redis::missing(),
        }
    }
}

pub(crate) fn postgres() -> &'static Postgres {
    Postgres::shared()
}

pub(crate) fn mariadb() -> &'static MariaDb {
    MariaDb::shared()
}

pub(crate) fn redis() -> &'static Redis {
    Redis::shared()
}

/// What no other side's keys in Redis begin with.
pub(crate) fn new_prefix() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("site{:03}", MADE.fetch_add(1, Ordering::Relaxed))
}
