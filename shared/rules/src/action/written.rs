//! Actions as they are written in files.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::{Action, KafkaAction, PartitionRule, RepublishAction};
use crate::template::Template;

/// `[[rule.action]]`: exactly one of its keys.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionText {
    /// `kafka = { .. }`
    Kafka(KafkaText),
    /// `republish = { .. }`
    Republish(RepublishText),
    /// `drop = {}`
    Drop(Nothing),
    /// `dead_letter = { detail = ".." }`
    DeadLetter(DeadLetterText),
}

/// A table without keys.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `dead_letter = { detail = ".." }`
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterText {
    #[serde(default = "whole")]
    detail: Template,
}

/// `kafka = { .. }`: what is left out is as in EMQX.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaText {
    topic: Template,
    #[serde(default = "client_id")]
    key: Template,
    #[serde(default = "whole")]
    value: Template,
    #[serde(default = "timestamp")]
    timestamp: Template,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    headers_from: Option<Template>,
    #[serde(default)]
    partition: PartitionRule,
}

/// `republish = { .. }`: what is left out is as in EMQX, but for `QoS` and RETAIN, which are 0 and
/// false.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepublishText {
    topic: Template,
    #[serde(default = "payload")]
    payload: Template,
    #[serde(default = "zero")]
    qos: Template,
    #[serde(default = "no")]
    retain: Template,
    user_properties: Option<Template>,
}

fn whole() -> Template {
    Template::new("${.}")
}

fn client_id() -> Template {
    Template::new("${.clientid}")
}

fn timestamp() -> Template {
    Template::new("${.timestamp}")
}

fn payload() -> Template {
    Template::new("${payload}")
}

fn zero() -> Template {
    Template::new("0")
}

fn no() -> Template {
    Template::new("false")
}

impl From<ActionText> for Action {
    fn from(text: ActionText) -> Self {
        match text {
            ActionText::Kafka(text) => Self::Kafka(text.into()),
            ActionText::Republish(text) => Self::Republish(text.into()),
            ActionText::Drop(Nothing {}) => Self::Drop,
            ActionText::DeadLetter(text) => Self::DeadLetter {
                detail: text.detail,
            },
        }
    }
}

impl From<KafkaText> for KafkaAction {
    fn from(text: KafkaText) -> Self {
        let headers = text.headers.into_iter();
        Self {
            topic: text.topic,
            key: (!text.key.as_str().is_empty()).then_some(text.key),
            value: text.value,
            timestamp: text.timestamp,
            headers: headers
                .map(|(name, value)| (Bytes::from(name), value))
                .collect(),
            headers_from: text.headers_from,
            partition: text.partition,
        }
    }
}

impl From<RepublishText> for RepublishAction {
    fn from(text: RepublishText) -> Self {
        Self {
            topic: text.topic,
            payload: text.payload,
            qos: text.qos,
            retain: text.retain,
            user_properties: text.user_properties,
        }
    }
}

/// A text, or a number or boolean, which becomes its text.
impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText)
    }
}

/// `"key"`, `"random"`, a number or a template of one.
impl<'de> Deserialize<'de> for PartitionRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let template = Template::deserialize(deserializer)?;
        let is_number = template
            .as_str()
            .parse::<i32>()
            .is_ok_and(|number| number >= 0);
        match template.as_str() {
            "key" => Ok(Self::Key),
            "random" => Ok(Self::Random),
            _ if is_number || !template.is_constant() => Ok(Self::Number(template)),
            other => Err(serde::de::Error::custom(format!(
                "partition is \"key\", \"random\", a number from 0 or a template of one, not {other:?}"
            ))),
        }
    }
}

struct AnyText;

impl Visitor<'_> for AnyText {
    type Value = Template;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, which may have ${fields}")
    }

    fn visit_str<E>(self, text: &str) -> Result<Template, E> {
        Ok(Template::new(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Template, E> {
        Ok(Template::new(number.to_string()))
    }

    fn visit_bool<E>(self, word: bool) -> Result<Template, E> {
        Ok(Template::new(word.to_string()))
    }
}
