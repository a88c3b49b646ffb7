//! JetStream is away.

use std::fmt::Display;
use std::time::Duration;

use stage::Backoff;
use tracing::warn;

/// One wait for JetStream: says so once, and comes back later and later.
#[derive(Default)]
pub(crate) struct Outage {
    backoff: Option<Backoff>,
}

impl Outage {
    pub(crate) async fn wait(&mut self, error: &impl Display) {
        if self.backoff.is_none() {
            warn!("{error}; sessions wait until it is back");
        }
        let backoff = self
            .backoff
            .get_or_insert_with(|| Backoff::up_to(Duration::from_secs(1)));
        backoff.wait().await;
    }
}
