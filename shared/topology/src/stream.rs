//! The streams between the stages.

use std::time::Duration;

/// How a stream forgets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retention {
    /// A message goes when its one consumer has acknowledged it; a full stream refuses new ones,
    /// and that refusal is the back-pressure.
    WorkQueue,
    /// A message goes when every durable has acknowledged it; without any it is not kept at all.
    /// A full stream refuses.
    Interest,
    /// A message goes when it is too old, or when the stream is full.
    Limits {
        /// How long it stays.
        max_age: Duration,
    },
    /// A message stays; a full stream refuses, because a log with a hole proves nothing.
    Log,
}

/// Which part of a pipeline a stream or flow belongs to: it is made only where that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// The road from MQTT to Kafka.
    Road,
    /// `[audit]`.
    Audit,
    /// `[notify]`.
    Notify,
}

/// What the last token of a stream's subjects is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    /// The number of a partition.
    Partition,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The flow that writes.
    Flow,
    /// A client id, [escaped](crate::escape): as many as there are clients, so nobody lists them.
    Client,
}

impl Token {
    /// All of them, where a consumer needs one each.
    pub fn all(self, partitions: u16) -> Vec<String> {
        match self {
            Self::Partition => (0..partitions).map(|number| number.to_string()).collect(),
            Self::Word(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Self::Flow | Self::Client => Vec::new(),
        }
    }
}

/// One stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamSpec {
    /// Name in JetStream.
    pub name: &'static str,
    /// First token of its subjects.
    pub subject: &'static str,
    /// Last token of its subjects.
    pub token: Token,
    /// Where it is needed.
    pub part: Part,
    /// What it holds, for people.
    pub holds: &'static str,
    /// How it forgets.
    pub retention: Retention,
    /// Size limit in bytes unless settings say otherwise.
    pub max_bytes: i64,
    /// Most messages of one subject unless settings say otherwise, where each subject is a queue of
    /// its own that edges empty without a durable. A full queue refuses, and so does the full stream:
    /// neither forgets what is newer than the retention's age. `None`: no queues.
    pub queue: Option<i64>,
}

impl StreamSpec {
    /// The pattern of all its subjects.
    pub fn subjects(&self) -> String {
        format!("{}.*", self.subject)
    }

    /// Subject of one partition.
    pub fn partition_subject(&self, partition: u16) -> String {
        self.subject_of(&partition.to_string())
    }

    /// Subject with this last token.
    pub fn subject_of(&self, token: &str) -> String {
        format!("{}.{token}", self.subject)
    }
}

const GIB: i64 = 1024 * 1024 * 1024;

/// As JetStream writes it.
const UNLIMITED: i64 = -1;

/// What the edge took: frames of records.
pub const UP: StreamSpec = StreamSpec {
    name: "UP",
    subject: "up",
    token: Token::Partition,
    part: Part::Road,
    holds: "records as the edge took them",
    retention: Retention::WorkQueue,
    max_bytes: 4 * GIB,
    queue: None,
};

/// What Kafka will get: frames of Kafka records.
pub const REC: StreamSpec = StreamSpec {
    name: "REC",
    subject: "rec",
    token: Token::Partition,
    part: Part::Road,
    holds: "records as Kafka will get them",
    retention: Retention::WorkQueue,
    max_bytes: 4 * GIB,
    queue: None,
};

/// What could not go on, with its cause: frames of dead letters, by stage.
pub const DLQ: StreamSpec = StreamSpec {
    name: "DLQ",
    subject: "dlq",
    token: Token::Flow,
    part: Part::Road,
    holds: "dead letters, with cause and original bytes",
    retention: Retention::Limits {
        max_age: Duration::from_hours(14 * 24),
    },
    max_bytes: GIB,
    queue: None,
};

/// What the audit wants to see: frames of untouched records.
pub const EV: StreamSpec = StreamSpec {
    name: "EV",
    subject: "ev",
    token: Token::Partition,
    part: Part::Audit,
    holds: "untouched records for the audit",
    retention: Retention::Interest,
    max_bytes: GIB,
    queue: None,
};

/// The audit's hash-chained log: frames of Kafka records.
pub const AUDIT: StreamSpec = StreamSpec {
    name: "AUDIT",
    subject: "audit",
    token: Token::Partition,
    part: Part::Audit,
    holds: "the tamper-evident log",
    retention: Retention::Log,
    max_bytes: UNLIMITED,
    queue: None,
};

/// Alerts on their way to people: frames of Kafka records.
pub const ALERT: StreamSpec = StreamSpec {
    name: "ALERT",
    subject: "alert",
    token: Token::Partition,
    part: Part::Notify,
    holds: "alerts for people",
    retention: Retention::WorkQueue,
    max_bytes: GIB / 8,
    queue: None,
};

/// What is to be sent, by channel: one delivery each, as JSON.
pub const NOTIFY: StreamSpec = StreamSpec {
    name: "NOTIFY",
    subject: "notify",
    token: Token::Word(&["email", "sms", "webhook"]),
    part: Part::Notify,
    holds: "messages to people, by channel",
    retention: Retention::WorkQueue,
    max_bytes: GIB / 8,
    queue: None,
};

/// Messages on their way to MQTT that no client sent: frames of records.
///
/// What an edge takes from here it stores in UP like any other message, and transform, which reads
/// UP, may write here: a circle. So whoever writes here must not wait for room.
pub const PUB: StreamSpec = StreamSpec {
    name: "PUB",
    subject: "pub",
    token: Token::Partition,
    part: Part::Road,
    holds: "messages that rules publish",
    retention: Retention::WorkQueue,
    max_bytes: GIB / 4,
    queue: None,
};

/// What waits for MQTT clients that are away or slow: entries of stored messages, one queue a client.
pub const DOWN: StreamSpec = StreamSpec {
    name: "DOWN",
    subject: "down",
    token: Token::Client,
    part: Part::Road,
    holds: "messages that wait for a client",
    retention: Retention::Limits {
        max_age: Duration::from_hours(7 * 24),
    },
    max_bytes: GIB,
    queue: Some(1000),
};

/// All of them, in the order of the data.
pub const STREAMS: &[StreamSpec] = &[UP, REC, EV, AUDIT, ALERT, NOTIFY, PUB, DOWN, DLQ];
