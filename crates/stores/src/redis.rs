//! Sessions in Redis or Valkey, as Django's `cache` engine keeps them.

pub(crate) mod cache;
mod check;
mod error;
mod link;
mod place;
mod scripts;
mod sessions;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::session::{SessionKey, StoreError};

pub use check::RedisAdvice;
use link::Link;
use place::Place;

/// Keeps sessions in Redis or Valkey under the keys and in the form of Django's `cache` engine.
///
/// The value is a pickled dict, which Django's `RedisCache` and django-redis write and read (the latter without a
/// compressor and with its own serializer, which is pickle). It is compared byte by byte: whatever is written in its
/// place goes through a script that looks at what is there. A record ends by Redis's own clock; its expiry is kept
/// in whole milliseconds, rounded down. A pickled `None` counts as nothing. Who gets Redis 6 or older gets expiries
/// back that are late by what the answer took.
///
/// Where the server is:
///
/// | URL | |
/// |---|---|
/// | `redis://user:password@host:port/db`, `valkey://…` | one server; each part but the host may be left out |
/// | `rediss://…`, `valkeys://…` | the same over TLS, with the certificates that the system trusts |
/// | `redis+unix:///path?db=1&user=…&pass=…` | one server on a socket |
/// | `redis+sentinel://user:password@host:port,host:port/name/db` | the master that these Sentinels name; they listen on 26379 if no port is given. `?sentinel_user=…&sentinel_password=…` where they have their own |
/// | `redis+cluster://user:password@host:port,host:port` | the Cluster of which these are nodes |
///
/// `rediss+sentinel` and `rediss+cluster` are the same over TLS, and each may begin with `valkey` instead.
///
/// All calls share one connection, and one for each node of a Cluster. Every answer names the key that it is for; a
/// connection whose answer names another is closed, as is one that let a call wait until its deadline. The next call
/// opens a new one. Reading is tried again once; a write is not, as it may have been done.
///
/// It must be used within a Tokio runtime that has its timer and its IO.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

/// How a [`RedisStore`] works, where the defaults do not fit.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "every field has a default")]
pub struct RedisOptions {
    /// Django's `KEY_PREFIX` of the cache. Default: none.
    pub key_prefix: String,
    /// Django's `VERSION` of the cache. Default 1.
    pub version: u64,
    /// The engine's `cache_key_prefix`. Default `django.contrib.sessions.cache`, as in Django.
    pub cache_key_prefix: String,
    /// No call takes longer, whatever the server does. Default 2 s: a page that waits longer for its session is
    /// better told so.
    pub deadline: Duration,
}

impl RedisOptions {
    /// The prefix of Django's `cache` engine.
    pub const CACHE: &str = "django.contrib.sessions.cache";
    /// The prefix of Django's `cached_db` engine, in front of its database.
    pub const CACHED_DB: &str = "django.contrib.sessions.cached_db";
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            key_prefix: String::new(),
            version: 1,
            cache_key_prefix: Self::CACHE.to_owned(),
            deadline: Duration::from_secs(2),
        }
    }
}

struct Shared {
    link: Link,
    /// What stands before a session's key.
    prefix: String,
}

impl RedisStore {
    /// A store on the server at `url`; nothing is asked of it yet, so it may come up later.
    ///
    /// # Errors
    /// The URL is none of those above.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, RedisOptions::default())
    }

    /// [`open`](Self::open) with other options.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(url: &str, options: RedisOptions) -> Result<Self, StoreError> {
        let RedisOptions {
            key_prefix,
            version,
            cache_key_prefix,
            deadline,
        } = options;
        Ok(Self(Arc::new(Shared {
            link: Link::new(Place::parse(url)?, deadline),
            prefix: format!("{key_prefix}:{version}:{cache_key_prefix}"),
        })))
    }

    /// Where a session is, as Django composes it.
    fn key(&self, session: &SessionKey) -> Vec<u8> {
        [self.0.prefix.as_bytes(), session.as_str().as_bytes()].concat()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisStore")
            .field("place", &self.0.link.place().to_string())
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}
