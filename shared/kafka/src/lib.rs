//! Everything over rdkafka: the producer sink, topics, the in-memory stand-in, a reader.
//!
//! * [`KafkaConnection`]: where Kafka is and which librdkafka settings override ours;
//!   [`KafkaArgs`] are its flags.
//! * [`KafkaProducer`], one per process, and [`KafkaSink`], one per lane: batches of records,
//!   stored in order.
//! * [`ensure_topics`] and [`connection_test`]: what a start and a check need.
//! * [`KafkaReader`]: every record of some topics, without a consumer group.
//! * [`InMemoryKafka`]: a small Kafka inside this process, for demos and tests.

mod answers;
mod client_log;
mod connection_test;
mod delivery;
mod enqueue;
mod error;
mod events;
mod expected;
mod failure;
mod gate;
mod in_memory;
mod latency;
mod open_topics;
mod plan;
mod producer;
mod reachability;
mod reader;
mod settings;
mod sink;
mod spans;
mod topics;

pub use connection_test::{
    KafkaReport, TopicReport, TopicSafety, TopicState, connection_test, topic_safety,
};
pub use error::KafkaError;
pub use gate::{HeldFor, HeldTopic};
pub use in_memory::InMemoryKafka;
pub use producer::{KafkaProducer, KafkaStatus, UnknownTopic};
pub use reader::{KafkaReader, ReadRecord, Start};
pub use settings::{KafkaArgs, KafkaConnection};
pub use sink::KafkaSink;
pub use topics::{TopicSpec, ensure_topics};

#[cfg(test)]
mod tests;
