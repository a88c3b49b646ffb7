//! What happens in a simulation.

use std::fmt;
use std::time::Instant;

use mqtt_edge::codec::ReasonCode;

/// Names one message: within a topic (`devices/{lock}/state` or `devices/{lock}/command`) no two
/// have the same. A later message of the same topic has a larger `process_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId {
    /// Client id of the lock in the topic, as a number.
    pub lock: u64,
    /// Field `process_id` of the payload, as a number of 16 digits.
    pub process_id: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {:016} of lock {}", self.process_id, self.lock)
    }
}

/// What is wrong with a payload, on purpose. The `process_id` can be read in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breakage {
    /// Cut short: no JSON.
    Cut,
    /// `battery` is text.
    WrongType,
    /// No `lock_state`.
    MissingField,
    /// A byte that is not UTF-8.
    BrokenUtf8,
}

impl Breakage {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Cut,
        Self::WrongType,
        Self::MissingField,
        Self::BrokenUtf8,
    ];

    /// A few words for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cut => "cut short",
            Self::WrongType => "battery as text",
            Self::MissingField => "no lock_state",
            Self::BrokenUtf8 => "broken UTF-8",
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A valid state, to be found in Kafka.
    State,
    /// A broken state, to be found among the dead letters.
    Broken(Breakage),
    /// A command, to be found in Kafka once the lock has acknowledged it.
    Command,
}

/// A step of the simulation.
#[derive(Clone, Debug)]
pub enum SimulationEvent {
    /// A message is handed to its client; it has not been sent yet.
    Published {
        /// Which.
        id: MessageId,
        /// What it is.
        kind: MessageKind,
        /// When it had to be sent: latencies count from here, also when sending had to wait.
        due: Instant,
    },
    /// Its PUBACK has arrived. Exactly once per message.
    Acknowledged {
        /// Which.
        id: MessageId,
        /// What it is.
        kind: MessageKind,
        /// When it had to be sent.
        due: Instant,
        /// When the PUBACK was seen.
        at: Instant,
        /// Success, or a refusal (MQTT 5.0 only).
        reason: ReasonCode,
    },
    /// A lock got a command.
    CommandReceived {
        /// Which.
        id: MessageId,
    },
    /// The lock has published its new state because of it.
    CommandAnswered {
        /// The command.
        command: MessageId,
        /// The state.
        state: MessageId,
    },
    /// All clients were connected, or were about to, and now one is not. It keeps trying.
    Unreachable {
        /// Why, in one line.
        reason: String,
    },
    /// All clients are connected again.
    Reachable,
}
