//! One MQTT message that is kept for a session or a topic.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prost::Message;
use record::UserProperty;

/// One MQTT message as it is kept, `StoredMessage` of `schemas/latchwork.proto`.
///
/// Text fields are held as bytes, so that decoding copies nothing; a decoded message has been
/// checked to hold UTF-8 in each of them. Empty means absent where a field is not an `Option`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StoredMessage {
    /// MQTT topic.
    #[prost(bytes = "bytes", tag = "1")]
    pub topic: Bytes,
    /// The payload, byte for byte as it came in.
    #[prost(bytes = "bytes", tag = "2")]
    pub payload: Bytes,
    /// Quality of service, 0 to 2.
    #[prost(uint32, tag = "3")]
    pub qos: u32,
    /// RETAIN flag, as the subscriber is to see it.
    #[prost(bool, tag = "4")]
    pub retain: bool,
    /// Publisher's client id.
    #[prost(bytes = "bytes", tag = "5")]
    pub from_client_id: Bytes,
    /// Publisher's user name.
    #[prost(bytes = "bytes", tag = "6")]
    pub from_username: Bytes,
    /// [`TraceContext`](record::TraceContext) in binary; empty when there is none.
    #[prost(bytes = "bytes", tag = "7")]
    pub trace: Bytes,
    /// When the edge took it: milliseconds since 1970.
    #[prost(uint64, tag = "8")]
    pub received_at_ms: u64,
    /// When nobody wants it any more: milliseconds since 1970; 0 is never.
    #[prost(uint64, tag = "9")]
    pub expires_at_ms: u64,
    /// Payload format indicator: the publisher says that the payload is UTF-8.
    #[prost(bool, tag = "10")]
    pub payload_is_utf8: bool,
    /// Content type; may be empty and present.
    #[prost(bytes = "bytes", optional, tag = "11")]
    pub content_type: Option<Bytes>,
    /// Response topic.
    #[prost(bytes = "bytes", optional, tag = "12")]
    pub response_topic: Option<Bytes>,
    /// Correlation data; may be empty and present.
    #[prost(bytes = "bytes", optional, tag = "13")]
    pub correlation_data: Option<Bytes>,
    /// User properties, in order.
    #[prost(message, repeated, tag = "14")]
    pub user_properties: Vec<UserProperty>,
    /// Subscription identifiers of the subscriptions that it is kept for.
    #[prost(uint32, repeated, tag = "15")]
    pub subscription_ids: Vec<u32>,
}

/// Why bytes are no stored message or entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// The bytes are no protobuf of this shape.
    #[error("not a stored message: {0}; was it written by another program?")]
    Decode(#[from] prost::DecodeError),
    /// A field that is text holds other bytes.
    #[error("message {index} of the entry: its {field} is not UTF-8")]
    NotText {
        /// Index in the entry.
        index: usize,
        /// The field's name.
        field: &'static str,
    },
}

impl StoredMessage {
    /// Reads one message, and checks its text.
    pub fn read(bytes: Bytes) -> Result<Self, EntryError> {
        let message = Self::decode(bytes)?;
        message.checked(0)
    }

    /// The topic as text.
    pub fn topic(&self) -> &str {
        std::str::from_utf8(&self.topic).unwrap_or_default()
    }

    /// Whether its time is over; `now_ms` counts from 1970.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms != 0 && self.expires_at_ms <= now_ms
    }

    /// Bytes that it holds in memory, about.
    pub(crate) fn weight(&self) -> usize {
        let names = self.user_properties.iter();
        let properties = names
            .map(|property| size_of::<UserProperty>() + property.name.len() + property.value.len());
        let present = [
            &self.topic,
            &self.payload,
            &self.from_client_id,
            &self.from_username,
            &self.trace,
        ];
        let optional = [
            &self.content_type,
            &self.response_topic,
            &self.correlation_data,
        ];
        let bytes = present.into_iter().chain(optional.into_iter().flatten());
        size_of::<Self>() + bytes.map(Bytes::len).sum::<usize>() + properties.sum::<usize>()
    }

    fn checked(self, index: usize) -> Result<Self, EntryError> {
        match self.field_that_is_not_text() {
            None => Ok(self),
            Some(field) => Err(EntryError::NotText { index, field }),
        }
    }

    /// Name of the first text field that is not UTF-8, if any.
    fn field_that_is_not_text(&self) -> Option<&'static str> {
        let fields = [
            ("topic", Some(&self.topic)),
            ("from_client_id", Some(&self.from_client_id)),
            ("from_username", Some(&self.from_username)),
            ("content_type", self.content_type.as_ref()),
            ("response_topic", self.response_topic.as_ref()),
        ];
        let broken = |bytes: &Bytes| std::str::from_utf8(bytes).is_err();
        fields
            .into_iter()
            .find_map(|(name, bytes)| bytes.is_some_and(broken).then_some(name))
            .or_else(|| {
                self.user_properties
                    .iter()
                    .any(|property| broken(&property.name) || broken(&property.value))
                    .then_some("user_properties")
            })
    }
}

/// Payload of one message in DOWN.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredEntry {
    #[prost(message, repeated, tag = "1")]
    items: Vec<StoredMessage>,
}

/// The messages as one entry of a queue.
pub fn encode_entry(messages: &[StoredMessage]) -> Bytes {
    const ITEMS: u32 = 1;
    let mut bytes = Vec::with_capacity(prost::encoding::message::encoded_len_repeated(
        ITEMS, messages,
    ));
    prost::encoding::message::encode_repeated(ITEMS, messages, &mut bytes);
    bytes.into()
}

/// The messages of an entry, with their text checked.
pub fn decode_entry(bytes: Bytes) -> Result<Vec<StoredMessage>, EntryError> {
    let entry = StoredEntry::decode(bytes)?;
    let checked = entry.items.into_iter().enumerate();
    checked
        .map(|(index, message)| message.checked(index))
        .collect()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
