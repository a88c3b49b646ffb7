//! What actions make, as a case names its parts.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::action::{Effect, KafkaMessage, PartitionChoice, Publication};
use crate::value::{Map, Value};

/// Parts of a Kafka record.
const OF_RECORD: &[&str] = &["topic", "key", "value", "headers", "timestamp", "partition"];
/// Parts of an MQTT message.
const OF_PUBLICATION: &[&str] = &["topic", "payload", "qos", "retain", "user_properties"];

/// What a case expects of a Kafka record, or of an MQTT message: a misspelt part would never fit, and
/// look like a fault of the rule.
struct Parts<const IS_RECORD: bool>(Map);

impl<'de, const IS_RECORD: bool> Deserialize<'de> for Parts<IS_RECORD> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = Map::deserialize(deserializer)?;
        let known = if IS_RECORD { OF_RECORD } else { OF_PUBLICATION };
        match parts.keys().find(|name| !known.contains(&&***name)) {
            Some(unknown) => Err(D::Error::unknown_field(unknown, known)),
            None => Ok(Self(parts)),
        }
    }
}

/// Reads the records that a case expects.
pub(super) fn records<'de, D>(deserializer: D) -> Result<Option<Vec<Map>>, D::Error>
where
    D: Deserializer<'de>,
{
    list::<D, true>(deserializer)
}

/// Reads the MQTT messages that a case expects.
pub(super) fn publications<'de, D>(deserializer: D) -> Result<Option<Vec<Map>>, D::Error>
where
    D: Deserializer<'de>,
{
    list::<D, false>(deserializer)
}

fn list<'de, D, const IS_RECORD: bool>(deserializer: D) -> Result<Option<Vec<Map>>, D::Error>
where
    D: Deserializer<'de>,
{
    let list = Option::<Vec<Parts<IS_RECORD>>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|Parts(map)| map).collect()))
}

/// A Kafka record as a case names its parts: without a key or a time where it has none.
pub(super) fn record_of(effect: &Effect) -> Option<Map> {
    let Effect::Kafka(KafkaMessage {
        topic,
        key,
        value,
        headers,
        timestamp_ms,
        partition,
        ..
    }) = effect
    else {
        return None;
    };
    let partition = match partition {
        PartitionChoice::Key => Value::text("key"),
        PartitionChoice::Random => Value::text("random"),
        PartitionChoice::Number(number) => Value::Int((*number).into()),
    };
    let parts = [
        ("topic", Some(Value::Text(topic.clone()))),
        ("key", key.clone().map(Value::Text)),
        ("value", Some(Value::Text(value.clone()))),
        ("timestamp", timestamp_ms.map(Value::from)),
        ("partition", Some(partition)),
        ("headers", Some(named(headers))),
    ];
    let there = parts.into_iter();
    Some(
        there
            .filter_map(|(name, part)| Some((name.into(), part?)))
            .collect(),
    )
}

/// An MQTT message as a case names its parts.
pub(super) fn publication_of(effect: &Effect) -> Option<Map> {
    let Effect::Republish(Publication {
        topic,
        payload,
        qos,
        retain,
        user_properties,
    }) = effect
    else {
        return None;
    };
    Some(Map::from_iter([
        ("topic".into(), Value::Text(topic.clone())),
        ("payload".into(), Value::Text(payload.clone())),
        ("qos".into(), (*qos).into()),
        ("retain".into(), (*retain).into()),
        ("user_properties".into(), named(user_properties)),
    ]))
}

fn named(pairs: &[(Bytes, Bytes)]) -> Value {
    let entry = |(name, value): &(Bytes, Bytes)| {
        let name = String::from_utf8_lossy(name).into_owned();
        (name.into(), Value::Text(value.clone()))
    };
    Value::map(pairs.iter().map(entry).collect())
}
