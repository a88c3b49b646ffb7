//! What the audit puts out.

use bytes::Bytes;
use record::{KafkaRecord, Original, StageItem};

/// One thing that the audit puts out.
///
/// Of one batch the entries must be stored before everything else and the states after everything
/// else: what a stored state has applied is never made again.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// An entry of the log: for the stream AUDIT and for Kafka. Its value is the entry's JSON.
    Entry(KafkaRecord),
    /// An alert: for the stream ALERT and for Kafka. Its value is the alert's JSON.
    Alert(KafkaRecord),
    /// The last known state of a lock, for others: its value fits the schema `lock-status`.
    Status(KafkaRecord),
    /// What the audit must know of a lock to go on after a restart. Of several states of one lock
    /// only the last counts.
    State {
        /// Client id of the lock.
        key: Bytes,
        /// JSON for [`AuditHandler::restore`](super::AuditHandler::restore); empty: forget it.
        value: Bytes,
    },
}

impl Output {
    /// The record for Kafka, if it is one.
    pub fn kafka(&self) -> Option<&KafkaRecord> {
        match self {
            Self::Entry(record) | Self::Alert(record) | Self::Status(record) => Some(record),
            Self::State { .. } => None,
        }
    }
}

static NO_TRACE: Bytes = Bytes::new();

impl StageItem for Output {
    fn original(&self) -> Original {
        match self {
            Self::Entry(record) | Self::Alert(record) | Self::Status(record) => record.original(),
            Self::State { value, .. } => Original::Bytes(value.clone()),
        }
    }

    fn trace(&self) -> &Bytes {
        self.kafka().map_or(&NO_TRACE, |record| &record.trace)
    }

    fn set_trace(&mut self, trace: Bytes) {
        match self {
            Self::Entry(record) | Self::Alert(record) | Self::Status(record) => {
                record.trace = trace;
            }
            Self::State { .. } => {}
        }
    }
}
