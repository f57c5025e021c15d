//! What a server needs before it can answer, made where a first start may make it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use cloakroom_core::secret::Secrets;
use cloakroom_core::session::{Codec, Form, StoreError};
use cloakroom_core::signing::{Compression, LoadError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{self as stores, Contents, SqliteStore};
use tokio::net::TcpListener;
use tracing::warn;

use super::{DEFAULT_ADDRESS, address, config, only_this_machine};
use crate::accept::{self, Limits};
use crate::commands::Failure;
use crate::database_url::DatabaseUrl;
use crate::first_start::{Database, Key, Situation, make_key_file, read_key_file};
use crate::output;
use crate::sessions_url::SessionsUrl;
use crate::settings::{Settings, WeakKeys};
use crate::setup_link::SetupLink;
use crate::stores::{Stores, open_database, sqlite_options};
use crate::user_table::explained;

/// A site that listens; what its database says of it is still to be asked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Site {
    /// All that was set.
    pub settings: Settings,
    /// The key and its fallbacks.
    pub secrets: Secrets,
    /// Users and sessions.
    pub stores: Stores,
    /// Where we listen.
    pub address: SocketAddr,
    /// A store is a server, which may begin to answer after us.
    pub may_come_later: bool,
}

/// What a site's database says of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Findings {
    /// What to keep to.
    pub profile: Profile,
    /// False if the newest session was signed by none of the keys: then this is probably another site's key, the
    /// server is not ready, and no cookie may be replaced.
    pub key_fits: bool,
    /// The link that makes the first superuser, if there may be one.
    pub setup_link: Option<SetupLink>,
    /// The database has a table that lists the sessions of users.
    pub lists_sessions: bool,
}

/// Why a site cannot answer yet.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum NotYet {
    /// A store does not answer. It may a moment later.
    Store(StoreError),
    /// Something does not fit; the message says what to do.
    Refused(Failure),
}

/// Whose site it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Profile {
    /// Ours alone.
    Strict,
    /// A Django's as well, which must not disagree with us.
    Shared,
    /// Django's defaults to the letter.
    Django,
}

impl Profile {
    /// As the setting `PROFILE` says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Shared => "shared",
            Self::Django => "django",
        }
    }
}

/// Listens, and makes what a first start makes.
///
/// # Errors
/// Something is missing that must not be made here, or does not fit; the message says what to do.
pub async fn prepare(
    settings: Settings,
    limits: &mut Limits,
) -> Result<(Site, TcpListener), Failure> {
    let address = settings
        .text("LISTEN")
        .map_or(Some(DEFAULT_ADDRESS), address);
    let address = address.ok_or_else(|| {
        Failure::new("LISTEN should be an address and a port, such as 127.0.0.1:8000")
    })?;
    let loopback = only_this_machine(&address);
    if !loopback
        && settings
            .texts("ALLOWED_HOSTS")
            .is_none_or(|hosts| hosts.is_empty())
    {
        return Err(Failure::new(format!(
            "{address} can be reached from other machines, and ALLOWED_HOSTS is empty; name the site's hosts, such \
             as CLOAKROOM_ALLOWED_HOSTS='[\"www.example.org\"]'"
        )));
    }
    let url = settings
        .text("DATABASE_URL")
        .map_or_else(|| Ok(DatabaseUrl::default()), DatabaseUrl::parse)?;
    let secrets = secrets(&settings, &url, loopback)?;

    let Some(file) = url.file() else {
        return on_a_server(settings, &url, secrets, address, limits).await;
    };
    let existing = existing(&url, &settings, loopback).await?;
    let situation = Situation {
        file: file.to_owned(),
        is_default: url.is_default(),
        loopback,
        database: match &existing {
            None => Database::Missing,
            Some(store) if is_used(&**store).await? => Database::Used,
            Some(_) => Database::Unused,
        },
        key: if secrets.is_some() {
            Key::Given
        } else {
            Key::Missing
        },
    };
    situation.check()?;
    // Before anything is made: a second server in the same folder must leave no trace.
    let listener = accept::listen(address, limits).await?;
    let address = listener.local_addr()?;

    let database = match existing {
        Some(database) => database,
        None => {
            let options = sqlite_options(&settings, Contents::SessionsAndUsers)?;
            let database = SqliteStore::create_with(file, options).await?;
            let _ = database.migrate(Timestamp::now()).await?;
            database.make_session_list().await?;
            output::message(format_args!("Made the database {url}."));
            Arc::new(database)
        }
    };
    let secrets = match secrets {
        Some(secrets) => secrets,
        None => {
            let secrets = Secrets::new(make_key_file(file)?);
            output::message(
                "Made a secret key in a file beside the database; keep it with the database.",
            );
            secrets.with_fallbacks(settings.fallbacks(WeakKeys::Pass)?)
        }
    };
    let stores = Stores::open(database, &settings, &config(&settings, &secrets, None)?).await?;
    let site = Site {
        may_come_later: stores.may_come_later(),
        settings,
        secrets,
        stores,
        address,
    };
    Ok((site, listener))
}

/// Nothing is made on a server: its database is somebody's work.
async fn on_a_server(
    settings: Settings,
    url: &DatabaseUrl,
    secrets: Option<Secrets>,
    address: SocketAddr,
    limits: &mut Limits,
) -> Result<(Site, TcpListener), Failure> {
    let secrets = secrets.ok_or_else(|| {
        Failure::new(format!(
            "{url} is used without a secret key; give the site's key in SECRET_KEY_FILE or SECRET_KEY"
        ))
    })?;
    let config = config(&settings, &secrets, None)?;
    let stores = Stores::open(open_database(url, &settings).await?, &settings, &config).await?;
    let listener = accept::listen(address, limits).await?;
    let site = Site {
        settings,
        secrets,
        stores,
        address: listener.local_addr()?,
        may_come_later: true,
    };
    Ok((site, listener))
}

impl Site {
    /// Asks the database what must be known before the first answer.
    ///
    /// # Errors
    /// See [`NotYet`].
    pub async fn look(&self) -> Result<Findings, NotYet> {
        let database = &*self.stores.database;
        if let Some(problem) = self.stores.check().await?.first() {
            let problem = explained(problem, &self.settings);
            return Err(NotYet::Refused(Failure::new(problem)));
        }
        let profile = profile(&self.settings, database).await?;
        let key_fits = self.key_fits().await?;
        if !key_fits {
            warn!(
                "the newest session was not signed with this secret key: is it this site's key? The server is not \
                 ready"
            );
        }
        let first = only_this_machine(&self.address)
            && database.made_by_us().await?
            && !database.any_user().await?;
        let setup_link = if first {
            let link = SetupLink::new(self.address, Timestamp::now());
            Some(link.map_err(|error| NotYet::Refused(error.into()))?)
        } else {
            None
        };
        self.stores.answer().await?;
        for advice in self.stores.advice().await? {
            warn!("{advice}");
        }
        Ok(Findings {
            profile,
            key_fits,
            setup_link,
            lists_sessions: database.is_kept().await?,
        })
    }

    async fn key_fits(&self) -> Result<bool, StoreError> {
        // A site whose sessions have moved elsewhere may have left old ones behind, under whatever key.
        let elsewhere = self.settings.text("SESSIONS").map(SessionsUrl::parse);
        if !matches!(elsewhere, None | Some(Ok(SessionsUrl::Cached))) {
            return Ok(true);
        }
        let newest = self.stores.database.newest_session().await?;
        let Some(Form::Signed(text)) = newest.map(|stored| stored.form) else {
            return Ok(true);
        };
        let salt = self
            .settings
            .text("SESSION_SIGNING_SALT")
            .unwrap_or(Codec::DJANGO_SALT);
        let codec = Codec::new(&self.secrets, salt, Compression::Never);
        Ok(!matches!(codec.decode(&text), Err(LoadError::Signing(_))))
    }
}

impl From<NotYet> for Failure {
    fn from(reason: NotYet) -> Self {
        match reason {
            NotYet::Store(error) => error.into(),
            NotYet::Refused(failure) => failure,
        }
    }
}

impl From<StoreError> for NotYet {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The keys that are given, in the settings or by an earlier start.
fn secrets(
    settings: &Settings,
    url: &DatabaseUrl,
    loopback: bool,
) -> Result<Option<Secrets>, Failure> {
    let weak = if loopback {
        WeakKeys::Pass
    } else {
        WeakKeys::Refused
    };
    if let Some(secrets) = settings.secrets(weak)? {
        if let Err(error) = settings.secrets(WeakKeys::Refused) {
            warn!("{error}; it passes only because no other machine can connect");
        }
        return Ok(Some(secrets));
    }
    let Some(key) = url.file().map(read_key_file).transpose()?.flatten() else {
        return Ok(None);
    };
    Ok(Some(
        Secrets::new(key).with_fallbacks(settings.fallbacks(weak)?),
    ))
}

/// The database, if its file is there; one that we made and did not finish is finished.
async fn existing(
    url: &DatabaseUrl,
    settings: &Settings,
    loopback: bool,
) -> Result<Option<Arc<dyn stores::Database>>, Failure> {
    if !url.file().map_or(Ok(false), Path::try_exists)? {
        return Ok(None);
    }
    let database = open_database(url, settings).await?;
    if url.is_default() && loopback && database.made_by_us().await? {
        let _ = database.migrate(Timestamp::now()).await?;
        database.make_session_list().await?;
    }
    match database.check().await?.first() {
        None => Ok(Some(database)),
        Some(problem) => Err(Failure::new(format!(
            "{url}: {}",
            explained(problem, settings)
        ))),
    }
}

async fn is_used(database: &dyn stores::Database) -> Result<bool, StoreError> {
    Ok(database.any_user().await? || database.newest_session().await?.is_some())
}

/// Whose site it is, as the settings or its database say.
///
/// # Errors
/// See [`NotYet`].
pub(crate) async fn profile(
    settings: &Settings,
    database: &dyn stores::Database,
) -> Result<Profile, NotYet> {
    match settings.text("PROFILE") {
        Some("strict") => Ok(Profile::Strict),
        Some("shared") => Ok(Profile::Shared),
        Some("django") => Ok(Profile::Django),
        Some(_) => Err(NotYet::Refused(Failure::new(
            "PROFILE should be strict, shared or django",
        ))),
        None if database.foreign_apps().await?.is_empty() => Ok(Profile::Strict),
        None => Ok(Profile::Shared),
    }
}
