//! What outlives this edge.

use session::{Down, RetainedBucket, RetainedLimits, SessionBucket};
use settings::Pipeline;
use stage::Runtime;

use super::queue::Queue;
use crate::retained::Retained;

/// Sessions, their queues and retained messages, in JetStream.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) sessions: SessionBucket,
    pub(crate) queue: Queue,
    pub(crate) retained: Retained,
}

impl Stores {
    /// Opens them all; the provisioner has made them.
    pub(crate) async fn open(
        pipeline: &Pipeline,
        runtime: &Runtime,
        node: &str,
    ) -> anyhow::Result<Self> {
        let context = &runtime.connections.publishing;
        let settings = pipeline.sessions();
        let limits = RetainedLimits {
            topics: settings.retained,
            bytes: settings.retained_max_bytes,
        };
        let retained = RetainedBucket::open(context.clone()).await?;
        Ok(Self {
            sessions: SessionBucket::open(context.clone()).await?,
            queue: Queue::new(Down::open(context.clone()).await?, node),
            retained: Retained::open(retained, limits).await?,
        })
    }
}
