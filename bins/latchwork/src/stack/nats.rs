//! The NATS server that was started here, started again when it dies.

use std::time::Duration;

use servers::{NatsOptions, NatsServer};
use stage::Backoff;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::roster::{Roster, RosterEntry};

/// Name in the roster.
const NAME: &str = "nats-server";

pub(super) struct NatsChild {
    server: NatsServer,
    roster: Roster,
}

impl NatsChild {
    pub(super) async fn start(options: NatsOptions, roster: Roster) -> anyhow::Result<Self> {
        let child = Self {
            server: NatsServer::start(options).await?,
            roster,
        };
        child.enroll();
        Ok(child)
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Keeps the server running until it is told to stop: without it nothing is acknowledged.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                ended = self.server.ended() => {
                    match ended {
                        Ok(status) => warn!("{NAME} ended ({status}); starting it again"),
                        Err(error) => error!("{error}"),
                    }
                    self.restart(&stop).await;
                }
                () = stop.cancelled() => {}
            }
        }
        if let Err(error) = self.server.stop().await {
            warn!("{error}");
        }
    }

    /// On the same data and port, until it runs.
    async fn restart(&mut self, stop: &CancellationToken) {
        let mut backoff = Backoff::up_to(Duration::from_secs(10));
        while let Err(error) = self.server.restart().await {
            error!("{error}");
            tokio::select! {
                () = backoff.wait() => {}
                () = stop.cancelled() => return,
            }
        }
        self.enroll();
    }

    fn enroll(&self) {
        let pid = self.server.pid();
        let entry = RosterEntry {
            name: NAME.to_owned(),
            pid,
            health: String::new(),
        };
        if let Err(error) = self.roster.set(entry) {
            warn!(%error, "cannot write stages.json");
        }
        info!(pid, "started {NAME}");
    }
}
