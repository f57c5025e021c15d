//! `SESSIONS`: where sessions are kept, if not in the database with the users.

use std::fmt;
use std::path::PathBuf;

use crate::database_url::{DatabaseUrl, NetworkUrl};

/// Where sessions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionsUrl {
    /// Another database than the users': Django's `db` engine.
    Database(DatabaseUrl),
    /// Redis or Valkey alone: Django's `cache` engine.
    Redis(NetworkUrl),
    /// Redis in front of the users' database: Django's `cached_db` engine. `CACHE_URL` says which Redis.
    Cached,
    /// A folder of files: Django's `file` engine.
    File(PathBuf),
    /// The browsers' own cookies: Django's `signed_cookies` engine.
    Cookie,
    /// This process's memory. They end with it.
    Memory,
}

impl SessionsUrl {
    /// Reads a URL.
    ///
    /// | form | engine |
    /// |---|---|
    /// | `redis:…`, `rediss:…`, `valkey:…` and their kin | Redis or Valkey |
    /// | `cached`, `cached:` | `CACHE_URL`'s Redis in front of the database |
    /// | `file:DIR` | files in the folder `DIR`, which must be there |
    /// | `cookie:` | signed cookies |
    /// | `memory:` | memory |
    /// | a database's URL | that database |
    ///
    /// # Errors
    /// It is none of these. The message shows nothing of it, as it may hold a password.
    pub fn parse(text: &str) -> Result<Self, SessionsUrlError> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match (scheme.to_ascii_lowercase().as_str(), rest) {
            ("cached", "") => Ok(Self::Cached),
            ("cookie", "") => Ok(Self::Cookie),
            ("memory", "") => Ok(Self::Memory),
            ("file", "") => Err(SessionsUrlError),
            ("file", folder) => Ok(Self::File(folder.into())),
            (scheme, rest) if is_redis(scheme) && rest.starts_with("//") => {
                Ok(Self::Redis(NetworkUrl::new(scheme, rest)))
            }
            _ => DatabaseUrl::parse(text)
                .map(Self::Database)
                .map_err(|_| SessionsUrlError),
        }
    }
}

/// Redis and Valkey, with and without TLS, alone, watched by Sentinels, or as a Cluster.
fn is_redis(scheme: &str) -> bool {
    let (kind, way) = scheme.split_once(['+', '-']).unwrap_or((scheme, ""));
    matches!(kind, "redis" | "rediss" | "valkey" | "valkeys")
        && matches!(way, "" | "sentinel" | "cluster")
}

/// The setting names no place for sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsUrlError;

impl fmt::Display for SessionsUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "SESSIONS names no place for sessions; write a database's URL, redis://…, cached, file:DIR, cookie: or memory:",
        )
    }
}

impl std::error::Error for SessionsUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_has_its_form() {
        let read = |text| SessionsUrl::parse(text).unwrap();
        assert_eq!(read("cached"), SessionsUrl::Cached);
        assert_eq!(read("cached:"), SessionsUrl::Cached);
        assert_eq!(read("cookie:"), SessionsUrl::Cookie);
        assert_eq!(read("memory:"), SessionsUrl::Memory);
        assert_eq!(read("file:/var/tmp"), SessionsUrl::File("/var/tmp".into()));
        assert_eq!(read("file:sessions"), SessionsUrl::File("sessions".into()));
        assert_eq!(
            read("sqlite:a.db"),
            SessionsUrl::Database(DatabaseUrl::Sqlite("a.db".into()))
        );
        assert!(matches!(
            read("postgresql://h/d"),
            SessionsUrl::Database(DatabaseUrl::Postgres(_))
        ));
        for text in [
            "redis://h:6379/1",
            "rediss://:p@h",
            "valkey://h",
            "redis+sentinel://h/site",
            "redis-cluster://h",
        ] {
            let SessionsUrl::Redis(url) = read(text) else {
                panic!("{text}")
            };
            assert_eq!(url.as_str(), text);
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for text in [
            "",
            "hunter2",
            "file:",
            "redis:hunter2",
            "memcached://hunter2",
            "cookie:hunter2",
            "sqlite:",
        ] {
            let error = SessionsUrl::parse(text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{text}");
        }
    }
}
