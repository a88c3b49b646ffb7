//! The streams between the stages.

use std::time::Duration;

/// How a stream forgets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retention {
    /// A message goes when its one consumer has acknowledged it; a full stream refuses new ones,
    /// and that refusal is the back-pressure.
    WorkQueue,
    /// A message goes when it is too old, or when the stream is full.
    Limits {
        /// How long it stays.
        max_age: Duration,
    },
}

/// One stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamSpec {
    /// Name in JetStream.
    pub name: &'static str,
    /// First token of its subjects.
    pub subject: &'static str,
    /// What it holds, for people.
    pub holds: &'static str,
    /// How it forgets.
    pub retention: Retention,
    /// Size limit in bytes unless settings say otherwise.
    pub max_bytes: i64,
}

impl StreamSpec {
    /// The pattern of all its subjects.
    pub fn subjects(&self) -> String {
        format!("{}.*", self.subject)
    }

    /// Subject of one partition.
    pub fn partition_subject(&self, partition: u16) -> String {
        format!("{}.{partition}", self.subject)
    }
}

const GIB: i64 = 1024 * 1024 * 1024;

/// What the edge took: frames of records.
pub const UP: StreamSpec = StreamSpec {
    name: "UP",
    subject: "up",
    holds: "records as the edge took them",
    retention: Retention::WorkQueue,
    max_bytes: 4 * GIB,
};

/// What Kafka will get: frames of Kafka records.
pub const REC: StreamSpec = StreamSpec {
    name: "REC",
    subject: "rec",
    holds: "records as Kafka will get them",
    retention: Retention::WorkQueue,
    max_bytes: 4 * GIB,
};

/// What could not go on, with its cause: frames of dead letters, by stage.
pub const DLQ: StreamSpec = StreamSpec {
    name: "DLQ",
    subject: "dlq",
    holds: "dead letters, with cause and original bytes",
    retention: Retention::Limits {
        max_age: Duration::from_hours(14 * 24),
    },
    max_bytes: GIB,
};

/// All of them, in the order of the data.
pub const STREAMS: &[StreamSpec] = &[UP, REC, DLQ];
