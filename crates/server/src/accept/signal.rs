//! When the server is asked to stop.

use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

/// Ready at the first SIGTERM or SIGINT; the second one ends the process at once.
///
/// # Errors
/// The system does not let us watch for signals.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            let status = tokio::select! {
                _ = terminate.recv() => 128 + 15,
                _ = interrupt.recv() => 128 + 2,
            };
            warn!("asked a second time: ending at once");
            std::process::exit(status);
        });
    })
}
