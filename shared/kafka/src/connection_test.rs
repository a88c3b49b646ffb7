//! Can Kafka be used as configured? What `latchwork check` asks before anything is started.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError as NativeError;
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::producer::{DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use crate::client_log::ClientLog;
use crate::error::KafkaError;
use crate::settings::{KafkaConnection, client_error};

/// One try; between tries the errors that can't pass are looked at.
const TRY_WITHIN: Duration = Duration::from_millis(500);

/// What Kafka says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KafkaReport {
    /// Id of the cluster, when the brokers tell one.
    pub cluster_id: Option<String>,
    /// The brokers as `host:port`.
    pub brokers: Vec<String>,
    /// The topics that were asked for, in that order.
    pub topics: Vec<TopicReport>,
}

/// What Kafka says of one topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicReport {
    /// The topic.
    pub topic: String,
    /// Whether it can be used.
    pub state: TopicState,
}

/// Whether a topic can be used. Denied writing does not show before the first record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TopicState {
    /// It exists.
    Exists {
        /// Its partitions.
        partitions: usize,
    },
    /// It does not exist.
    Missing,
    /// We may not see it.
    Denied,
    /// There can be no topic of this name.
    Invalid,
    /// Kafka can't tell now, e.g. while its partitions have no leader.
    Unclear,
}

/// Connects, and looks at `topics`. Fails at once on a login, TLS or name error that no broker
/// gets around, and after `within` when no broker answers.
pub async fn connection_test(
    connection: &KafkaConnection,
    topics: &[&str],
    within: Duration,
) -> Result<KafkaReport, KafkaError> {
    let connection = connection.clone();
    let topics: Vec<String> = topics.iter().map(|topic| (*topic).into()).collect();
    let client = TestClient::new(&connection)?;
    let test = move || {
        let report = test(&client, &connection, &topics, within);
        // Its end takes a tenth of a second, which nobody needs to wait for.
        drop(tokio::task::spawn_blocking(move || drop(client)));
        report
    };
    tokio::task::spawn_blocking(test)
        .await
        .map_err(|_| KafkaError::ShuttingDown)?
}

fn test(
    client: &TestClient,
    connection: &KafkaConnection,
    topics: &[String],
    within: Duration,
) -> Result<KafkaReport, KafkaError> {
    let deadline = Instant::now() + within;
    let metadata = client.metadata(connection, None, deadline, within)?;
    let brokers = metadata
        .brokers()
        .iter()
        .map(|broker| format!("{}:{}", broker.host(), broker.port()))
        .collect();
    let mut reports = Vec::with_capacity(topics.len());
    for topic in topics {
        let metadata = client.metadata(connection, Some(topic), deadline, within)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        reports.push(TopicReport {
            topic: topic.clone(),
            state: found.map_or(TopicState::Missing, state),
        });
    }
    Ok(KafkaReport {
        cluster_id: client.producer.client().fetch_cluster_id(TRY_WITHIN),
        brokers,
        topics: reports,
    })
}

fn state(topic: &MetadataTopic) -> TopicState {
    use RDKafkaErrorCode::{
        InvalidTopic, TopicAuthorizationFailed, UnknownTopic, UnknownTopicOrPartition,
    };
    match topic.error().map(RDKafkaErrorCode::from) {
        None => TopicState::Exists {
            partitions: topic.partitions().len(),
        },
        Some(UnknownTopic | UnknownTopicOrPartition) => TopicState::Missing,
        Some(TopicAuthorizationFailed) => TopicState::Denied,
        Some(InvalidTopic) => TopicState::Invalid,
        Some(_) => TopicState::Unclear,
    }
}

/// A client that remembers what its connections met. A producer, because only a polled client
/// gets to know.
struct TestClient {
    producer: ThreadedProducer<TestEvents>,
    met: Arc<Mutex<Met>>,
}

#[derive(Default)]
struct Met {
    /// An error that waiting does not mend.
    final_error: Option<(RDKafkaErrorCode, String)>,
    last: Option<String>,
    all_down: bool,
}

#[derive(Default)]
struct TestEvents {
    met: Arc<Mutex<Met>>,
    log: ClientLog,
}

impl TestClient {
    fn new(connection: &KafkaConnection) -> Result<Self, KafkaError> {
        let events = TestEvents::default();
        let met = Arc::clone(&events.met);
        let producer = connection
            .producer()
            .create_with_context(events)
            .map_err(client_error)?;
        Ok(Self { producer, met })
    }

    fn metadata(
        &self,
        connection: &KafkaConnection,
        topic: Option<&str>,
        deadline: Instant,
        within: Duration,
    ) -> Result<Metadata, KafkaError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let asked = self
                .producer
                .client()
                .fetch_metadata(topic, left.min(TRY_WITHIN));
            let error = match asked {
                Ok(metadata) => return Ok(metadata),
                Err(error) => error,
            };
            let met = self.met.lock();
            let late = Instant::now() >= deadline;
            if let Some((code, reason)) = &met.final_error
                && (met.all_down || late)
            {
                return Err(final_error(connection, *code, reason));
            }
            if late {
                let reason = met.last.clone().unwrap_or_else(|| error.to_string());
                return Err(no_answer(connection, within, reason));
            }
        }
    }
}

fn final_error(connection: &KafkaConnection, code: RDKafkaErrorCode, reason: &str) -> KafkaError {
    let brokers = connection.brokers().into();
    let reason = reason.into();
    match code {
        RDKafkaErrorCode::SSL => KafkaError::Tls { brokers, reason },
        RDKafkaErrorCode::Resolve => KafkaError::Resolve { brokers, reason },
        _ => KafkaError::Authentication { brokers, reason },
    }
}

fn no_answer(connection: &KafkaConnection, within: Duration, reason: String) -> KafkaError {
    let brokers = connection.brokers().into();
    // A broker that speaks no TLS just hangs up.
    if reason.contains("SSL_HANDSHAKE") {
        return KafkaError::Tls { brokers, reason };
    }
    KafkaError::Unreachable {
        brokers,
        within,
        reason,
    }
}

impl ClientContext for TestEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        // The errors are told by the caller; two tellings only confuse.
        if !matches!(facility, "FAIL" | "ERROR") {
            self.log.line(level, facility, text);
        }
    }

    fn error(&self, error: NativeError, reason: &str) {
        use RDKafkaErrorCode::{AllBrokersDown, Authentication, Resolve, SSL};
        let mut met = self.met.lock();
        match error.rdkafka_error_code() {
            Some(AllBrokersDown) => met.all_down = true,
            Some(code @ (Authentication | SSL | Resolve)) => {
                met.final_error.get_or_insert((code, reason.into()));
            }
            _ => met.last = Some(reason.into()),
        }
    }
}

impl ProducerContext for TestEvents {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
