//! Every stream, subject, durable and flow, in one table.
//!
//! The provisioner makes the streams and durables from it, the stages take their subjects from
//! it, and the picture in the README is generated from it. No I/O.

mod diagram;
mod flow;
mod stream;

pub use diagram::mermaid;
pub use flow::{End, FLOWS, Flow, KAFKA_SINK, MQTT_EDGE, TRANSFORM};
pub use stream::{DLQ, REC, Retention, STREAMS, StreamSpec, UP};

/// Oldest nats-server that works: consumer reset came with 2.14.
pub const MINIMUM_NATS_SERVER: (u32, u32) = (2, 14);

/// Key of the stream metadata that holds the number of partitions.
pub const PARTITIONS_KEY: &str = "latchwork.partitions";

/// Most partitions a pipeline can have.
pub const MAX_PARTITIONS: u16 = 256;
