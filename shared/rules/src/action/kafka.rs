//! Records for Kafka.

use bytes::Bytes;

use super::{ActionFailed, named_texts, unfit};
use crate::template::{Missing, Template};
use crate::value::Map;

/// Characters of the longest name of a Kafka topic.
const MAX_TOPIC: usize = 249;

/// A record for Kafka.
#[derive(Clone, PartialEq, Debug)]
pub struct KafkaAction {
    /// The Kafka topic; a field that is missing is a fault.
    pub topic: Template,
    /// The record's key.
    pub key: Option<Template>,
    /// The record's value.
    pub value: Template,
    /// Milliseconds since 1970; what is none is the time of the event.
    pub timestamp: Template,
    /// Names and values.
    pub headers: Vec<(Bytes, Template)>,
    /// A field with more of them: a map, or an array of `key` and `value`.
    pub headers_from: Option<Template>,
    /// How the partition is chosen.
    pub partition: PartitionRule,
}

/// How the partition of a Kafka record is chosen.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum PartitionRule {
    /// By the key, as every Kafka client does it (murmur2); without a key at random.
    #[default]
    Key,
    /// At random, whatever the key.
    Random,
    /// By number.
    Number(Template),
}

/// The partition of a Kafka record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PartitionChoice {
    /// By the key.
    #[default]
    Key,
    /// At random.
    Random,
    /// This one.
    Number(i32),
}

/// A record for Kafka, as an action made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KafkaMessage {
    /// Kafka topic, a valid name.
    pub topic: Bytes,
    /// Whether the message had a part in its name.
    pub topic_is_dynamic: bool,
    /// Key.
    pub key: Option<Bytes>,
    /// Value.
    pub value: Bytes,
    /// Names and values.
    pub headers: Vec<(Bytes, Bytes)>,
    /// Milliseconds since 1970; `None` is the time of the event.
    pub timestamp_ms: Option<u64>,
    /// Its partition.
    pub partition: PartitionChoice,
}

impl KafkaAction {
    pub(super) fn apply(&self, fields: &Map) -> Result<KafkaMessage, ActionFailed> {
        let topic = self.topic.render(fields, Missing::Fault)?;
        if !is_topic(&topic) {
            let expected = "a Kafka topic has 1 to 249 letters, digits, points, - and _";
            return Err(unfit("topic", &topic, expected));
        }
        let render = |template: &Template| template.render(fields, Missing::Empty);
        let timestamp = render(&self.timestamp)?;
        let timestamp = std::str::from_utf8(&timestamp).unwrap_or_default();
        Ok(KafkaMessage {
            topic,
            topic_is_dynamic: !self.topic.is_constant(),
            key: self.key.as_ref().map(render).transpose()?,
            value: render(&self.value)?,
            headers: self.headers(fields)?,
            timestamp_ms: timestamp.trim().parse().ok(),
            partition: self.partition(fields)?,
        })
    }

    fn headers(&self, fields: &Map) -> Result<Vec<(Bytes, Bytes)>, ActionFailed> {
        let from = self.headers_from.as_ref();
        let mut headers = from
            .and_then(|from| from.value(fields))
            .map(|value| named_texts(&value))
            .unwrap_or_default();
        for (name, template) in &self.headers {
            headers.push((name.clone(), template.render(fields, Missing::Empty)?));
        }
        Ok(headers)
    }

    fn partition(&self, fields: &Map) -> Result<PartitionChoice, ActionFailed> {
        let template = match &self.partition {
            PartitionRule::Key => return Ok(PartitionChoice::Key),
            PartitionRule::Random => return Ok(PartitionChoice::Random),
            PartitionRule::Number(template) => template,
        };
        let rendered = template.render(fields, Missing::Fault)?;
        let number = std::str::from_utf8(&rendered).ok();
        let number = number.and_then(|number| number.parse().ok());
        match number.filter(|number| *number >= 0) {
            Some(number) => Ok(PartitionChoice::Number(number)),
            None => Err(unfit("partition", &rendered, "it is a number from 0")),
        }
    }
}

/// Whether Kafka takes it as the name of a topic.
fn is_topic(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    !name.is_empty()
        && name.len() <= MAX_TOPIC
        && name.iter().all(allowed)
        && !matches!(name, b"." | b"..")
}
