//! What a server needs before it can answer, made where a first start may make it.

use std::net::SocketAddr;

use cloakroom_core::auth::UserStore as _;
use cloakroom_core::secret::Secrets;
use cloakroom_core::session::{Codec, Form};
use cloakroom_core::signing::{Compression, LoadError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::SqliteStore;
use tokio::net::TcpListener;
use tracing::warn;

use super::{DEFAULT_ADDRESS, address, only_this_machine};
use crate::accept::{self, Limits};
use crate::commands::{Failure, open};
use crate::database_url::DatabaseUrl;
use crate::first_start::{Database, Key, Situation, make_key_file, read_key_file};
use crate::output;
use crate::settings::{Settings, WeakKeys};
use crate::setup_link::SetupLink;

/// What the router is built from.
#[derive(Debug)]
#[non_exhaustive]
pub struct Site {
    /// All that was set.
    pub settings: Settings,
    /// The key and its fallbacks.
    pub secrets: Secrets,
    /// Users, and sessions.
    pub store: SqliteStore,
    /// What to keep to.
    pub profile: Profile,
    /// False if the newest session was signed by none of the keys: then this is probably another site's key, the
    /// server is not ready, and no cookie may be replaced.
    pub key_fits: bool,
    /// Where we listen.
    pub address: SocketAddr,
    /// The link that makes the first superuser, if there may be one.
    pub setup_link: Option<SetupLink>,
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
    not_built_in(&settings)?;
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

    let existing = existing(&url, loopback).await?;
    let situation = Situation {
        file: url.file().to_owned(),
        is_default: url.is_default(),
        loopback,
        database: match &existing {
            None => Database::Missing,
            Some(store) if is_used(store).await? => Database::Used,
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

    let store = match existing {
        Some(store) => store,
        None => {
            let store = SqliteStore::create(url.file()).await?;
            let _ = store.migrate(Timestamp::now()).await?;
            output::message(format_args!("Made the database {}.", url.file().display()));
            store
        }
    };
    let secrets = match secrets {
        Some(secrets) => secrets,
        None => {
            let secrets = Secrets::new(make_key_file(url.file())?);
            output::message(
                "Made a secret key in a file beside the database; keep it with the database.",
            );
            secrets.with_fallbacks(settings.fallbacks(WeakKeys::Pass)?)
        }
    };
    let profile = profile(&settings, &store).await?;
    let key_fits = key_fits(&settings, &secrets, &store).await?;
    if !key_fits {
        warn!(
            "the newest session was not signed with this secret key: is it this site's key? The server is not ready"
        );
    }
    let first = loopback && store.made_by_us().await? && !store.any_user().await?;
    let setup_link = if first {
        Some(SetupLink::new(address, Timestamp::now())?)
    } else {
        None
    };
    let site = Site {
        settings,
        secrets,
        store,
        profile,
        key_fits,
        address,
        setup_link,
    };
    Ok((site, listener))
}

fn not_built_in(settings: &Settings) -> Result<(), Failure> {
    for name in ["SESSIONS", "CACHE_URL"] {
        if settings.get(name).is_some() {
            return Err(Failure::new(format!(
                "{name}: sessions elsewhere than in the database are not built in yet"
            )));
        }
    }
    Ok(())
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
    let Some(key) = read_key_file(url.file())? else {
        return Ok(None);
    };
    Ok(Some(
        Secrets::new(key).with_fallbacks(settings.fallbacks(weak)?),
    ))
}

/// The database, if its file is there; one that we made and did not finish is finished.
async fn existing(url: &DatabaseUrl, loopback: bool) -> Result<Option<SqliteStore>, Failure> {
    if !url.file().try_exists()? {
        return Ok(None);
    }
    let store = open(url).await?;
    if url.is_default() && loopback && store.made_by_us().await? {
        let _ = store.migrate(Timestamp::now()).await?;
    }
    match store.check().await?.first() {
        None => Ok(Some(store)),
        Some(problem) => Err(Failure::new(format!("{}: {problem}", url.file().display()))),
    }
}

async fn is_used(store: &SqliteStore) -> Result<bool, Failure> {
    Ok(store.any_user().await? || store.newest_session().await?.is_some())
}

async fn profile(settings: &Settings, store: &SqliteStore) -> Result<Profile, Failure> {
    match settings.text("PROFILE") {
        Some("strict") => Ok(Profile::Strict),
        Some("shared") => Ok(Profile::Shared),
        Some("django") => Ok(Profile::Django),
        Some(_) => Err(Failure::new("PROFILE should be strict, shared or django")),
        None if store.foreign_apps().await?.is_empty() => Ok(Profile::Strict),
        None => Ok(Profile::Shared),
    }
}

async fn key_fits(
    settings: &Settings,
    secrets: &Secrets,
    store: &SqliteStore,
) -> Result<bool, Failure> {
    let newest = store.newest_session().await?;
    let Some(Form::Signed(text)) = newest.map(|stored| stored.form) else {
        return Ok(true);
    };
    let salt = settings
        .text("SESSION_SIGNING_SALT")
        .unwrap_or(Codec::DJANGO_SALT);
    let codec = Codec::new(secrets, salt, Compression::Never);
    Ok(!matches!(codec.decode(&text), Err(LoadError::Signing(_))))
}
