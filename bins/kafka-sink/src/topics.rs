//! The topics that the pipeline names: `--ensure-topics`, and what the producer is to expect.

use std::sync::Arc;
use std::time::Duration;

use kafka::{KafkaConnection, KafkaError, KafkaProducer, TopicSpec, ensure_topics};
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

/// Names the topics of every version of the pipeline's files that comes to the producer, until
/// nobody changes it any more.
pub(crate) async fn keep_expected(
    producer: KafkaProducer,
    mut pipelines: watch::Receiver<Arc<Pipeline>>,
) {
    while pipelines.changed().await.is_ok() {
        producer.expect_topics(pipelines.borrow_and_update().kafka_topics());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kafka::{InMemoryKafka, TopicState, UnknownTopic, connection_test};
    use servers::{KafkaOptions, KafkaServer};
    use tokio::time::Instant;

    use super::*;

    const DEADLINE: Duration = Duration::from_mins(1);

    fn pipeline(topics: &[&str]) -> Arc<Pipeline> {
        let topic = |name| format!("[[topic]]\nname = \"{name}\"\npartitions = 3\n");
        let text: String = topics.iter().map(topic).collect();
        Arc::new(Pipeline::read(Path::new("pipeline.toml"), &text).unwrap())
    }

    async fn is_made(connection: &KafkaConnection, topic: &str) {
        let made = TopicState::Exists { partitions: 3 };
        let started = Instant::now();
        loop {
            let report = connection_test(connection, &[topic], DEADLINE).await;
            if report
                .unwrap()
                .topics
                .iter()
                .all(|found| found.state == made)
            {
                return;
            }
            assert!(started.elapsed() < DEADLINE, "{topic} is not made");
        }
    }

    /// Scenario: a new version of the pipeline's files names another topic; then nobody changes them
    /// any more.
    /// Guarantee: the producer expects that one and no longer the old one; then the task ends.
    #[tokio::test]
    async fn topics_of_new_versions_are_expected() {
        let kafka = InMemoryKafka::start().unwrap();
        let connection = KafkaConnection::new(kafka.address()).unwrap();
        let producer = KafkaProducer::new(&connection, UnknownTopic::Wait).unwrap();
        producer.expect_topics(["old".to_owned()]);
        let (files, pipelines) = watch::channel(pipeline(&["old"]));
        let keeping = tokio::spawn(keep_expected(producer.clone(), pipelines));
        files.send_replace(pipeline(&["new"]));
        let named = async {
            while !producer.expects("new") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, named).await.unwrap();
        assert!(!producer.expects("old"));
        drop(files);
        tokio::time::timeout(DEADLINE, keeping)
            .await
            .unwrap()
            .unwrap();
    }

    /// Scenario: two versions of the pipeline's files come, the second while the topic of the first
    /// may still be being made; a third comes later; then nobody changes them any more.
    /// Guarantee: the topics of the newest version are made, and those of the later one, with the
    /// partitions that it says; then the task ends.
    #[tokio::test]
    async fn topics_of_new_versions_are_made() {
        let data = tempfile::tempdir().unwrap();
        let server = KafkaServer::start(KafkaOptions::new(data.path()));
        let server = server.await.unwrap();
        let connection = KafkaConnection::new(&server.address()).unwrap();
        let (files, pipelines) = watch::channel(pipeline(&[]));
        let keeping = tokio::spawn(keep_ensured(connection.clone(), pipelines));
        files.send_replace(pipeline(&["one"]));
        tokio::task::yield_now().await;
        files.send_replace(pipeline(&["one", "two"]));
        is_made(&connection, "two").await;
        is_made(&connection, "one").await;
        files.send_replace(pipeline(&["three"]));
        is_made(&connection, "three").await;
        drop(files);
        tokio::time::timeout(DEADLINE, keeping)
            .await
            .unwrap()
            .unwrap();
    }
}
