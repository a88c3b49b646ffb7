//! Opens what outlives the edge.

use session::{Down, RetainedBucket, RetainedLimits, SessionBucket};
use settings::Pipeline;
use stage::Runtime;

use crate::retained::Retained;
use crate::sessions::{Queue, Stores};

/// Opens sessions, queues and retained messages, which the provisioner has made.
pub(crate) async fn open(
    pipeline: &Pipeline,
    runtime: &Runtime,
    node: &str,
) -> anyhow::Result<Stores> {
    let context = &runtime.connections.publishing;
    let settings = pipeline.sessions();
    let limits = RetainedLimits {
        topics: settings.retained,
        bytes: settings.retained_max_bytes,
    };
    let retained = RetainedBucket::open(context.clone()).await?;
    Ok(Stores {
        sessions: SessionBucket::open(context.clone()).await?,
        queue: Queue::new(Down::open(context.clone()).await?, node),
        retained: Retained::open(retained, limits).await?,
    })
}
