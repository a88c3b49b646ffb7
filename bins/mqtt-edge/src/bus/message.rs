//! A message on its way to local subscribers.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

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
    /// When the edge took it: milliseconds since 1970.
    pub received_at_ms: u64,
    /// When it is worth nothing any more, in the same clock (MQTT 5.0, section 3.3.2.3.3).
    pub expires_at_ms: Option<u64>,
    /// The publisher's properties, if it sent any. Its topic alias and its expiry mean nothing
    /// here: the one is the publisher's connection's, the other is `expires_at_ms`.
    pub properties: Option<Box<PublishProperties>>,
}

/// What a message costs in memory besides topic and payload, about.
const OVERHEAD: usize = 256;

/// What a user property costs in memory besides its text, about.
const PROPERTY_OVERHEAD: usize = 64;

impl Message {
    /// The topic as text. `RouterBus::publish` lets nothing else in.
    pub(crate) fn topic(&self) -> &str {
        std::str::from_utf8(&self.topic).unwrap_or_default()
    }

    /// Bytes of memory, about.
    pub(crate) fn weight(&self) -> usize {
        let properties = self.properties.as_deref().map_or(0, properties_weight);
        OVERHEAD + self.topic.len() + self.payload.len() + properties
    }

    /// Whether it is worth nothing any more.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_some_and(|at| at <= now_ms)
    }

    /// When a message expires that was received, with a Message Expiry Interval, at `received_at_ms`.
    /// An interval of 0 is legal: those who are there may still get it.
    pub(crate) fn expires_at_ms(received_at_ms: u64, interval_secs: Option<u32>) -> Option<u64> {
        interval_secs.map(|secs| received_at_ms.saturating_add(u64::from(secs.max(1)) * 1000))
    }

    /// What a subscriber is told of the expiry: what is left of it, in whole seconds
    /// (MQTT-3.3.2-6).
    pub(crate) fn expiry_left_secs(&self, now_ms: u64) -> Option<u32> {
        let left_ms = self.expires_at_ms?.saturating_sub(now_ms);
        Some(u32::try_from(left_ms.div_ceil(1000)).unwrap_or(u32::MAX))
    }
}

/// Bytes of memory, about: a client may send a megabyte of them.
fn properties_weight(properties: &PublishProperties) -> usize {
    let text = |text: &Option<ByteString>| text.as_ref().map_or(0, |text| text.as_bytes().len());
    let user = properties.user_properties.iter();
    let user = user.map(|(name, value)| PROPERTY_OVERHEAD + name.len() + value.len());
    OVERHEAD
        + text(&properties.content_type)
        + text(&properties.response_topic)
        + properties.correlation_data.as_ref().map_or(0, Bytes::len)
        + user.sum::<usize>()
}

/// How a client wants the messages of one filter (MQTT 5.0, section 3.8.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubscriptionOptions {
    /// Highest `QoS`.
    pub qos: u8,
    /// Not the client's own messages.
    pub no_local: bool,
    /// Keep the retain flag of forwarded messages.
    pub retain_as_published: bool,
    /// Identifier that goes with each of its messages.
    pub id: Option<NonZeroU32>,
}

/// A message as one client gets it. All subscriptions of the client that match are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Arc<Message>,
    /// The lower one of the publisher's `QoS` and the highest of the subscriptions' (MQTT 5.0,
    /// section 3.8.4, and MQTT-3.3.4-2).
    pub qos: u8,
    /// The retain flag.
    pub retain: bool,
    /// Identifiers of the subscriptions that matched (MQTT-3.3.4-3).
    pub subscription_ids: Box<[NonZeroU32]>,
}

impl Delivery {
    /// A message for a subscription.
    pub fn new(message: &Arc<Message>, options: &SubscriptionOptions) -> Self {
        Self {
            message: Arc::clone(message),
            qos: options.qos.min(message.qos),
            retain: message.retain && options.retain_as_published,
            subscription_ids: options.id.into_iter().collect(),
        }
    }

    /// The same client has another subscription that matches.
    pub fn merge(&mut self, options: &SubscriptionOptions) {
        self.qos = self.qos.max(options.qos.min(self.message.qos));
        self.retain |= self.message.retain && options.retain_as_published;
        if let Some(id) = options.id.filter(|id| !self.subscription_ids.contains(id)) {
            let ids = std::mem::take(&mut self.subscription_ids);
            self.subscription_ids = ids.into_iter().chain([id]).collect();
        }
    }
}

/// A delivery that waits on a link.
#[derive(Debug)]
pub struct Forwarded {
    /// What the client gets.
    pub delivery: Delivery,
    /// To be given back to [`BusLink::done`](super::BusLink::done).
    pub token: ForwardToken,
}

/// Stands for a message that a session is not done with.
#[derive(Debug)]
pub struct ForwardToken {
    pub(super) weight: usize,
}
