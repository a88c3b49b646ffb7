//! Making the topics that are wanted.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::types::RDKafkaErrorCode;

use crate::client_log::ClientLog;
use crate::connection_test::{TopicState, connection_test};
use crate::error::KafkaError;
use crate::settings::{KafkaConnection, client_error};

/// A topic that must exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Its partitions; -1 is the broker's default (Kafka 2.4 and newer).
    pub partitions: i32,
    /// Copies of each partition; -1 is the broker's default (Kafka 2.4 and newer).
    pub replication: i32,
    /// Whether Kafka keeps the last record of each key, instead of all for a while.
    pub compacted: bool,
}

/// Creates those of the topics that do not exist. A topic that exists stays as it is, whatever
/// its partitions. Also made by somebody else meanwhile is fine: replicas may all call this.
pub async fn ensure_topics(
    connection: &KafkaConnection,
    topics: &[TopicSpec],
    within: Duration,
) -> Result<(), KafkaError> {
    let deadline = Instant::now() + within;
    let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    let report = connection_test(connection, &names, within).await?;
    let missing: Vec<NewTopic<'_>> = topics
        .iter()
        .zip(&report.topics)
        .filter(|(_, found)| !matches!(found.state, TopicState::Exists { .. }))
        .map(|(topic, _)| {
            let replication = TopicReplication::Fixed(topic.replication);
            let new = NewTopic::new(&topic.name, topic.partitions, replication);
            if topic.compacted {
                new.set("cleanup.policy", "compact")
            } else {
                new
            }
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let left = deadline.saturating_duration_since(Instant::now());
    create(connection, &missing, left).await
}

async fn create(
    connection: &KafkaConnection,
    topics: &[NewTopic<'_>],
    within: Duration,
) -> Result<(), KafkaError> {
    let admin: AdminClient<AdminEvents> = connection
        .admin()
        .create_with_context(AdminEvents::default())
        .map_err(client_error)?;
    let options = AdminOptions::new()
        .request_timeout(Some(within))
        .operation_timeout(Some(within));
    let outcome = admin.create_topics(topics, &options).await;
    // Its end waits for its thread, up to a tenth of a second.
    tokio::task::spawn_blocking(move || drop(admin))
        .await
        .map_err(|_| KafkaError::ShuttingDown)?;
    let created = outcome.map_err(|error| {
        let names: Vec<&str> = topics.iter().map(|topic| topic.name).collect();
        failed(names.join(", "), error.to_string())
    })?;
    for result in created {
        match result {
            Ok(topic) => tracing::info!(topic, "created the Kafka topic"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(failed(topic, reason(code))),
        }
    }
    Ok(())
}

fn failed(topic: String, reason: String) -> KafkaError {
    KafkaError::CreateTopic { topic, reason }
}

fn reason(code: RDKafkaErrorCode) -> String {
    use RDKafkaErrorCode::{
        ClusterAuthorizationFailed, InvalidReplicationFactor, TopicAuthorizationFailed,
        UnsupportedFeature,
    };
    let advice = match code {
        InvalidReplicationFactor => "; there are fewer brokers than copies are asked for",
        ClusterAuthorizationFailed | TopicAuthorizationFailed => {
            "; allow this client CREATE on the cluster, or have the topic made for it"
        }
        UnsupportedFeature => "; this broker can't create topics over the protocol",
        _ => "",
    };
    format!("{code}{advice}")
}

#[derive(Default)]
struct AdminEvents(ClientLog);

impl ClientContext for AdminEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.line(level, facility, text);
    }
}
