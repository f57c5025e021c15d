//! The stores that the settings name, opened.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{Cloakroom, Config};
use cloakroom_core::auth::UserStore;
use cloakroom_core::session::{Codec, MemoryStore, SessionKey, Store, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{
    CachedStore, Database, FileStore, MySqlOptions, MySqlStore, PostgresStore, RedisOptions,
    RedisStore, SqliteOptions, SqliteStore,
};

use crate::commands::Failure;
use crate::commands::serve::without_secrets;
use crate::database_url::DatabaseUrl;
use crate::sessions_url::SessionsUrl;
use crate::settings::Settings;

/// A site's users and sessions.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The users, and the sessions too unless they are elsewhere.
    pub database: Arc<dyn Database>,
    /// Where the sessions are.
    pub sessions: Sessions,
    /// The Redis among them, which may keep less than is believed.
    redis: Option<RedisStore>,
}

/// Where a site's sessions are.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Sessions {
    /// With the users.
    InDatabase,
    /// In a store of their own.
    Apart(Arc<dyn Store>),
    /// In the browsers' cookies.
    InCookies,
}

impl Stores {
    /// Opens the store that the setting `SESSIONS` names beside the database.
    ///
    /// # Errors
    /// The setting names none, or one that cannot be opened. A server that does not answer is no error yet.
    pub async fn open(
        database: Arc<dyn Database>,
        settings: &Settings,
        config: &Config,
    ) -> Result<Self, Failure> {
        let mut stores = Self {
            database,
            sessions: Sessions::InDatabase,
            redis: None,
        };
        if let Some(text) = settings.text("SESSIONS") {
            stores.sessions = stores
                .open_sessions(SessionsUrl::parse(text)?, settings, config)
                .await?;
        }
        Ok(stores)
    }

    async fn open_sessions(
        &mut self,
        url: SessionsUrl,
        settings: &Settings,
        config: &Config,
    ) -> Result<Sessions, Failure> {
        Ok(match url {
            SessionsUrl::Database(url) => Sessions::Apart(open_database(&url, settings).await?),
            SessionsUrl::Cookie => Sessions::InCookies,
            SessionsUrl::Memory => Sessions::Apart(Arc::new(MemoryStore::new(MOST_IN_MEMORY))),
            SessionsUrl::Redis(url) => {
                let store = redis(url.as_str(), settings, RedisOptions::default())?;
                self.redis = Some(store.clone());
                Sessions::Apart(Arc::new(store))
            }
            SessionsUrl::File(folder) => {
                let session = &config.session;
                let name = &session.cookie.name;
                let store = FileStore::open(folder, name, codec(config), session.lifetime)?;
                Sessions::Apart(Arc::new(store))
            }
            SessionsUrl::Cached => {
                let url = settings
                    .text("CACHE_URL")
                    .map(SessionsUrl::parse)
                    .transpose()?;
                let Some(SessionsUrl::Redis(url)) = url else {
                    return Err(Failure::new(
                        "sessions that are cached need a Redis; name it in CACHE_URL, such as redis://127.0.0.1:6379",
                    ));
                };
                let options = RedisOptions {
                    cache_key_prefix: RedisOptions::CACHED_DB.to_owned(),
                    deadline: CACHE_DEADLINE,
                    ..RedisOptions::default()
                };
                let cache = redis(url.as_str(), settings, options)?;
                let database = Arc::clone(&self.database) as Arc<dyn Store>;
                Sessions::Apart(Arc::new(CachedStore::new(cache, database, codec(config))))
            }
        })
    }

    /// What to know about the stores before somebody loses a session: each a sentence that says what to do.
    ///
    /// # Errors
    /// One of the stores does not answer.
    pub async fn advice(&self) -> Result<Vec<String>, StoreError> {
        let database = self.database.advice().await?;
        let mut advice: Vec<String> = database.iter().map(ToString::to_string).collect();
        if let Some(redis) = &self.redis {
            advice.extend(redis.advice().await?.iter().map(ToString::to_string));
        }
        Ok(advice)
    }

    /// The store of the sessions; `None` if the browsers keep them.
    #[must_use]
    pub fn session_store(&self) -> Option<Arc<dyn Store>> {
        match &self.sessions {
            Sessions::InDatabase => Some(Arc::clone(&self.database) as Arc<dyn Store>),
            Sessions::Apart(store) => Some(Arc::clone(store)),
            Sessions::InCookies => None,
        }
    }

    /// Whether users and sessions can be read now.
    ///
    /// # Errors
    /// One of the stores does not answer.
    pub async fn answer(&self) -> Result<(), StoreError> {
        self.database.any_user().await?;
        if let (Sessions::Apart(store), Some(nobody_s)) =
            (&self.sessions, SessionKey::parse("readiness"))
        {
            store.load(&nobody_s, Timestamp::now()).await?;
        }
        Ok(())
    }

    /// The site of these stores.
    #[must_use]
    pub fn site(&self, config: Config) -> Cloakroom {
        let users = Arc::clone(&self.database) as Arc<dyn UserStore>;
        match self.session_store() {
            Some(sessions) => Cloakroom::with_stores(config, sessions, users),
            None => Cloakroom::with_signed_cookies(config, users),
        }
    }
}

/// Opens a database: an SQLite file must be there, a server need not answer yet.
///
/// # Errors
/// There is no such file, or the URL is none.
pub async fn open_database(
    url: &DatabaseUrl,
    settings: &Settings,
) -> Result<Arc<dyn Database>, Failure> {
    Ok(match url {
        DatabaseUrl::Sqlite(file) => {
            let options = SqliteOptions {
                zone: without_secrets(settings)?.session.lifetime.zone,
                ..SqliteOptions::default()
            };
            Arc::new(SqliteStore::open_with(file, options).await?)
        }
        DatabaseUrl::Postgres(url) => Arc::new(PostgresStore::open(url.as_str())?),
        DatabaseUrl::MySql(url) => {
            let options = MySqlOptions {
                zone: without_secrets(settings)?.session.lifetime.zone,
                ..MySqlOptions::default()
            };
            Arc::new(MySqlStore::open_with(url.as_str(), options)?)
        }
    })
}

fn codec(config: &Config) -> Codec {
    let session = &config.session;
    Codec::new(&config.secrets, &session.salt, session.compression)
}

/// A Redis under the names that Django gives its entries.
fn redis(url: &str, settings: &Settings, options: RedisOptions) -> Result<RedisStore, Failure> {
    let options = RedisOptions {
        key_prefix: settings
            .text("CACHE_KEY_PREFIX")
            .unwrap_or_default()
            .to_owned(),
        version: settings
            .get("CACHE_VERSION")
            .map_or(Some(1), serde_json::Value::as_u64)
            .ok_or_else(|| Failure::new("CACHE_VERSION should be a whole number from 0 on"))?,
        ..options
    };
    Ok(RedisStore::open_with(url, options)?)
}

/// Whoever would wait longer for a cache had better ask the database.
const CACHE_DEADLINE: Duration = Duration::from_millis(500);
/// With some hundred bytes each, less than a hundred megabytes.
const MOST_IN_MEMORY: usize = 100_000;
