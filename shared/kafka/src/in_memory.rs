//! A small Kafka inside this process, for demos and tests.

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError as NativeError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::error::KafkaError;
use crate::settings::client_error;

/// librdkafka's mock cluster: one broker on a free port of 127.0.0.1, in memory.
///
/// It speaks enough of the protocol for producers (idempotent ones too), consumers and groups of
/// any client. Its limits, all compiled into librdkafka:
/// * a partition keeps its newest 5 MiB (as compressed by the producer) or 100,000 message sets
///   and forgets the rest, so that a consumer must keep up; more partitions keep more;
/// * nothing is on disk: with the process everything is gone;
/// * topics can't be made over the protocol, only by [`create_topic`](Self::create_topic);
/// * no TLS, no login, no transactions to rely on; the port can't be chosen.
///
/// Dropping it closes the connections of its clients.
pub struct InMemoryKafka {
    /// The client that owns the cluster. It is polled, so that its own events do not pile up.
    owner: ThreadedProducer<Quiet>,
    address: String,
}

impl InMemoryKafka {
    /// Starts the broker; it takes connections when this returns.
    pub fn start() -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Error);
        config.set("test.mock.num.brokers", "1");
        let owner: ThreadedProducer<Quiet> =
            config.create_with_context(Quiet).map_err(client_error)?;
        let address = cluster(&owner)?.bootstrap_servers();
        Ok(Self { owner, address })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes a topic.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        let created = cluster(&self.owner)?.create_topic(name, partitions, 1);
        created.map_err(|error| KafkaError::InMemory {
            action: format!("create topic {name:?}"),
            reason: error.to_string(),
        })
    }

    /// The cluster itself, to inject faults.
    #[cfg(test)]
    pub(crate) fn cluster(&self) -> MockCluster<'_, Quiet> {
        cluster(&self.owner).unwrap()
    }
}

fn cluster(owner: &ThreadedProducer<Quiet>) -> Result<MockCluster<'_, Quiet>, KafkaError> {
    owner
        .client()
        .mock_cluster()
        .ok_or_else(|| KafkaError::InMemory {
            action: "start".into(),
            reason: "librdkafka made no mock cluster".into(),
        })
}

/// The owner's own events concern nobody: it neither sends nor reads.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::trace!(target: "librdkafka", "in-memory Kafka: {facility}: {text}");
    }

    fn error(&self, error: NativeError, reason: &str) {
        tracing::trace!(target: "librdkafka", "in-memory Kafka: {error}: {reason}");
    }
}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
