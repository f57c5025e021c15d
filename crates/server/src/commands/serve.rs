//! `serve`: everything up to the router, and after it.

mod prepare;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr as _;

use axum::Router;
use tracing::info;

use super::Failure;
use crate::accept::{self, Limits};
use crate::output;
use crate::settings::Settings;

pub use self::prepare::{Profile, Site, prepare};

pub(crate) async fn run(settings: Settings) -> Result<(), Failure> {
    // First of all, so that a signal during the start is not lost.
    let stop = accept::stop_signal()?;
    let mut limits = limits(&settings);
    let (site, listener) = prepare(settings, &mut limits).await?;
    if let Some(link) = &site.setup_link {
        output::message(format_args!(
            "Make the first superuser within 30 minutes at\n  {}\nor run `cloakroom createsuperuser`.",
            *link.url()
        ));
    }
    output::message(format_args!(
        "Cloakroom listens at http://{}/",
        site.address
    ));
    accept::serve(listener, router(&site), limits, stop).await;
    Ok(())
}

/// Routes and layers.
fn router(site: &Site) -> Router {
    info!(profile = ?site.profile, "serving");
    Router::new()
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
