//! Settings of a database's server under which a write that was answered may be lost.

use std::fmt;

/// A way in which this database may lose what it has answered for; its text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DurabilityAdvice {
    /// PostgreSQL's `fsync` is off.
    FlushesNothing,
    /// PostgreSQL's `synchronous_commit` is off.
    AnswersBeforeFlushing,
    /// MySQL's `innodb_flush_log_at_trx_commit` is 0 or 2.
    FlushesOnceASecond,
}

impl fmt::Display for DurabilityAdvice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::FlushesNothing => {
                "PostgreSQL runs with fsync off: when its machine crashes, users and sessions may be lost or damaged. \
                 Set fsync to on"
            }
            Self::AnswersBeforeFlushing => {
                "PostgreSQL answers before a write is on the disk (synchronous_commit is off): a crash loses logins, \
                 and brings back what was just logged out. Set synchronous_commit to on, or to local"
            }
            Self::FlushesOnceASecond => {
                "the database flushes its log once a second: a crash loses logins, and brings back what was just \
                 logged out. Set innodb_flush_log_at_trx_commit to 1"
            }
        })
    }
}
