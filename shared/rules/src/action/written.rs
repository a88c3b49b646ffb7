//! Actions as they are written in files.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Action, KafkaAction, PartitionRule, RepublishAction};
use crate::template::Template;

/// `[[rule.action]]`: exactly one of its keys.
#[derive(Clone, PartialEq, Debug)]
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

/// The keys of an action.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Kafka,
    Republish,
    Drop,
    DeadLetter,
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

/// Derived, it would tell of elements that are missing or too many, and not of which there are.
impl<'de> Deserialize<'de> for ActionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneKind)
    }
}

struct OneKind;

impl<'de> Visitor<'de> for OneKind {
    type Value = ActionText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with one of the keys kafka, republish, drop, dead_letter")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ActionText, A::Error> {
        let action = match map.next_key()? {
            None => return Err(not_one("has none of the keys")),
            Some(Kind::Kafka) => ActionText::Kafka(map.next_value()?),
            Some(Kind::Republish) => ActionText::Republish(map.next_value()?),
            Some(Kind::Drop) => ActionText::Drop(map.next_value()?),
            Some(Kind::DeadLetter) => ActionText::DeadLetter(map.next_value()?),
        };
        match map.next_key::<Kind>()? {
            None => Ok(action),
            Some(_) => Err(not_one("has more than one of the keys")),
        }
    }
}

fn not_one<E: Error>(has: &str) -> E {
    E::custom(format_args!(
        "this action {has} kafka, republish, drop, dead_letter: \
         write one [[rule.action]] for each, with exactly one of them"
    ))
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
            other => Err(D::Error::custom(format!(
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: actions with no kind, two, one that there is not, and one that is no table.
    /// Guarantee: each is refused with the four kinds that there are; one alone is read.
    #[test]
    fn an_action_has_one_kind() {
        let read = serde_json::from_str::<ActionText>;
        for (json, expected) in [
            (
                "{}",
                "has none of the keys kafka, republish, drop, dead_letter",
            ),
            (
                r#"{"drop":{},"kafka":{"topic":"t"}}"#,
                "has more than one of the keys kafka, republish, drop, dead_letter",
            ),
            (r#"{"kafca":{}}"#, "unknown variant `kafca`"),
            (
                r#""drop""#,
                "one of the keys kafka, republish, drop, dead_letter",
            ),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(
            read(r#"{"drop":{}}"#).unwrap(),
            ActionText::Drop(Nothing {})
        );
    }
}
