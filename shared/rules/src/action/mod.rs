//! What is done with a result.

mod kafka;
mod republish;
mod written;

use bytes::Bytes;

use crate::template::{Missing, MissingField, Template};
use crate::value::{Map, Value};

pub use kafka::{KafkaAction, KafkaMessage, PartitionChoice, PartitionRule};
pub use republish::{Publication, RepublishAction};
pub use written::ActionText;

/// What is done with a result.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// A record for Kafka.
    Kafka(KafkaAction),
    /// A message for MQTT.
    Republish(RepublishAction),
    /// No hook and no rule after this one sees the message.
    Drop,
    /// The message becomes a dead letter, and nothing else becomes of it.
    DeadLetter {
        /// Its cause.
        detail: Template,
    },
}

/// What an action makes of a result.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// A record for Kafka.
    Kafka(KafkaMessage),
    /// A message for MQTT.
    Republish(Publication),
    /// The message ends here.
    Drop,
    /// The message becomes a dead letter.
    DeadLetter {
        /// Its cause.
        detail: String,
    },
}

/// Why an action can't be done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ActionFailed {
    /// A template needs a field that there is not.
    #[error(transparent)]
    MissingField(#[from] MissingField),
    /// What came out is not what it has to be.
    #[error("{part} can't be {rendered:?}: {expected}")]
    Unfit {
        /// Part of the action.
        part: &'static str,
        /// What its template gave, at most 100 characters.
        rendered: String,
        /// What it has to be.
        expected: &'static str,
    },
}

impl Effect {
    /// Bytes that were made.
    pub(crate) fn size(&self) -> usize {
        let pairs = |pairs: &[(Bytes, Bytes)]| -> usize {
            let sizes = pairs.iter().map(|(name, value)| name.len() + value.len());
            sizes.sum()
        };
        match self {
            Self::Kafka(message) => {
                let key = message.key.as_ref().map_or(0, Bytes::len);
                message.topic.len() + key + message.value.len() + pairs(&message.headers)
            }
            Self::Republish(message) => {
                message.topic.len() + message.payload.len() + pairs(&message.user_properties)
            }
            Self::Drop => 0,
            Self::DeadLetter { detail } => detail.len(),
        }
    }
}

impl Action {
    /// What it makes of a result.
    pub fn apply(&self, fields: &Map) -> Result<Effect, ActionFailed> {
        Ok(match self {
            Self::Kafka(action) => Effect::Kafka(action.apply(fields)?),
            Self::Republish(action) => Effect::Republish(action.apply(fields)?),
            Self::Drop => Effect::Drop,
            Self::DeadLetter { detail } => Effect::DeadLetter {
                detail: String::from_utf8_lossy(&detail.render(fields, Missing::Empty)?)
                    .into_owned(),
            },
        })
    }

    /// The word for it in settings, metrics and texts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kafka(_) => "kafka",
            Self::Republish(_) => "republish",
            Self::Drop => "drop",
            Self::DeadLetter { .. } => "dead_letter",
        }
    }
}

/// A name and a value of each user property or header, from a map or an array of `key` and `value`.
fn named_texts(value: &Value) -> Vec<(Bytes, Bytes)> {
    let text = |value: &Value| {
        let mut text = Vec::new();
        value.write_text(&mut text);
        Bytes::from(text)
    };
    match value {
        Value::Map(map) => map
            .iter()
            .map(|(name, value)| (name.as_bytes().clone(), text(value)))
            .collect(),
        Value::Array(members) => members
            .iter()
            .filter_map(|member| match member {
                Value::Map(pair) => Some((text(pair.get("key")?), text(pair.get("value")?))),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn unfit(part: &'static str, rendered: &[u8], expected: &'static str) -> ActionFailed {
    let rendered = String::from_utf8_lossy(rendered);
    ActionFailed::Unfit {
        part,
        rendered: rendered.chars().take(100).collect(),
        expected,
    }
}
