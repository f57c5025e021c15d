//! The Rust side of a mixed fleet: a service that offers the same small contract as the Django site in
//! `tests/fleet/site.py`, on the same database, so that one browser can go from the one to the other.
//!
//! ```sh
//! cargo run --release --example fleet -- PORT
//! ```
//!
//! It takes the server's environment and keeps to `Config::django()`: every host, the login page `/login`, MD5
//! hashes accepted and replaced.
//!
//! # Security
//! It shows session keys, believes every host and accepts weak hashes, so it listens on loopback only.

#![forbid(unsafe_code)]

mod routes;

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use cloakroom::Config;
use cloakroom::password::{Algorithm, Hasher};
use cloakroom_server::accept::{self, Limits};
use cloakroom_server::commands::serve::Profile;
use cloakroom_server::database_url::DatabaseUrl;
use cloakroom_server::logging;
use cloakroom_server::settings::{Settings, WeakKeys};
use cloakroom_server::stores::{Sessions, Stores, open_database};

use routes::Fleet;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port] = arguments.as_slice() else {
        return ended("usage: fleet PORT", 2);
    };
    let Ok(port) = port.parse() else {
        return ended("the port should be a number up to 65535", 2);
    };
    match serve(port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ended(failure, 1),
    }
}

fn ended(why: impl Display, status: u8) -> ExitCode {
    eprintln!("fleet: {why}");
    ExitCode::from(status)
}

async fn serve(port: u16) -> Result<(), Failure> {
    let stop = accept::stop_signal()?;
    logging::start(std::env::var("CLOAKROOM_LOG").ok().as_deref())?;
    let settings = Settings::load(None, std::env::vars_os())?;
    let address = SocketAddr::new(host(&settings)?, port);
    let url = settings
        .text("DATABASE_URL")
        .map_or_else(|| Ok(DatabaseUrl::default()), DatabaseUrl::parse)?;
    let mut config = config(&settings)?;
    let stores = Stores::open(open_database(&url, &settings).await?, &settings, &config).await?;
    let database = Arc::clone(&stores.database);
    if let Some(problem) = database.check().await?.first() {
        return Err(problem.to_string().into());
    }

    let mut limits = Limits::default();
    let listener = accept::listen(address, &mut limits).await?;
    let address = listener.local_addr()?;
    config.hosts.port = address.port();
    let hashers = config.login.hashers.clone();
    let in_cookies = matches!(stores.sessions, Sessions::InCookies(_));
    let cloakroom = stores.site(config, Profile::Django);
    let fleet = Fleet {
        database,
        hashers,
        in_cookies,
    };
    eprintln!("The fleet's Rust side listens at http://{address}/");
    accept::serve(listener, routes::router(fleet, &cloakroom), limits, stop).await;
    Ok(())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// `LISTEN` may name another loopback address; its port counts for nothing.
fn host(settings: &Settings) -> Result<IpAddr, Failure> {
    let Some(listen) = settings.text("LISTEN") else {
        return Ok(Ipv4Addr::LOCALHOST.into());
    };
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = if host == "localhost" {
        "127.0.0.1"
    } else {
        host
    };
    match host.parse::<IpAddr>() {
        Ok(address) if address.to_canonical().is_loopback() => Ok(address),
        _ => Err("LISTEN should be a loopback address: this is a service for tests".into()),
    }
}

/// `Config::django()` with what the environment sets over it.
fn config(settings: &Settings) -> Result<Config, Failure> {
    let secrets = settings
        .secrets(WeakKeys::Pass)?
        .ok_or("SECRET_KEY or SECRET_KEY_FILE should be set")?;
    let mut given = cloakroom::Settings::default().with_secrets(&secrets);
    given.set("PROFILE", "django".into());
    given.set("ALLOWED_HOSTS", ["*"].as_slice().into());
    given.set("LOGIN_URL", "/login".into());
    for (name, value) in settings.iter() {
        if cloakroom::Settings::NAMES.contains(&name) {
            given.set(name, value.clone());
        }
    }
    let mut config = Config::from_settings(&given)?;
    let md5 = Hasher::new(Algorithm::Md5, config.django_version);
    config.login.hashers = config.login.hashers.accepting(md5);
    Ok(config)
}
