//! The stop signal.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Is cancelled at SIGTERM or Ctrl-C. Only sources listen to it: the rest ends by running dry.
pub fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            () = received(SignalKind::terminate()) => "SIGTERM",
            () = received(SignalKind::interrupt()) => "SIGINT",
        };
        info!("{name}: draining");
        cancelled.cancel();
    });
    stop
}

async fn received(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(error) => {
            warn!(%error, "cannot listen for signals; stop this process with SIGKILL");
            std::future::pending::<()>().await;
        }
    }
}
