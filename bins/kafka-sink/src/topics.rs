//! `--ensure-topics`.

use std::time::Duration;

use kafka::{KafkaConnection, KafkaError, TopicSpec, ensure_topics};
use settings::Pipeline;
use stage::Backoff;
use tracing::{info, warn};

/// How long one try may take.
const WITHIN: Duration = Duration::from_secs(10);

/// -1 is the broker's default, for partitions and for replicas (KIP-464).
const BROKER_DEFAULT: i32 = -1;

/// Makes the topics that do not exist yet; waits for a Kafka that is away.
pub(crate) async fn ensure(
    connection: &KafkaConnection,
    pipeline: &Pipeline,
) -> Result<(), KafkaError> {
    let topics: Vec<_> = pipeline
        .topics()
        .iter()
        .map(|topic| TopicSpec {
            name: topic.name.clone(),
            partitions: topic.partitions.unwrap_or(BROKER_DEFAULT),
            replication: topic.replication.unwrap_or(BROKER_DEFAULT),
            compacted: topic.compacted,
        })
        .collect();
    let mut backoff = Backoff::up_to(Duration::from_secs(5));
    while let Err(error) = ensure_topics(connection, &topics, WITHIN).await {
        warn!("{error}; still trying");
        backoff.wait().await;
    }
    info!(topics = topics.len(), "the pipeline's topics are there");
    Ok(())
}
