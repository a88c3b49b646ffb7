//! One MQTT message or client event as the edge took it.

use bytes::Bytes;

use crate::trace::TraceContext;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Kind {
    /// Never written: protobuf's zero, so that a missing field is seen.
    Unspecified = 0,
    /// A client published a message.
    Publish = 1,
    /// A message was written to a subscriber.
    Delivered = 2,
    /// A subscriber acknowledged a message.
    Acked = 3,
    /// A message for a subscriber was given up.
    Dropped = 4,
    /// A client connected.
    Connected = 5,
    /// A client's connection ended.
    Disconnected = 6,
    /// A client subscribed to a filter.
    Subscribed = 7,
    /// A client gave a subscription up.
    Unsubscribed = 8,
    /// A CONNECT was refused for who it is; `reason` says why.
    LoginFailed = 9,
    /// A publish that broke its contract; `reason` says how. Only the audit sees it.
    Rejected = 10,
    /// An operator did something with a lock or the pipeline; the payload is its JSON.
    Operator = 11,
    /// A CONNECT was answered; `event_fields` says how. Only for rules.
    Connack = 12,
    /// A client has shown who it is. Only for rules.
    LoggedIn = 13,
    /// The access rules were asked about a topic; `event_fields` says what they answered. Only for
    /// rules.
    AccessChecked = 14,
    /// A message had no subscriber at the edge; `reason` says so. Only for rules.
    Unrouted = 15,
}

/// What the edge found when it checked a signed command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Verdict {
    /// The message is no command, or commands are not checked.
    Unchecked = 0,
    /// Signature, age and nonce are right.
    Ok = 1,
    /// The signature does not match.
    BadSignature = 2,
    /// Older than the age window.
    Stale = 3,
    /// Further ahead than clocks may differ.
    Future = 4,
    /// The nonce was used before.
    Replayed = 5,
    /// Not a command at all.
    Malformed = 6,
}

impl Verdict {
    /// The word for it in metrics, alerts and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Ok => "ok",
            Self::BadSignature => "bad-signature",
            Self::Stale => "stale",
            Self::Future => "future",
            Self::Replayed => "replayed",
            Self::Malformed => "malformed",
        }
    }
}

/// An MQTT 5 user property, or a Kafka header made from one.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct UserProperty {
    /// Name, UTF-8.
    #[prost(bytes = "bytes", tag = "1")]
    pub name: Bytes,
    /// Value, UTF-8.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// One MQTT message or client event, `Record` of `schemas/latchwork.proto`.
///
/// Text fields are held as bytes, so that decoding a frame copies nothing; a decoded frame has
/// been checked to hold UTF-8 in each of them. Empty means absent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Record {
    /// What happened.
    #[prost(enumeration = "Kind", tag = "1")]
    pub kind: i32,
    /// MQTT client id: the publisher's for a publish, the receiver's for delivered and acked.
    #[prost(bytes = "bytes", tag = "2")]
    pub client_id: Bytes,
    /// MQTT user name of that client.
    #[prost(bytes = "bytes", tag = "3")]
    pub username: Bytes,
    /// Publisher's client id, for delivered, acked and dropped.
    #[prost(bytes = "bytes", tag = "4")]
    pub from_client_id: Bytes,
    /// Publisher's user name, for delivered, acked and dropped.
    #[prost(bytes = "bytes", tag = "5")]
    pub from_username: Bytes,
    /// MQTT topic; the filter for subscribed and unsubscribed.
    #[prost(bytes = "bytes", tag = "6")]
    pub topic: Bytes,
    /// The payload, byte for byte as it came in.
    #[prost(bytes = "bytes", tag = "7")]
    pub payload: Bytes,
    /// Quality of service, 0 to 2.
    #[prost(uint32, tag = "8")]
    pub qos: u32,
    /// RETAIN flag.
    #[prost(bool, tag = "9")]
    pub retain: bool,
    /// DUP flag.
    #[prost(bool, tag = "10")]
    pub dup: bool,
    /// When the edge took it: milliseconds since 1970.
    #[prost(uint64, tag = "11")]
    pub received_at_ms: u64,
    /// Name of the edge, as the envelope shows it.
    #[prost(bytes = "bytes", tag = "12")]
    pub node: Bytes,
    /// Client's address, `host:port`.
    #[prost(bytes = "bytes", tag = "13")]
    pub peer: Bytes,
    /// `MQTT` (3.1.1 and 5) or `MQIsdp` (3.1).
    #[prost(bytes = "bytes", tag = "14")]
    pub protocol_name: Bytes,
    /// Protocol level: 4 is 3.1.1, 5 is 5.0.
    #[prost(uint32, tag = "15")]
    pub protocol_version: u32,
    /// Keep-alive in seconds.
    #[prost(uint32, tag = "16")]
    pub keepalive_s: u32,
    /// Why, for disconnected and dropped.
    #[prost(bytes = "bytes", tag = "17")]
    pub reason: Bytes,
    /// Grows with each connection of the same client id.
    #[prost(uint64, tag = "18")]
    pub session_epoch: u64,
    /// MQTT 5 user properties, in order.
    #[prost(message, repeated, tag = "19")]
    pub user_properties: Vec<UserProperty>,
    /// [`TraceContext`] in binary; empty when there is none.
    #[prost(bytes = "bytes", tag = "20")]
    pub trace: Bytes,
    /// What the command check found.
    #[prost(enumeration = "Verdict", tag = "21")]
    pub verdict: i32,
    /// The publisher's own trace context, binary: untrusted, so linked and never a parent.
    #[prost(bytes = "bytes", tag = "22")]
    pub publisher_trace: Bytes,
    /// Name of the rule that published the message, which `client_id` has too. A client's own
    /// message has none.
    #[prost(bytes = "bytes", tag = "23")]
    pub republished_by: Bytes,
    /// How many rules have published the message on, one after the other: what a circle of rules
    /// is known by. 0 for a client's own.
    #[prost(uint32, tag = "24")]
    pub republish_hops: u32,
    /// MQTT 5 Message Expiry Interval in seconds of what a rule publishes; 0 is none.
    #[prost(uint32, tag = "25")]
    pub message_expiry_s: u32,
    /// Further fields of a client's event: a JSON object with the names that EMQX's rules have for
    /// them. Empty where no rule is about such events.
    #[prost(bytes = "bytes", tag = "26")]
    pub event_fields: Bytes,
}

/// `reason` of a publish that was stored and not let through: a command that failed its check where
/// checks are enforced.
pub const REFUSED: &str = "refused";

impl Record {
    /// Whether the publish was stored and not let through.
    pub fn is_refused(&self) -> bool {
        self.kind() == Kind::Publish && self.reason.as_ref() == REFUSED.as_bytes()
    }

    /// Client id as text.
    pub fn client_id(&self) -> &str {
        text(&self.client_id)
    }

    /// Topic (or filter) as text.
    pub fn topic(&self) -> &str {
        text(&self.topic)
    }

    /// The record's own span, when it has one.
    pub fn trace_context(&self) -> Option<TraceContext> {
        TraceContext::from_binary(&self.trace)
    }

    /// Name of the first text field that is not UTF-8, if any.
    pub(crate) fn field_that_is_not_text(&self) -> Option<&'static str> {
        let fields: [(&'static str, &Bytes); 11] = [
            ("client_id", &self.client_id),
            ("username", &self.username),
            ("from_client_id", &self.from_client_id),
            ("from_username", &self.from_username),
            ("topic", &self.topic),
            ("node", &self.node),
            ("peer", &self.peer),
            ("protocol_name", &self.protocol_name),
            ("reason", &self.reason),
            ("republished_by", &self.republished_by),
            ("event_fields", &self.event_fields),
        ];
        let broken = |bytes: &Bytes| std::str::from_utf8(bytes).is_err();
        fields
            .into_iter()
            .find_map(|(name, bytes)| broken(bytes).then_some(name))
            .or_else(|| {
                self.user_properties
                    .iter()
                    .any(|property| broken(&property.name) || broken(&property.value))
                    .then_some("user_properties")
            })
    }
}

/// Text of a field that decoding has checked; a field that somebody filled with other bytes by
/// hand reads as empty rather than panicking.
pub(crate) fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
