//! Wills as the bucket `session` keeps them.

use session::{StoredMessage, Will as KeptWill};

use super::stored::{restored as restored_message, stored};
use crate::bus::Message;
use crate::codec::{PublishProperties, Will};

const MS: u64 = 1000;

/// A will as it is kept. Its expiry counts from its publication, so it is kept as if the message
/// was received at the beginning of time.
pub(crate) fn kept(will: &Will) -> KeptWill {
    let expiry_secs = will.properties.message_expiry_secs;
    let message = Message {
        topic: will.topic.as_bytes().clone(),
        payload: will.payload.clone(),
        qos: will.qos,
        retain: will.retain,
        expires_at_ms: Message::expires_at_ms(0, expiry_secs),
        properties: Some(Box::new(will.properties.clone())),
        ..Message::default()
    };
    KeptWill {
        message: stored(&message),
        delay_secs: will.delay_secs,
    }
}

/// A will that was kept.
pub(crate) fn restored(kept: &KeptWill) -> Will {
    let StoredMessage { expires_at_ms, .. } = kept.message;
    let message = restored_message(kept.message.clone());
    let expiry_secs = (expires_at_ms > 0).then_some(expires_at_ms / MS);
    Will {
        topic: message.topic().into(),
        payload: message.payload,
        qos: message.qos,
        retain: message.retain,
        delay_secs: kept.delay_secs,
        properties: PublishProperties {
            message_expiry_secs: expiry_secs.map(|secs| u32::try_from(secs).unwrap_or(u32::MAX)),
            ..message.properties.map(|sent| *sent).unwrap_or_default()
        },
    }
}
