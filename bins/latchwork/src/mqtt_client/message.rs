//! What is published and what comes in.

use std::num::NonZeroU16;

use bytes::Bytes;
use bytestring::ByteString;
use mqtt_edge::codec::ReasonCode;

/// Names and values, in order; a name may come twice. MQTT 5.0 only.
pub type UserProperties = Vec<(ByteString, ByteString)>;

/// How sure the delivery must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// `QoS` 0: sent once, never acknowledged.
    AtMostOnce,
    /// `QoS` 1: acknowledged by PUBACK.
    AtLeastOnce,
}

/// A message to publish. Nothing in it is checked: tests send what a server must refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Topic name.
    pub topic: ByteString,
    /// Payload.
    pub payload: Bytes,
    /// How sure.
    pub qos: Qos,
    /// Asks the server to retain it.
    pub retain: bool,
    /// Marks it as sent before (MQTT-3.3.1-1).
    pub dup: bool,
    /// Identifier to send it under, for a message that is sent again; the client chooses one
    /// otherwise. One that is in use is refused.
    pub packet_id: Option<NonZeroU16>,
    /// User properties; left out in 3.1.1.
    pub user_properties: UserProperties,
}

impl Publish {
    /// A message with `QoS` 1.
    pub fn new(topic: impl Into<ByteString>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            dup: false,
            packet_id: None,
            user_properties: Vec::new(),
        }
    }

    /// The same with `QoS` 0.
    #[must_use]
    pub fn at_most_once(mut self) -> Self {
        self.qos = Qos::AtMostOnce;
        self
    }
}

/// How a publish ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PubAck {
    /// Success, or why the server did not take the message. 3.1.1 knows success only.
    pub reason: ReasonCode,
    /// The server's words.
    pub text: Option<ByteString>,
}

/// A message from a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingPublish {
    /// Topic name.
    pub topic: ByteString,
    /// Payload.
    pub payload: Bytes,
    /// `QoS` of the delivery.
    pub qos: Qos,
    /// A retained message, sent because of a new subscription.
    pub retain: bool,
    /// The server sent it before, on this or an earlier connection.
    pub dup: bool,
    /// Present with `QoS` 1.
    pub packet_id: Option<NonZeroU16>,
    /// User properties.
    pub user_properties: UserProperties,
}
