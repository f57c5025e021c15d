//! What to know about a Redis before sessions are kept in it.

use std::fmt;

use cloakroom_core::session::StoreError;
use redis::Value;

use super::RedisStore;

/// A way in which this Redis may lose sessions, or that it could not be asked; its text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisAdvice {
    /// Neither the append-only file nor snapshots are on: a restart ends every session.
    KeepsNothingOnDisk,
    /// Only snapshots are on: a crash loses what was written since the last one.
    KeepsSnapshotsOnly,
    /// When its memory is full it removes what was not used for long, sessions too.
    MayEvict,
    /// It does not tell its settings.
    WouldNotSay,
}

impl fmt::Display for RedisAdvice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::KeepsNothingOnDisk => {
                "Redis keeps nothing on disk: when it restarts, everybody is signed out. Set appendonly to yes"
            }
            Self::KeepsSnapshotsOnly => {
                "Redis keeps only snapshots on disk: a crash loses logins, and brings back what was logged out since \
                 the last one. Set appendonly to yes"
            }
            Self::MayEvict => {
                "Redis removes keys when its memory is full, and with them sessions. Set maxmemory-policy to \
                 noeviction, or give sessions a server of their own"
            }
            Self::WouldNotSay => {
                "Redis does not tell its settings (CONFIG GET is forbidden): see to it that appendonly is yes and \
                 maxmemory-policy is noeviction"
            }
        })
    }
}

impl RedisStore {
    /// Asks the server how it keeps what it is given; of a Cluster, one node.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn advice(&self) -> Result<Vec<RedisAdvice>, StoreError> {
        let ping = redis::cmd("PING");
        self.0.link.ask_about_itself(&ping).await?;
        let mut settings = Vec::new();
        for name in ["appendonly", "save", "maxmemory-policy", "maxmemory"] {
            let mut command = redis::cmd("CONFIG");
            command.arg("GET").arg(name);
            match self
                .0
                .link
                .ask_about_itself(&command)
                .await
                .ok()
                .and_then(value)
            {
                Some(value) => settings.push(value),
                None => return Ok(vec![RedisAdvice::WouldNotSay]),
            }
        }
        let mut advice = Vec::new();
        if settings[0] != "yes" {
            advice.push(if settings[1].is_empty() {
                RedisAdvice::KeepsNothingOnDisk
            } else {
                RedisAdvice::KeepsSnapshotsOnly
            });
        }
        // Without a limit it ends up being killed by the system, but it evicts nothing.
        if settings[2] != "noeviction" && settings[3] != "0" {
            advice.push(RedisAdvice::MayEvict);
        }
        Ok(advice)
    }
}

/// The value in `{name, value}`.
fn value(answer: Value) -> Option<String> {
    match answer {
        Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([_, Value::BulkString(value)]) => String::from_utf8(value).ok(),
            _ => None,
        },
        _ => None,
    }
}
