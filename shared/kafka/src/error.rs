//! What can go wrong with Kafka, in words for people.

use std::path::PathBuf;
use std::time::Duration;

/// Why Kafka can't be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The address is not one.
    #[error("Kafka address {given:?} is not HOST:PORT[,HOST:PORT..]: {reason}; check --kafka")]
    Address {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting of librdkafka is unknown or has a value it does not take.
    #[error("[kafka.librdkafka] {key} = {value:?}: {reason}")]
    Setting {
        /// Its name.
        key: String,
        /// Its value, hidden when the name says that it is a secret.
        value: String,
        /// What librdkafka says.
        reason: String,
    },
    /// The password file can't be read.
    #[error("cannot read the Kafka password file {}: {source}", .file.display())]
    PasswordFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Settings that are fine each do not fit together, or the system gives no more threads.
    #[error("cannot make a Kafka client: {0}; check [kafka.librdkafka]")]
    Client(String),
    /// No broker answered in time.
    #[error(
        "no answer from Kafka at {brokers} within {within:?} ({reason}); \
         start Kafka there, or name another with --kafka"
    )]
    Unreachable {
        /// The addresses that were tried.
        brokers: String,
        /// How long.
        within: Duration,
        /// What the client met last.
        reason: String,
    },
    /// Kafka refuses our credentials.
    #[error(
        "Kafka at {brokers} refuses the login: {reason}; check security.protocol and the sasl.* \
         entries of [kafka.librdkafka]"
    )]
    Authentication {
        /// The addresses that were tried.
        brokers: String,
        /// What the broker said.
        reason: String,
    },
    /// The TLS handshake fails.
    #[error(
        "no TLS connection to Kafka at {brokers}: {reason}; check security.protocol and the ssl.* \
         entries of [kafka.librdkafka]"
    )]
    Tls {
        /// The addresses that were tried.
        brokers: String,
        /// What the handshake met.
        reason: String,
    },
    /// The host name is unknown.
    #[error("cannot find the host of Kafka at {brokers}: {reason}; check --kafka")]
    Resolve {
        /// The addresses that were tried.
        brokers: String,
        /// What the resolver said.
        reason: String,
    },
    /// A topic that must exist does not.
    #[error("Kafka topic {topic:?} does not exist; create it, or check its name")]
    UnknownTopic {
        /// The topic.
        topic: String,
    },
    /// Kafka keeps a topic from us.
    #[error("Kafka denies access to topic {topic:?}: allow this client to use it (ACL)")]
    DeniedTopic {
        /// The topic.
        topic: String,
    },
    /// A topic could not be made.
    #[error("cannot create Kafka topic {topic:?}: {reason}")]
    CreateTopic {
        /// The topic.
        topic: String,
        /// What the broker said.
        reason: String,
    },
    /// More sinks than one producer serves.
    #[error("one Kafka producer serves at most {0} lanes at a time; run more replicas")]
    TooManyLanes(usize),
    /// Records were still in flight at the deadline.
    #[error("{left} records were not yet confirmed by Kafka after {within:?}")]
    Flush {
        /// Records in flight.
        left: usize,
        /// The deadline.
        within: Duration,
    },
    /// Reading can't go on.
    #[error("cannot read from Kafka: {0}")]
    Read(String),
    /// The in-memory Kafka failed.
    #[error("the in-memory Kafka cannot {action}: {reason}")]
    InMemory {
        /// What it was to do.
        action: String,
        /// What librdkafka said.
        reason: String,
    },
    /// A task or thread of ours ended; only while the process shuts down.
    #[error("the Kafka client is shutting down")]
    ShuttingDown,
}
