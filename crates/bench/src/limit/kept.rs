//! The sessions, in a map, in a cookie, in a table or in Redis.

mod postgres;
mod redis;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::signed::Signer;
use super::{cookie, date, salted};
use crate::case::Engine;
use crate::visitors::Visitor;
use crate::{ours, servers};
use postgres::Table;
use redis::Cache;

const AGE: Duration = Duration::from_secs(1_209_600);
const AGE_MICROS: u64 = 1_209_600 * 1_000_000;

/// All that these sessions hold.
#[derive(Serialize, Deserialize)]
pub(super) struct Data<'a> {
    #[serde(rename = "_auth_user_id", borrow)]
    pub(super) user_id: Cow<'a, str>,
    #[serde(rename = "_auth_user_backend", borrow)]
    pub(super) backend: Cow<'a, str>,
    #[serde(rename = "_auth_user_hash", borrow)]
    pub(super) hash: Cow<'a, str>,
    #[serde(rename = "_auth_signed_in_at")]
    pub(super) signed_in_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) visits: Option<u64>,
}

/// What the page that only reads looks at.
#[derive(Deserialize)]
struct Owner {
    #[serde(rename = "_auth_user_id")]
    user_id: String,
}

pub(super) enum Kept {
    /// JSON and its end.
    Memory(Mutex<HashMap<String, (Vec<u8>, u64)>>),
    Cookie(Signer),
    Sqlite(Mutex<Connection>, Signer),
    Postgres(Table, Signer),
    Redis(Cache),
}

impl Kept {
    pub(super) async fn new(engine: Engine, visitors: &[Visitor], folder: &Path) -> Self {
        match engine {
            Engine::Memory => {
                let end = date::unix_micros(SystemTime::now()) + AGE_MICROS;
                let record = |visitor: &Visitor| {
                    let json = visitor.json.as_bytes().to_vec();
                    (visitor.key.clone(), (json, end))
                };
                Self::Memory(Mutex::new(visitors.iter().map(record).collect()))
            }
            Engine::Cookie => Self::Cookie(Signer {
                mac: salted("django.contrib.sessions.backends.signed_cookiessigner"),
                compresses: true,
            }),
            Engine::Sqlite => {
                let path = folder.join("limit.db");
                drop(ours::database(visitors, &path).await);
                let connection = Connection::open(path).expect("it was made just above");
                connection
                    .execute_batch("PRAGMA synchronous=FULL")
                    .expect("SQLite knows it");
                Self::Sqlite(Mutex::new(connection), django_s())
            }
            Engine::Postgres => {
                let url = servers::postgres().database();
                drop(ours::postgres(visitors, &url).await);
                Self::Postgres(Table::open(&url).await, django_s())
            }
            Engine::Redis => {
                let key_prefix = servers::new_prefix();
                drop(ours::redis(visitors, &key_prefix).await);
                Self::Redis(Cache::open(&servers::redis().url(), &key_prefix).await)
            }
        }
    }

    /// Whose the session is that this cookie opens.
    pub(super) async fn user_id(&self, cookie: &str) -> Option<String> {
        let now = SystemTime::now();
        let owner = |json: &[u8]| serde_json::from_slice::<Owner>(json).ok();
        let owner = match self {
            Self::Memory(sessions) => {
                let sessions = lock(sessions);
                let (json, end) = sessions.get(cookie)?;
                owner(json).filter(|_| *end > date::unix_micros(now))
            }
            Self::Cookie(signer) => owner(&fresh(signer, cookie, now)?),
            Self::Sqlite(connection, signer) => {
                let text = load(&lock(connection), cookie, now)?;
                owner(&signer.verify(&text)?.0)
            }
            Self::Postgres(table, signer) => {
                let text = table.load(cookie, now).await?;
                owner(&signer.verify(&text)?.0)
            }
            Self::Redis(cache) => return cache.user_id(cookie).await,
        };
        owner.map(|owner| owner.user_id)
    }

    /// Keeps a new session; what its cookie is to hold.
    pub(super) async fn create(&self, data: &Data<'_>, now: SystemTime) -> String {
        let json = || serde_json::to_vec(data).expect("it is texts and numbers");
        let end = date::unix_micros(now) + AGE_MICROS;
        match self {
            Self::Memory(sessions) => {
                let key = cookie::key();
                lock(sessions).insert(key.clone(), (json(), end));
                key
            }
            Self::Cookie(signer) => signer.sign(&json(), date::unix_seconds(now)),
            Self::Sqlite(connection, signer) => {
                let key = cookie::key();
                let text = signer.sign(&json(), date::unix_seconds(now));
                lock(connection)
                    .prepare_cached(
                        "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?1, ?2, ?3)",
                    )
                    .and_then(|mut insert| insert.execute(params![key, text, date::sql_text(end)]))
                    .expect("the key is new");
                key
            }
            Self::Postgres(table, signer) => {
                let key = cookie::key();
                let text = signer.sign(&json(), date::unix_seconds(now));
                table.create(&key, &text, now + AGE).await;
                key
            }
            Self::Redis(cache) => {
                let key = cookie::key();
                cache.create(&key, data, now + AGE).await;
                key
            }
        }
    }

    /// Counts a visit: how many there are, and what the cookie is to hold.
    pub(super) async fn count(&self, cookie: &str, now: SystemTime) -> Option<(u64, String)> {
        let end = date::unix_micros(now) + AGE_MICROS;
        match self {
            Self::Memory(sessions) => {
                let mut sessions = lock(sessions);
                let kept = sessions
                    .get_mut(cookie)
                    .filter(|(_, end)| *end > date::unix_micros(now))?;
                let (visits, json) = counted(&kept.0)?;
                *kept = (json, end);
                Some((visits, cookie.to_owned()))
            }
            Self::Cookie(signer) => {
                let (visits, json) = counted(&fresh(signer, cookie, now)?)?;
                Some((visits, signer.sign(&json, date::unix_seconds(now))))
            }
            Self::Sqlite(connection, signer) => {
                let connection = lock(connection);
                let seen = load(&connection, cookie, now)?;
                let (visits, json) = counted(&signer.verify(&seen)?.0)?;
                let text = signer.sign(&json, date::unix_seconds(now));
                let now = date::sql_text(date::unix_micros(now));
                let changed = connection
                    .prepare_cached(
                        "UPDATE django_session SET session_data = ?5, expire_date = ?4 \
                         WHERE session_key = ?1 AND session_data = ?2 AND expire_date > ?3",
                    )
                    .and_then(|mut update| {
                        update.execute(params![cookie, seen, now, date::sql_text(end), text])
                    });
                (changed == Ok(1)).then(|| (visits, cookie.to_owned()))
            }
            Self::Postgres(table, signer) => {
                let seen = table.load(cookie, now).await?;
                let (visits, json) = counted(&signer.verify(&seen)?.0)?;
                let text = signer.sign(&json, date::unix_seconds(now));
                let replaced = table.replace(cookie, &seen, &text, now, now + AGE).await;
                replaced.then(|| (visits, cookie.to_owned()))
            }
            Self::Redis(cache) => {
                let visits = cache.count(cookie, now + AGE).await?;
                Some((visits, cookie.to_owned()))
            }
        }
    }
}

/// What signs the texts of Django's tables.
fn django_s() -> Signer {
    Signer {
        mac: salted("django.contrib.sessions.SessionStoresigner"),
        compresses: false,
    }
}

/// The JSON of a cookie that is not too old.
fn fresh(signer: &Signer, cookie: &str, now: SystemTime) -> Option<Vec<u8>> {
    let (json, signed_at) = signer.verify(cookie)?;
    (signed_at * 1_000_000 + AGE_MICROS >= date::unix_micros(now)).then_some(json)
}

fn load(connection: &Connection, key: &str, now: SystemTime) -> Option<String> {
    let now = date::sql_text(date::unix_micros(now));
    connection
        .prepare_cached(
            "SELECT session_data, expire_date FROM django_session WHERE session_key = ?1 AND expire_date > ?2",
        )
        .and_then(|mut select| select.query_row([key, &now], |row| row.get(0)))
        .ok()
}

fn counted(json: &[u8]) -> Option<(u64, Vec<u8>)> {
    let mut data: Data<'_> = serde_json::from_slice(json).ok()?;
    let visits = data.visits.unwrap_or(0) + 1;
    data.visits = Some(visits);
    Some((visits, serde_json::to_vec(&data).ok()?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}
