//! The accept loop: who may connect, how long a slow peer is waited for, and how the server stops.
//!
//! axum's own `serve` waits for ever for a request's second byte and takes headers of 400 kB. This one bounds
//! what each connection can hold ([`Limits`]), drops headers with underscores in their names, and puts the
//! peer's address into the request as `ConnectInfo<SocketAddr>`. It upgrades nothing: what the server itself
//! serves has no WebSocket.

mod activity;
mod body;
mod connection;
mod crowd;
mod limits;
mod listen;
mod patience;
mod signal;
mod stream;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

pub use self::limits::Limits;
pub use self::listen::{ListenError, listen};
pub use self::signal::stop_signal;

use self::connection::Mood;
use self::crowd::Crowd;

/// Serves `app` to all who connect until `stop` is ready, then finishes what is under way.
///
/// Returns when the last connection has ended, at the latest [`Limits::grace`] after `stop`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let protocol = connection::protocol(&limits);
    let limits = Arc::new(limits);
    let crowd = Crowd::default();
    let (mood, moods) = watch::channel(Mood::Calm);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let full = connections.len() >= limits.connections;
        if full && set(&mood, Mood::Crowded) {
            warn!(
                connections = connections.len(),
                "every connection is taken; newcomers wait"
            );
        }
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = connections.join_next() => {
                if let Err(panicked) = ended {
                    error!(error = %panicked, "a connection's task panicked");
                }
                // Not at the first free place, or the mood would swing with every newcomer.
                if connections.len() <= limits.connections / 4 * 3 {
                    set(&mood, Mood::Calm);
                }
            }
            accepted = listener.accept(), if !full => match accepted {
                Ok((stream, peer)) => {
                    let Some(place) = crowd.enter(peer.ip(), &limits) else {
                        debug!(%peer, "a connection is refused: its address holds its share");
                        continue;
                    };
                    // Answers are written whole; to wait for more would only delay them.
                    let _ = stream.set_nodelay(true);
                    let (app, protocol) = (app.clone(), protocol.clone());
                    let (limits, moods) = (Arc::clone(&limits), moods.clone());
                    connections.spawn(async move {
                        connection::run(stream, peer, app, protocol, limits, moods).await;
                        drop(place);
                    });
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if set(&mood, Mood::Crowded) {
                        warn!(%error, connections = connections.len(), "no connection can be accepted");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    info!(
        connections = connections.len(),
        "stopping: requests under way are finished"
    );
    set(&mood, Mood::Closing);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, all_ended).await.is_err() {
        warn!(
            connections = connections.len(),
            "stopped with requests under way"
        );
    }
}

/// True if the mood was another one.
fn set(mood: &watch::Sender<Mood>, new: Mood) -> bool {
    mood.send_if_modified(|mood| std::mem::replace(mood, new) != new)
}

/// True if the next connection may well be accepted; else (no file descriptor, no memory) trying again at once
/// would spin.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// For descriptors to become free.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_is_no_matter_of_one_connection() {
        let too_many_open_files = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(&too_many_open_files));
        assert!(concerns_one_connection(
            &io::ErrorKind::ConnectionAborted.into()
        ));
    }
}
