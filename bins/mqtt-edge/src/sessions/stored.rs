//! Messages as JetStream keeps them.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use record::UserProperty;
use session::StoredMessage;

use crate::bus::{Delivery, Message};
use crate::codec::PublishProperties;

/// A message for one session, as its queue keeps it.
pub(crate) fn queued(delivery: &Delivery) -> StoredMessage {
    StoredMessage {
        qos: delivery.qos.into(),
        retain: delivery.retain,
        subscription_ids: delivery
            .subscription_ids
            .iter()
            .map(|id| id.get())
            .collect(),
        ..stored(&delivery.message)
    }
}

/// A message as its topic keeps it.
pub(crate) fn stored(message: &Message) -> StoredMessage {
    let properties = message.properties.as_deref();
    let text = |text: &Option<ByteString>| text.as_ref().map(|text| text.as_bytes().clone());
    StoredMessage {
        topic: message.topic.clone(),
        payload: message.payload.clone(),
        qos: message.qos.into(),
        retain: message.retain,
        from_client_id: message.from_client_id.clone(),
        from_username: message.from_username.clone(),
        trace: message.trace.clone(),
        received_at_ms: message.received_at_ms,
        expires_at_ms: message.expires_at_ms.unwrap_or_default(),
        payload_is_utf8: properties.is_some_and(|sent| sent.payload_is_utf8),
        content_type: properties.and_then(|sent| text(&sent.content_type)),
        response_topic: properties.and_then(|sent| text(&sent.response_topic)),
        correlation_data: properties.and_then(|sent| sent.correlation_data.clone()),
        user_properties: properties.map_or_else(Vec::new, user_properties),
        subscription_ids: Vec::new(),
    }
}

/// A message that was kept.
pub(crate) fn restored(stored: StoredMessage) -> Message {
    // What was stored has been checked to be text.
    let text = |bytes: Bytes| ByteString::try_from(bytes).unwrap_or_default();
    let properties = PublishProperties {
        payload_is_utf8: stored.payload_is_utf8,
        content_type: stored.content_type.map(text),
        response_topic: stored.response_topic.map(text),
        correlation_data: stored.correlation_data,
        user_properties: stored
            .user_properties
            .into_iter()
            .map(|property| (text(property.name), text(property.value)))
            .collect(),
        ..PublishProperties::default()
    };
    Message {
        topic: stored.topic,
        payload: stored.payload,
        qos: u8::try_from(stored.qos).unwrap_or(2),
        retain: stored.retain,
        from_client_id: stored.from_client_id,
        from_username: stored.from_username,
        trace: stored.trace,
        received_at_ms: stored.received_at_ms,
        expires_at_ms: (stored.expires_at_ms > 0).then_some(stored.expires_at_ms),
        properties: (properties != PublishProperties::default()).then(|| Box::new(properties)),
    }
}

/// A message of a session's queue.
pub(crate) fn delivery(stored: StoredMessage) -> Delivery {
    let ids = stored.subscription_ids.iter();
    let subscription_ids = ids.filter_map(|id| NonZeroU32::new(*id)).collect();
    let message = restored(stored);
    Delivery {
        qos: message.qos,
        retain: message.retain,
        subscription_ids,
        message: Arc::new(message),
    }
}

fn user_properties(properties: &PublishProperties) -> Vec<UserProperty> {
    let all = properties.user_properties.iter();
    all.map(|(name, value)| UserProperty {
        name: name.as_bytes().clone(),
        value: value.as_bytes().clone(),
    })
    .collect()
}
