//! What the handler puts out.

use bytes::Bytes;
use record::{KafkaRecord, Original, Record, StageItem};

/// A record for Kafka, one that the audit wants to see, or a message for MQTT.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Goes to the stream REC.
    Kafka(KafkaRecord),
    /// Goes to the stream EV, untouched.
    Event(Record),
    /// Goes to the stream PUB: a message that a rule publishes.
    Publish(Record),
}

impl Output {
    /// The record for Kafka, if it is one.
    pub fn kafka(&self) -> Option<&KafkaRecord> {
        match self {
            Self::Kafka(kafka_record) => Some(kafka_record),
            Self::Event(_) | Self::Publish(_) => None,
        }
    }

    /// The record for the audit, if it is one.
    pub fn event(&self) -> Option<&Record> {
        match self {
            Self::Event(record) => Some(record),
            Self::Kafka(_) | Self::Publish(_) => None,
        }
    }

    /// The message for MQTT, if it is one.
    pub fn publication(&self) -> Option<&Record> {
        match self {
            Self::Publish(record) => Some(record),
            Self::Kafka(_) | Self::Event(_) => None,
        }
    }
}

impl StageItem for Output {
    fn weight(&self) -> usize {
        match self {
            Self::Kafka(kafka_record) => kafka_record.value.len(),
            Self::Event(record) | Self::Publish(record) => record.payload.len(),
        }
    }

    fn original(&self) -> Original {
        match self {
            Self::Kafka(kafka_record) => kafka_record.original(),
            Self::Event(record) | Self::Publish(record) => record.original(),
        }
    }

    fn trace(&self) -> &Bytes {
        match self {
            Self::Kafka(kafka_record) => &kafka_record.trace,
            Self::Event(record) | Self::Publish(record) => &record.trace,
        }
    }

    fn set_trace(&mut self, trace: Bytes) {
        match self {
            Self::Kafka(kafka_record) => kafka_record.trace = trace,
            Self::Event(record) | Self::Publish(record) => record.trace = trace,
        }
    }
}
