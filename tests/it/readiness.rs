//! What `/readyz` promises.

use std::time::Duration;

use kafka::{TopicState, connection_test};

use crate::payloads::unique;
use crate::testbed::Setup;

/// Scenario: a stack starts on a Kafka that has none of its topics yet.
/// Guarantee: when every stage has said that it is ready, every topic is there: ready is said once,
/// when a stage can do its work, and not in between.
#[tokio::test]
async fn ready_means_able_to_work() {
    let topics: Vec<String> = (0..8).map(|_| unique("ready")).collect();
    let hook = |topic: &String| {
        format!("[[hook]]\nevent = \"message.publish\"\nkafka_topic = \"{topic}\"\n")
    };
    let pipeline: String = topics.iter().map(hook).collect();
    let bed = Setup::new().pipeline(pipeline).start().await;
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let report = connection_test(&bed.kafka(), &names, Duration::from_secs(20))
        .await
        .unwrap();
    for topic in report.topics {
        let exists = matches!(topic.state, TopicState::Exists { .. });
        assert!(exists, "ready, but {} is {:?}", topic.topic, topic.state);
    }
}
