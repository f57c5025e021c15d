//! Opening the address to listen at.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tracing::debug;

use super::limits::Limits;

/// Listens at `address`, and fits `limits` to the number of files this process may open.
///
/// # Errors
/// The address cannot be had; the message says what to do about it.
pub async fn listen(address: SocketAddr, limits: &mut Limits) -> Result<TcpListener, ListenError> {
    let files = raise_open_files();
    limits.connections = limits
        .connections
        .min(files.saturating_sub(RESERVED))
        .max(1);
    TcpListener::bind(address)
        .await
        .map_err(|source| ListenError { address, source })
}

/// An address that cannot be listened at.
#[derive(Debug)]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => write!(
                formatter,
                "{address} is taken by another program; stop it or choose another port with --listen {}:PORT",
                host(address)
            ),
            io::ErrorKind::PermissionDenied => write!(
                formatter,
                "ports below 1024, such as {}, are for the superuser; choose another with --listen {}:8000 \
                 and put a proxy in front, or grant CAP_NET_BIND_SERVICE",
                address.port(),
                host(address)
            ),
            io::ErrorKind::AddrNotAvailable => write!(
                formatter,
                "this machine does not have the address {}; see `ip address`, or use --listen 0.0.0.0:{} for all \
                 of its addresses",
                host(address),
                address.port()
            ),
            _ => write!(formatter, "cannot listen at {address}: {}", self.source),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// Raises this process's own limit of open files as far as it may, and says how far that is. The usual soft limit,
/// 1,024, is kept low only for programs that use `select`.
fn raise_open_files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.current = limit.maximum,
            Err(error) => debug!(%error, "the limit of open files stays as it is"),
        }
    }
    limit.current.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    })
}

/// Files that are no connections: databases, their journals, the log, the runtime's own.
const RESERVED: usize = 64;
