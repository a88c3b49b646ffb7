//! What actions make, as a case names its parts.

use bytes::Bytes;

use crate::action::{Effect, KafkaMessage, PartitionChoice, Publication};
use crate::value::{Map, Value};

/// A Kafka record as a case names its parts.
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
    Some(Map::from_iter([
        ("topic".into(), Value::Text(topic.clone())),
        (
            "key".into(),
            key.clone().map(Value::Text).unwrap_or_default(),
        ),
        ("value".into(), Value::Text(value.clone())),
        (
            "timestamp".into(),
            timestamp_ms.map(Value::from).unwrap_or_default(),
        ),
        (
            "partition".into(),
            match partition {
                PartitionChoice::Key => Value::text("key"),
                PartitionChoice::Random => Value::text("random"),
                PartitionChoice::Number(number) => Value::Int((*number).into()),
            },
        ),
        ("headers".into(), named(headers)),
    ]))
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
