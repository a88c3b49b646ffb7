//! Everything over rdkafka: the producer sink, topics, the in-memory stand-in, a reader.
//!
//! * [`KafkaConnection`]: where Kafka is and which librdkafka settings override ours;
//!   [`KafkaArgs`] are its flags.
//! * [`KafkaProducer`], one per process, and [`KafkaSink`], one per lane: batches of records,
//!   stored in order.
//! * [`ensure_topics`] and [`connection_test`]: what a start and a check need.
//! * [`KafkaReader`]: every record of some topics, without a consumer group.
//! * [`InMemoryKafka`]: a small Kafka inside this process, for demos and tests.

mod backoff;
mod client_log;
mod delivery;
mod enqueue;
mod error;
mod events;
mod failure;
mod gate;
mod plan;
mod producer;
mod reachability;
mod settings;
mod sink;

pub use error::KafkaError;
pub use gate::{HeldFor, HeldTopic};
pub use producer::{KafkaProducer, KafkaStatus, UnknownTopic};
pub use settings::{KafkaArgs, KafkaConnection};
pub use sink::KafkaSink;
