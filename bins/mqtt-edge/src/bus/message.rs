//! A message on its way to local subscribers.

use bytes::Bytes;

use crate::codec::PublishProperties;

/// A stored message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Topic name.
    pub topic: Bytes,
    /// Payload; may be empty.
    pub payload: Bytes,
    /// `QoS` of the publisher: 0, 1 or 2.
    pub qos: u8,
    /// The publisher's retain flag.
    pub retain: bool,
    /// Client id of the publisher.
    pub from_client_id: Bytes,
    /// User name of the publisher, or empty.
    pub from_username: Bytes,
    /// Binary trace context (25 bytes), or empty.
    pub trace: Bytes,
    /// The publisher's properties, if it sent any.
    pub properties: Option<Box<PublishProperties>>,
}

/// What a message costs in memory besides topic and payload, about.
const OVERHEAD: usize = 256;

impl Message {
    /// The topic as text. `RouterBus::publish` lets nothing else in.
    pub(super) fn topic(&self) -> &str {
        std::str::from_utf8(&self.topic).unwrap_or_default()
    }

    /// Bytes of memory, about.
    pub(super) fn weight(&self) -> usize {
        OVERHEAD + self.topic.len() + self.payload.len()
    }
}

/// A message for one session.
#[derive(Debug)]
pub struct Forwarded {
    /// The message.
    pub message: Message,
    /// `QoS` to deliver it with: the lower one of the publisher's and the subscription's
    /// (MQTT 5.0, section 3.8.4).
    pub qos: u8,
    /// To be given back to [`BusLink::done`](super::BusLink::done).
    pub token: ForwardToken,
}

/// Stands for a message that a session is not done with.
#[derive(Debug)]
pub struct ForwardToken {
    pub(super) weight: usize,
}
