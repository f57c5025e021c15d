//! The stores that the settings name, opened.

use std::sync::Arc;

use cloakroom::{Cloakroom, Config};
use cloakroom_core::auth::UserStore;
use cloakroom_core::session::{MemoryStore, SessionKey, Store, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Database, PostgresStore, SqliteStore};

use crate::commands::Failure;
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
    pub async fn open(database: Arc<dyn Database>, settings: &Settings) -> Result<Self, Failure> {
        let sessions = match settings.text("SESSIONS") {
            None => Sessions::InDatabase,
            Some(text) => sessions(SessionsUrl::parse(text)?, &database, settings).await?,
        };
        Ok(Self { database, sessions })
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
pub async fn open_database(url: &DatabaseUrl) -> Result<Arc<dyn Database>, Failure> {
    Ok(match url {
        DatabaseUrl::Sqlite(file) => Arc::new(SqliteStore::open(file).await?),
        DatabaseUrl::Postgres(url) => Arc::new(PostgresStore::open(url.as_str())?),
        DatabaseUrl::MySql(_) => {
            return Err(Failure::new("databases of this kind are not built in yet"));
        }
    })
}

async fn sessions(
    url: SessionsUrl,
    _database: &Arc<dyn Database>,
    _settings: &Settings,
) -> Result<Sessions, Failure> {
    Ok(match url {
        SessionsUrl::Database(url) => Sessions::Apart(open_database(&url).await?),
        SessionsUrl::Cookie => Sessions::InCookies,
        SessionsUrl::Memory => Sessions::Apart(Arc::new(MemoryStore::new(MOST_IN_MEMORY))),
        SessionsUrl::Redis(_) | SessionsUrl::Cached | SessionsUrl::File(_) => {
            return Err(Failure::new("sessions of this kind are not built in yet"));
        }
    })
}

/// With some hundred bytes each, less than a hundred megabytes.
const MOST_IN_MEMORY: usize = 100_000;
