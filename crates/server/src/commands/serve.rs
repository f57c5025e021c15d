//! `serve`: everything up to the router, and after it.

mod prepare;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use cloakroom::mail::Mailer;
use cloakroom::secret::{SecretKey, Secrets};
use cloakroom::{Config, Templates};
use cloakroom_core::auth::SessionList;
use tracing::{info, warn};

use super::Failure;
use crate::accept::{self, Limits};
use crate::app::{self, App};
use crate::clearing;
use crate::session_table::session_table;
use crate::settings::Settings;
use crate::user_table::user_table;
use crate::{output, pages};

pub(crate) use self::prepare::profile;
pub use self::prepare::{Findings, NotYet, Profile, Site, prepare};

pub(crate) async fn run(settings: Settings) -> Result<(), Failure> {
    // First of all, so that a signal during the start is not lost.
    let stop = accept::stop_signal()?;
    // Before anything is made or opened.
    check_settings(&settings)?;
    let mut limits = limits(&settings);
    let (site, listener) = prepare(settings, &mut limits).await?;
    let app = match site.look().await {
        Ok(findings) => {
            show_link(&findings);
            listens(&site);
            router(&site, findings)?
        }
        Err(NotYet::Store(error)) if site.may_come_later => {
            output::message(format_args!("{}; waiting for it", Failure::from(error)));
            listens(&site);
            let templates = templates(&site.settings)?;
            let ready = Arc::new(OnceLock::new());
            tokio::spawn(become_ready(site, Arc::clone(&ready)));
            app::waiting(ready, templates)
        }
        Err(reason) => return Err(reason.into()),
    };
    accept::serve(listener, app, limits, stop).await;
    Ok(())
}

fn show_link(findings: &Findings) {
    if let Some(link) = &findings.setup_link {
        output::message(format_args!(
            "Make the first superuser within 30 minutes at\n  {}\nor run `cloakroom createsuperuser`.",
            *link.url()
        ));
    }
}

fn listens(site: &Site) {
    output::message(format_args!(
        "Cloakroom listens at http://{}/",
        site.address
    ));
}

/// Asks again every second until the stores answer and everything fits.
async fn become_ready(site: Site, ready: Arc<OnceLock<Router>>) {
    let mut last = String::new();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let why = match site.look().await {
            Ok(findings) => {
                show_link(&findings);
                match router(&site, findings) {
                    Ok(router) => {
                        let _ = ready.set(router);
                        return info!("the stores answer: ready");
                    }
                    Err(failure) => failure,
                }
            }
            Err(reason) => reason.into(),
        };
        // Once for each reason, not once a second.
        let why = why.to_string();
        if why != last {
            warn!(reason = ?why, "not ready");
            last = why;
        }
    }
}

/// The site put together.
fn router(site: &Site, findings: Findings) -> Result<Router, Failure> {
    info!(profile = ?findings.profile, "serving");
    let every = clearing_interval(&site.settings, findings.profile)?;
    if let (Some(every), Some(store)) = (every, site.stores.records(findings.profile)) {
        tokio::spawn(clearing::on_schedule(store, every));
        let list = Arc::clone(&site.stores.database) as Arc<dyn SessionList>;
        let age = without_secrets(&site.settings, Some(findings.profile))?
            .session
            .lifetime
            .age;
        tokio::spawn(clearing::list_on_schedule(list, age, every));
    }
    let mut config = config(&site.settings, &site.secrets, Some(findings.profile))?;
    config.hosts.port = site.address.port();
    if config.public_origin.is_none() && only_this_machine(&site.address) {
        // Nobody else can follow it, and whoever tries things out need not set it.
        config.public_origin = Some(format!("http://{}", site.address));
    }
    let templates = templates(&site.settings)?;
    let mailer = mailer(&config)?;
    let mut cloakroom = site.stores.site(config, findings.profile);
    if let Some(mailer) = mailer {
        cloakroom = cloakroom.with_mailer(mailer);
    }
    cloakroom = match site.stores.session_list(findings.profile) {
        Some(list) if findings.lists_sessions => cloakroom.with_session_list(list),
        _ => cloakroom,
    };
    let app = App {
        cloakroom: cloakroom.with_templates(templates.clone()),
        templates,
        stores: site.stores.clone(),
        setup_link: findings.setup_link,
        key_fits: findings.key_fits,
    };
    Ok(app::router(Arc::new(app)))
}

/// Who takes letters, if somebody is to. A site that can write them and does not know its own address could write none
/// with a link.
fn mailer(config: &Config) -> Result<Option<Arc<dyn Mailer>>, Failure> {
    let mailer =
        cloakroom::mail::mailer(&config.mail).map_err(|error| Failure::new(error.to_string()))?;
    if mailer.is_some() && config.public_origin.is_none() {
        return Err(Failure::new(
            "letters with links for new passwords need the site's own address: set PUBLIC_ORIGIN, such as \
             https://www.example.org, or EMAIL_BACKEND to dummy for none",
        ));
    }
    Ok(mailer)
}

/// Whether a site can be put together from these settings, whatever its key and database.
pub(crate) fn check_settings(settings: &Settings) -> Result<(), Failure> {
    without_secrets(settings, None)?;
    clearing_interval(settings, Profile::Strict)?;
    session_table(settings)?;
    user_table(settings)?;
    templates(settings).map(drop)
}

/// The configuration for what needs no key.
pub(crate) fn without_secrets(
    settings: &Settings,
    profile: Option<Profile>,
) -> Result<Config, Failure> {
    let stand_in = SecretKey::insecure_new("stands in for the key, which is checked elsewhere")?;
    config(settings, &Secrets::new(stand_in), profile)
}

/// How often expired sessions are deleted. Once a day on a site of our own, where nobody else does it; beside a
/// Django its own `clearsessions` is run by somebody already.
fn clearing_interval(settings: &Settings, profile: Profile) -> Result<Option<Duration>, Failure> {
    match settings.get("CLEAR_SESSIONS_EVERY") {
        None if profile == Profile::Strict => Ok(Some(Duration::from_secs(86_400))),
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(seconds @ 60..) => Ok(Some(Duration::from_secs(seconds))),
            _ => Err(Failure::new(
                "CLEAR_SESSIONS_EVERY wants at least 60 seconds, or null for never",
            )),
        },
    }
}

/// What the layer is configured by.
pub(crate) fn config(
    settings: &Settings,
    secrets: &Secrets,
    profile: Option<Profile>,
) -> Result<Config, Failure> {
    let mut of_layer = cloakroom::Settings::default()
        .with_secrets(secrets)
        .with_jwt_signing_key(settings.jwt_signing_key()?);
    for (name, value) in settings.iter() {
        if cloakroom::Settings::NAMES.contains(&name) {
            of_layer.set(name, value.clone());
        }
    }
    if let Some(profile) = profile {
        of_layer.set("PROFILE", profile.name().into());
    }
    Ok(Config::from_settings(&of_layer)?)
}

fn templates(settings: &Settings) -> Result<Templates, Failure> {
    let folder = settings.text("TEMPLATE_FOLDER").map(Path::new);
    Ok(pages::load(folder)?)
}

/// Reads an address and a port; `localhost` is 127.0.0.1.
pub(crate) fn address(text: &str) -> Option<SocketAddr> {
    let local = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    SocketAddr::from_str(local.as_deref().unwrap_or(text)).ok()
}

/// True if no other machine can connect.
pub(crate) fn only_this_machine(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Where we listen unless told otherwise.
pub(crate) const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);

fn limits(settings: &Settings) -> Limits {
    let mut limits = Limits::default();
    let most = settings
        .get("MAX_CONNECTIONS")
        .and_then(serde_json::Value::as_u64);
    if let Some(most) = most.and_then(|most| usize::try_from(most).ok()) {
        limits.connections = most.max(1);
        limits.per_address = limits.per_address.min(limits.connections);
    }
    let proxies = settings.texts("TRUSTED_PROXIES").unwrap_or_default();
    limits.proxies = proxies
        .iter()
        .filter_map(|proxy| proxy.parse().ok())
        .collect();
    limits
}
