//! `--ensure-topics`.

use std::sync::Arc;
use std::time::Duration;

use kafka::{KafkaConnection, KafkaError, TopicSpec, ensure_topics};
use settings::Pipeline;
use stage::Backoff;
use tokio::sync::watch;
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

/// The same for every version of the pipeline's files that comes, until nobody changes it any more.
/// A version that is replaced while its topics are made is given up for the next.
pub(crate) async fn keep_ensured(
    connection: KafkaConnection,
    mut pipelines: watch::Receiver<Arc<Pipeline>>,
) {
    let mut left_to_do = None::<Arc<Pipeline>>;
    loop {
        let made = async {
            match &left_to_do {
                Some(pipeline) => ensure(&connection, pipeline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = pipelines.changed() => match changed {
                Ok(()) => left_to_do = Some(Arc::clone(&pipelines.borrow_and_update())),
                Err(_nobody) => return,
            },
            made = made => {
                if let Err(error) = made {
                    warn!("{error}; the topics of the new version are not made");
                }
                left_to_do = None;
            }
        }
    }
}
