//! What travels: records, Kafka records, frames and the envelope. No I/O.
//!
//! A [`Record`] is one MQTT message or client event as the edge took it. A [`KafkaRecord`] is one
//! message as Kafka will get it. A [frame](FrameBuilder) is what one NATS message holds: many of
//! either, of one partition, in order. The wire format is `schemas/latchwork.proto`.

mod dead_letter;
mod envelope;
mod frame;
mod kafka_record;
mod origin;
mod partition;
mod record;
mod topic_filter;
mod topic_filter_map;
mod trace;

pub use dead_letter::{DeadLetter, Original};
pub use envelope::{EventKind, write_envelope};
pub use frame::{
    Frame, FrameBuilder, FrameError, FrameItem, MAX_FRAME_BYTES, MAX_FRAME_RECORDS, StageItem,
};
pub use kafka_record::{Header, KafkaRecord};
pub use origin::Origin;
pub use partition::{fingerprint, partition_of};
pub use record::{Kind, REFUSED, Record, UserProperty, Verdict};
pub use topic_filter::{TopicFilter, TopicFilterError};
pub use topic_filter_map::{TopicFilterMap, is_exact_filter};
pub use trace::TraceContext;
