//! The stores that the settings name, opened.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{Cloakroom, Config};
use cloakroom_core::auth::{SessionList, UserStore};
use cloakroom_core::session::{Codec, MemoryStore, SessionKey, Store, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{
    CachedStore, Contents, Database, FileStore, MySqlOptions, MySqlStore, PostgresOptions,
    PostgresStore, Problem, RedisOptions, RedisStore, SqliteOptions, SqliteStore,
};

use crate::commands::Failure;
use crate::commands::serve::{Profile, without_secrets};
use crate::database_url::DatabaseUrl;
use crate::session_table::Apart;
use crate::sessions_url::SessionsUrl;
use crate::settings::Settings;
use crate::user_table::user_table;

/// A site's users and sessions.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The users, and the sessions too unless they are elsewhere.
    pub database: Arc<dyn Database>,
    /// Where the sessions are.
    pub sessions: Sessions,
    /// The database among them that keeps sessions alone.
    apart: Option<Arc<dyn Database>>,
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
    InCookies(Ended),
}

/// Where it is noted which sessions in cookies have ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Ended {
    /// On a site of our own in its database, beside a Django nowhere.
    AsTheProfileSays,
    /// Nowhere, as by Django.
    Nowhere,
    /// With the users.
    InDatabase,
    /// In a store of their own.
    Apart(Arc<dyn Store>),
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
            apart: None,
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
        Ok(match self.open_store(url, settings, config).await? {
            Some(store) => Sessions::Apart(store),
            None => Sessions::InCookies(self.open_ended(settings, config).await?),
        })
    }

    /// Where `SESSION_REVOCATIONS` has the list of sessions in cookies that have ended.
    async fn open_ended(&mut self, settings: &Settings, config: &Config) -> Result<Ended, Failure> {
        let Some(value) = settings.get("SESSION_REVOCATIONS") else {
            return Ok(Ended::AsTheProfileSays);
        };
        let store = match value.as_str() {
            None => return Ok(Ended::Nowhere),
            Some("database") => return Ok(Ended::InDatabase),
            Some(text) => match SessionsUrl::parse(text) {
                Ok(url) => self.open_store(url, settings, config).await?,
                Err(_) => None,
            },
        };
        store.map(Ended::Apart).ok_or_else(|| {
            Failure::new(
                "SESSION_REVOCATIONS names no place for a list; write database, a database's URL, redis://…, \
                 file:DIR, memory: or null",
            )
        })
    }

    /// The store at this place; `None` if that is the browsers' cookies.
    async fn open_store(
        &mut self,
        url: SessionsUrl,
        settings: &Settings,
        config: &Config,
    ) -> Result<Option<Arc<dyn Store>>, Failure> {
        let store: Arc<dyn Store> = match url {
            SessionsUrl::Cookie => return Ok(None),
            SessionsUrl::Database(url) => {
                let database = open_contents(&url, settings, Contents::Sessions).await?;
                self.apart = Some(Arc::clone(&database));
                database
            }
            SessionsUrl::Memory => Arc::new(MemoryStore::new(MOST_IN_MEMORY)),
            SessionsUrl::Redis(url) => {
                let store = redis(url.as_str(), settings, RedisOptions::default())?;
                self.redis = Some(store.clone());
                Arc::new(store)
            }
            SessionsUrl::File(folder) => {
                let session = &config.session;
                let name = &session.cookie.name;
                let codec = codec(config);
                Arc::new(FileStore::open(folder, name, codec, session.lifetime)?)
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
                Arc::new(CachedStore::new(cache, database, codec(config)))
            }
        };
        Ok(Some(store))
    }

    /// What stands in the way of using the databases.
    ///
    /// # Errors
    /// One of them cannot even be read.
    pub async fn check(&self) -> Result<Vec<Problem>, StoreError> {
        let mut problems = self.database.check().await?;
        if let Some(sessions) = &self.apart {
            problems.extend(sessions.check().await?);
        }
        Ok(problems)
    }

    /// What to know about the stores before somebody loses a session: each a sentence that says what to do.
    ///
    /// # Errors
    /// One of the stores does not answer.
    pub async fn advice(&self) -> Result<Vec<String>, StoreError> {
        let database = self.database.advice().await?;
        let mut advice: Vec<String> = database.iter().map(ToString::to_string).collect();
        let factors = self.database.second_factor_tables().await?;
        if !factors.is_empty() {
            advice.push(format!(
                "the database keeps second factors ({}): users who have one are refused at the login here, because a \
                 password alone would be a weaker door than the Django's",
                factors.join(", ")
            ));
        }
        if let Some(sessions) = &self.apart {
            advice.extend(sessions.advice().await?.iter().map(ToString::to_string));
        }
        if let Some(redis) = &self.redis {
            advice.extend(redis.advice().await?.iter().map(ToString::to_string));
        }
        Ok(advice)
    }

    /// The store whose records expire: the sessions, or, where the browsers keep them, the list of those that have
    /// ended; `None` if there is none.
    #[must_use]
    pub fn records(&self, profile: Profile) -> Option<Arc<dyn Store>> {
        let database = || Some(Arc::clone(&self.database) as Arc<dyn Store>);
        match &self.sessions {
            Sessions::InDatabase | Sessions::InCookies(Ended::InDatabase) => database(),
            Sessions::Apart(store) | Sessions::InCookies(Ended::Apart(store)) => {
                Some(Arc::clone(store))
            }
            Sessions::InCookies(Ended::AsTheProfileSays) if profile == Profile::Strict => {
                database()
            }
            Sessions::InCookies(Ended::AsTheProfileSays | Ended::Nowhere) => None,
        }
    }

    /// Whether one of the stores beside the database may be a server, which begins to answer later.
    #[must_use]
    pub const fn may_come_later(&self) -> bool {
        matches!(
            self.sessions,
            Sessions::Apart(_) | Sessions::InCookies(Ended::Apart(_))
        )
    }

    /// Whether users and sessions can be read now.
    ///
    /// # Errors
    /// One of the stores does not answer.
    pub async fn answer(&self) -> Result<(), StoreError> {
        self.database.any_user().await?;
        if let (Sessions::Apart(store) | Sessions::InCookies(Ended::Apart(store)), Some(nobody_s)) =
            (&self.sessions, SessionKey::parse("readiness"))
        {
            store.load(&nobody_s, Timestamp::now()).await?;
        }
        Ok(())
    }

    /// Where the sessions of users are listed; `None` where the browsers keep them, which nobody can end from elsewhere, and
    /// on a site that is Django's to the letter.
    #[must_use]
    pub fn session_list(&self, profile: Profile) -> Option<Arc<dyn SessionList>> {
        match (&self.sessions, profile) {
            (Sessions::InCookies(_), _) | (_, Profile::Django) => None,
            (Sessions::InDatabase | Sessions::Apart(_), _) => {
                Some(Arc::clone(&self.database) as Arc<dyn SessionList>)
            }
        }
    }

    /// The site of these stores.
    #[must_use]
    pub fn site(&self, config: Config, profile: Profile) -> Cloakroom {
        let users = Arc::clone(&self.database) as Arc<dyn UserStore>;
        match (&self.sessions, self.records(profile)) {
            (Sessions::InCookies(_), Some(ended)) => {
                Cloakroom::with_revocable_cookies(config, ended, users)
            }
            (_, Some(sessions)) => Cloakroom::with_stores(config, sessions, users),
            (_, None) => Cloakroom::with_signed_cookies(config, users),
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
    open_contents(url, settings, Contents::SessionsAndUsers).await
}

/// The same for a database that may keep sessions alone.
///
/// # Errors
/// As for [`open_database`].
pub async fn open_contents(
    url: &DatabaseUrl,
    settings: &Settings,
    contents: Contents,
) -> Result<Arc<dyn Database>, Failure> {
    let sessions = Apart::of(settings)?.table(contents, settings)?;
    let users = user_table(settings)?;
    Ok(match url {
        DatabaseUrl::Sqlite(file) => {
            let options = sqlite_options(settings, contents)?;
            Arc::new(SqliteStore::open_with(file, options).await?)
        }
        DatabaseUrl::Postgres(url) => {
            let options = PostgresOptions {
                sessions,
                users,
                contents,
                ..PostgresOptions::default()
            };
            Arc::new(PostgresStore::open_with(url.as_str(), options)?)
        }
        DatabaseUrl::MySql(url) => {
            let options = MySqlOptions {
                zone: without_secrets(settings, None)?.session.lifetime.zone,
                sessions,
                users,
                contents,
                ..MySqlOptions::default()
            };
            Arc::new(MySqlStore::open_with(url.as_str(), options)?)
        }
    })
}

/// How an SQLite database is opened, or made.
pub(crate) fn sqlite_options(
    settings: &Settings,
    contents: Contents,
) -> Result<SqliteOptions, Failure> {
    Ok(SqliteOptions {
        zone: without_secrets(settings, None)?.session.lifetime.zone,
        sessions: Apart::of(settings)?.table(contents, settings)?,
        users: user_table(settings)?,
        contents,
        ..SqliteOptions::default()
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
