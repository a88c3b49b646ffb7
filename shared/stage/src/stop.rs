//! The signals that a stage answers to.

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

/// From here on SIGHUP does not end this process, which is what it does to one that has said nothing
/// of it. Who has files to read again listens to it besides.
pub(crate) fn outlive_hangup() {
    // What is registered stays so after its stream is gone.
    if let Err(error) = signal(SignalKind::hangup()) {
        warn!(%error, "SIGHUP will end this process");
    }
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Scenario: a process that has no files to follow gets SIGHUP.
    /// Guarantee: it lives. (Else this whole run of tests ends here.)
    #[tokio::test]
    async fn a_hangup_does_not_end_the_process() {
        super::outlive_hangup();
        let pid = std::process::id().to_string();
        let sent = Command::new("kill").args(["-HUP", &pid]).status();
        assert!(sent.unwrap().success());
    }
}
