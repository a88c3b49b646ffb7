//! What the pipeline publishes: messages from the stream PUB go the way of a client's messages.
//!
//! The edges share the partitions of PUB. Whoever has one puts its messages into its own lane of the
//! same partition, behind what is there, so the order of the client that a message was made for is
//! kept; PUB forgets a message when UP, and every queue that it is for, has it.

mod check;
mod into_uplink;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use stage::{LaneDied, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use topology::PUBLISH;
use tracing::error;

use crate::bus::Bus;
use crate::edge::Edge;
use check::CheckMessage;
use into_uplink::IntoUplink;

/// The flow at work.
pub(crate) struct Publishing {
    lanes: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Publishing {
    /// Shares the lanes of PUB with the other edges, until the edge is told to stop.
    pub(crate) fn start<B: Bus>(edge: &Arc<Edge<B>>, runtime: &Runtime) -> Self {
        let check = CheckMessage::new(edge.limits.max_packet_size);
        let edge = Arc::clone(edge);
        let lanes = runtime.leased(&PUBLISH, move |lane| {
            let sink = IntoUplink::new(Arc::clone(&edge), lane.partition);
            std::future::ready(Ok(lane.run(check, sink)))
        });
        Self {
            lanes: tokio::spawn(lanes),
            stop: runtime.stop.clone(),
        }
    }

    /// Returns when the flow has died of a defect; never when the edge was told to stop.
    pub(crate) async fn died(&mut self) -> anyhow::Error {
        let ended = (&mut self.lanes).await;
        match ended {
            Ok(Err(error)) => error,
            Ok(Ok(())) if self.stop.is_cancelled() => std::future::pending().await,
            Ok(Ok(())) | Err(_) => LaneDied {
                stage: PUBLISH.stage,
            }
            .into(),
        }
    }

    /// Waits until what was taken from PUB is stored. The edge was told to stop before.
    pub(crate) async fn drained(self) {
        // It may have been seen to end already.
        if self.lanes.is_finished() {
            return;
        }
        if let Ok(Err(error)) = self.lanes.await {
            error!(%error, "what rules publish could not be drained; it stays in its stream");
        }
    }
}
