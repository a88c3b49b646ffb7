//! Can Kafka be used as configured? What `latchwork check` asks before anything is started.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, OwnedResourceSpecifier, ResourceSpecifier,
};
use rdkafka::client::{ClientContext, DefaultClientContext};
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

/// How safely Kafka keeps what a topic is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicSafety {
    /// The topic.
    pub topic: String,
    /// Copies of its partitions: of the one with the fewest.
    pub replicas: usize,
    /// Copies that are up to date: of the partition with the fewest.
    pub in_sync: usize,
    /// `min.insync.replicas`; `None` when the broker does not let us see it.
    pub min_in_sync: Option<usize>,
    /// Whether the broker, and not the producer, says when a record was written.
    pub broker_time: bool,
}

/// Looks at the copies and the settings of topics that exist. `within` bounds each request.
pub async fn topic_safety(
    connection: &KafkaConnection,
    topics: &[&str],
    within: Duration,
) -> Result<Vec<TopicSafety>, KafkaError> {
    let admin: AdminClient<DefaultClientContext> =
        connection.admin().create().map_err(client_error)?;
    let wanted: Vec<ResourceSpecifier<'_>> = topics
        .iter()
        .map(|topic| ResourceSpecifier::Topic(topic))
        .collect();
    let options = AdminOptions::new().request_timeout(Some(within));
    // Without the right to see them the copies are still told.
    let settings = admin.describe_configs(&wanted, &options).await;
    let settings: Vec<ConfigResource> = settings
        .unwrap_or_default()
        .into_iter()
        .filter_map(Result::ok)
        .collect();
    let names: Vec<String> = topics.iter().map(|topic| (*topic).into()).collect();
    let connection = connection.clone();
    let look = move || {
        let safety = |topic| one_topic_safety(&admin, topic, &settings, within);
        names.into_iter().map(safety).collect::<Result<_, _>>()
    };
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|_| KafkaError::ShuttingDown)?
        .map_err(|error: NativeError| no_answer(&connection, within, error.to_string()))
}

fn one_topic_safety(
    admin: &AdminClient<DefaultClientContext>,
    topic: String,
    settings: &[ConfigResource],
    within: Duration,
) -> Result<TopicSafety, NativeError> {
    let metadata = admin.inner().fetch_metadata(Some(&topic), within)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map_or(&[][..], MetadataTopic::partitions);
    let copies = partitions
        .iter()
        .map(|partition| partition.replicas().len());
    let in_sync = partitions.iter().map(|partition| partition.isr().len());
    let is_ours = |resource: &&ConfigResource| matches!(&resource.specifier, OwnedResourceSpecifier::Topic(name) if *name == topic);
    let resource = settings.iter().find(is_ours);
    let setting = |name| resource.and_then(|resource| resource.get(name)?.value.as_deref());
    Ok(TopicSafety {
        replicas: copies.min().unwrap_or_default(),
        in_sync: in_sync.min().unwrap_or_default(),
        min_in_sync: setting("min.insync.replicas").and_then(|value| value.parse().ok()),
        broker_time: setting("message.timestamp.type") == Some("LogAppendTime"),
        topic,
    })
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
