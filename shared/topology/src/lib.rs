//! Every stream, subject, durable and flow, in one table.
//!
//! The provisioner makes the streams and durables from it, the stages take their subjects from
//! it, and the picture in the README is generated from it. No I/O.

mod diagram;
mod flow;
mod stream;
mod token;

pub use diagram::mermaid;
pub use flow::{
    AUDIT_FLOW, End, FLOWS, Flow, KAFKA_SINK, MQTT_EDGE, NOTIFY_FLOW, PUBLISH, SEND, TRANSFORM,
    stages,
};
pub use stream::{
    ALERT, AUDIT, DLQ, DOWN, EV, NOTIFY, PUB, Part, REC, Retention, STREAMS, StreamSpec, Token, UP,
};

pub use token::{CONTACT_KEYS, contact_key, escape, unescape};

/// Oldest nats-server that works: consumer reset came with 2.14.
pub const MINIMUM_NATS_SERVER: (u32, u32) = (2, 14);

/// Key of the stream metadata that holds the number of partitions.
pub const PARTITIONS_KEY: &str = "latchwork.partitions";

/// Most partitions a pipeline can have.
pub const MAX_PARTITIONS: u16 = 256;

/// KV bucket with what is known of each lock: `state.<partition>.<client id>`, written by the audit,
/// and `contact.<client id>`, written by people. Client ids are [escaped](escape).
pub const LOCK_BUCKET: &str = "lock";

/// KV bucket with the MQTT sessions: `<client id>`, [escaped](escape).
pub const SESSION_BUCKET: &str = "session";

/// KV bucket with the retained MQTT messages: `<topic>`, [escaped](escape).
pub const RETAINED_BUCKET: &str = "retained";
