//! What the handler puts out.

use bytes::Bytes;
use record::{KafkaRecord, Original, Record, StageItem};

/// A record for Kafka, or one that the audit wants to see.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "with an audit one in two is an event: a box each would cost more than the room"
)]
pub enum Output {
    /// Goes to the stream REC.
    Kafka(KafkaRecord),
    /// Goes to the stream EV, untouched.
    Event(Record),
}

impl Output {
    /// The record for Kafka, if it is one.
    pub fn kafka(&self) -> Option<&KafkaRecord> {
        match self {
            Self::Kafka(kafka_record) => Some(kafka_record),
            Self::Event(_) => None,
        }
    }

    /// The record for the audit, if it is one.
    pub fn event(&self) -> Option<&Record> {
        match self {
            Self::Kafka(_) => None,
            Self::Event(record) => Some(record),
        }
    }
}

impl StageItem for Output {
    fn original(&self) -> Original {
        match self {
            Self::Kafka(kafka_record) => kafka_record.original(),
            Self::Event(record) => record.original(),
        }
    }

    fn trace(&self) -> &Bytes {
        match self {
            Self::Kafka(kafka_record) => &kafka_record.trace,
            Self::Event(record) => &record.trace,
        }
    }

    fn set_trace(&mut self, trace: Bytes) {
        match self {
            Self::Kafka(kafka_record) => kafka_record.trace = trace,
            Self::Event(record) => record.trace = trace,
        }
    }
}
