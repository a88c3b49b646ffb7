//! From the server's packets to bytes, written by hand: acknowledgements and messages are the hot
//! path, and the client's Maximum Packet Size holds for each (MQTT-3.1.2-24).

use std::num::{NonZeroU16, NonZeroU32};

use bytes::{BufMut, BytesMut};
use bytestring::ByteString;

use super::error::EncodeError;
use super::packet::{Connect, PublishProperties, UserProperties, Version};
use super::property as id;
use super::reason::ReasonCode;
use super::write;

/// Largest packet that the 28 bit length can say, with its fixed header.
const PROTOCOL_MAX: usize = 0x0FFF_FFFF + 5;

/// Writes packets for one client. Every method appends to `out`, and appends nothing when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    version: Version,
    max_packet_size: usize,
    /// Whether the client wants words in acknowledgements (MQTT-3.1.2-29).
    words: bool,
}

/// CONNACK.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnAck {
    /// The server goes on with a session. Never said with a refusal (MQTT-3.2.2-6; 3.1.1:
    /// MQTT-3.2.2-4).
    pub session_present: bool,
    /// Success or the reason of the refusal; 3.1.1 hears its nearest return code.
    pub reason: ReasonCode,
    /// For 5.0 only.
    pub properties: ConnAckProperties,
}

/// Properties of CONNACK (MQTT 5.0, section 3.2.2.3); what is `None` is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnAckProperties {
    /// Session expiry in seconds, when not the one asked for.
    pub session_expiry_secs: Option<u32>,
    /// Unacknowledged `QoS` 1 and 2 messages that the client may send at a time.
    pub receive_max: Option<NonZeroU16>,
    /// Highest `QoS` a client may publish: 0 or 1; `None` is 2.
    pub max_qos: Option<u8>,
    /// False: no retained messages.
    pub retain_available: Option<bool>,
    /// Largest packet a client may send, in bytes: [`Limits::max_packet_size`](super::Limits).
    pub max_packet_size: Option<NonZeroU32>,
    /// Identifier chosen for a client that gave none.
    pub assigned_client_id: Option<ByteString>,
    /// Highest topic alias a client may send: [`Limits::topic_alias_max`](super::Limits).
    pub topic_alias_max: Option<u16>,
    /// False: no filters with wildcards.
    pub wildcard_available: Option<bool>,
    /// False: no subscription identifiers.
    pub subscription_id_available: Option<bool>,
    /// False: no shared subscriptions.
    pub shared_available: Option<bool>,
    /// Keep alive in seconds that the client must use instead of its own.
    pub keep_alive_secs: Option<u16>,
    /// Words for a person; left out when the client has no room for them.
    pub reason_string: Option<ByteString>,
    /// User properties; left out when the client has no room for them.
    pub user_properties: UserProperties,
}

/// A PUBLISH to a client.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingPublish<'a> {
    /// Sent before.
    pub dup: bool,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Retained message.
    pub retain: bool,
    /// Topic name.
    pub topic: &'a str,
    /// Present exactly when `qos` is above 0.
    pub packet_id: Option<NonZeroU16>,
    /// Payload.
    pub payload: &'a [u8],
    /// What the publisher sent, but for its topic alias and expiry. Left out for 3.1.1.
    pub properties: Option<&'a PublishProperties>,
    /// Seconds until the message is worth nothing. Left out for 3.1.1.
    pub message_expiry_secs: Option<u32>,
    /// Alias of the topic at this client; the topic is empty when the client knows the alias.
    pub topic_alias: Option<NonZeroU16>,
    /// Identifiers of the subscriptions that matched; left out for 3.1.1.
    pub subscription_ids: &'a [NonZeroU32],
}

/// What PUBACK or PUBREC says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// The reason code.
    pub reason: ReasonCode,
    /// Words for a person, below 100 bytes; empty for none. 3.1.1 has no place for them.
    pub text: &'static str,
}

impl From<ReasonCode> for Answer {
    fn from(reason: ReasonCode) -> Self {
        Self { reason, text: "" }
    }
}

impl Encoder {
    /// For a client of `version` that takes packets of any size.
    pub const fn new(version: Version) -> Self {
        Self {
            version,
            max_packet_size: PROTOCOL_MAX,
            words: true,
        }
    }

    /// For the client that sent `connect`.
    pub fn for_client(connect: &Connect) -> Self {
        let announced = connect
            .max_packet_size
            .and_then(|size| usize::try_from(size.get()).ok());
        Self {
            version: connect.version,
            max_packet_size: announced.unwrap_or(PROTOCOL_MAX).min(PROTOCOL_MAX),
            words: connect.request_problem_info,
        }
    }

    /// The client's version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Appends CONNACK.
    ///
    /// # Errors
    /// The client's Maximum Packet Size has no room for the properties, even without words.
    pub fn encode_connack(&self, connack: &ConnAck, out: &mut BytesMut) -> Result<(), EncodeError> {
        let session_present = u8::from(connack.session_present && !connack.reason.is_failure());
        if self.version == Version::V311 {
            let code = connack.reason.connack_return_code();
            out.extend_from_slice(&[0x20, 2, session_present, code]);
            return Ok(());
        }
        let mut list = BytesMut::new();
        write::connack_properties(&connack.properties, &mut list)?;
        let without_words = list.len();
        write::words(
            connack.properties.reason_string.as_deref(),
            &connack.properties.user_properties,
            &mut list,
        )?;
        if write::packet_size(2 + write::list_size(list.len())) > self.max_packet_size {
            list.truncate(without_words);
        }
        self.start(0x20, 2 + write::list_size(list.len()), out)?;
        out.extend_from_slice(&[session_present, connack.reason.0]);
        write::varint(list.len(), out);
        out.extend_from_slice(&list);
        Ok(())
    }

    /// Appends PUBACK. 3.1.1 cannot say a reason: a message that it may not publish is
    /// acknowledged like any other, or the connection closed (MQTT 3.1.1, MQTT-3.3.5-2).
    #[inline]
    pub fn encode_puback(
        &self,
        packet_id: NonZeroU16,
        answer: impl Into<Answer>,
        out: &mut BytesMut,
    ) {
        self.put_ack(0x40, packet_id, answer.into(), out);
    }

    /// Appends PUBREC. 3.1.1 cannot say a reason.
    pub fn encode_pubrec(
        &self,
        packet_id: NonZeroU16,
        answer: impl Into<Answer>,
        out: &mut BytesMut,
    ) {
        self.put_ack(0x50, packet_id, answer.into(), out);
    }

    /// Appends PUBREL; the flags are those that it must have (MQTT-3.6.1-1).
    pub fn encode_pubrel(&self, packet_id: NonZeroU16, reason: ReasonCode, out: &mut BytesMut) {
        self.put_ack(0x62, packet_id, reason.into(), out);
    }

    /// Appends PUBCOMP.
    pub fn encode_pubcomp(&self, packet_id: NonZeroU16, reason: ReasonCode, out: &mut BytesMut) {
        self.put_ack(0x70, packet_id, reason.into(), out);
    }

    #[inline]
    fn put_ack(&self, first: u8, packet_id: NonZeroU16, answer: Answer, out: &mut BytesMut) {
        let Answer { reason, text } = answer;
        let [high, low] = packet_id.get().to_be_bytes();
        if reason == ReasonCode::SUCCESS || self.version == Version::V311 {
            out.extend_from_slice(&[first, 2, high, low]);
        } else if let Some(text_length) = self.room_for_words(text) {
            out.extend_from_slice(&[first, text_length + 7, high, low, reason.0]);
            out.extend_from_slice(&[text_length + 3, id::REASON_STRING, 0, text_length]);
            out.extend_from_slice(text.as_bytes());
        } else {
            out.extend_from_slice(&[first, 3, high, low, reason.0]);
        }
    }

    /// Length of words that the client wants and has room for (MQTT-3.4.2-2), and that make a
    /// packet whose lengths are one byte each.
    fn room_for_words(&self, text: &str) -> Option<u8> {
        let fits = (1..100).contains(&text.len()) && text.len() + 9 <= self.max_packet_size;
        u8::try_from(text.len()).ok().filter(|_| fits && self.words)
    }

    /// Appends SUBACK with a code for each filter, in their order (MQTT-3.8.4-6; 3.1.1:
    /// MQTT-3.8.4-5). 3.1.1 hears 0x80 for every failure (MQTT-3.9.3-2).
    ///
    /// # Errors
    /// More codes than the client's Maximum Packet Size has room for.
    pub fn encode_suback(
        &self,
        packet_id: NonZeroU16,
        codes: &[ReasonCode],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self.version {
            Version::V311 => {
                self.start(0x90, 2 + codes.len(), out)?;
                out.put_u16(packet_id.get());
                let codes = codes
                    .iter()
                    .map(|code| if code.is_failure() { 0x80 } else { code.0 });
                out.extend(codes);
            }
            Version::V5 => self.put_codes(0x90, packet_id, codes, out)?,
        }
        Ok(())
    }

    /// Appends UNSUBACK with a code for each filter, in their order; 3.1.1 has no codes.
    ///
    /// # Errors
    /// More codes than the client's Maximum Packet Size has room for.
    pub fn encode_unsuback(
        &self,
        packet_id: NonZeroU16,
        codes: &[ReasonCode],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self.version {
            Version::V311 => {
                self.start(0xB0, 2, out)?;
                out.put_u16(packet_id.get());
            }
            Version::V5 => self.put_codes(0xB0, packet_id, codes, out)?,
        }
        Ok(())
    }

    /// Appends PINGRESP.
    pub fn encode_pingresp(&self, out: &mut BytesMut) {
        out.extend_from_slice(&[0xD0, 0]);
    }

    /// Appends DISCONNECT; nothing for 3.1.1, whose servers send none. The reason string is left
    /// out when the client has no room for it (MQTT-3.14.2-3).
    pub fn encode_disconnect(
        &self,
        reason: ReasonCode,
        reason_string: Option<&str>,
        out: &mut BytesMut,
    ) {
        if self.version == Version::V311 {
            return;
        }
        if let Some(text) = reason_string {
            let list = 3 + text.len();
            let body = 1 + write::list_size(list);
            if u16::try_from(text.len()).is_ok() && self.start(0xE0, body, out).is_ok() {
                out.put_u8(reason.0);
                write::varint(list, out);
                out.put_u8(id::REASON_STRING);
                write::checked_field(text.as_bytes(), out);
                return;
            }
        }
        out.extend_from_slice(&[0xE0, 1, reason.0]);
    }

    /// Appends PUBLISH.
    ///
    /// # Errors
    /// The client takes no packet of this size; a field is too long; packet identifier and `QoS` do
    /// not go together.
    pub fn encode_publish(
        &self,
        publish: &OutgoingPublish<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        if publish.packet_id.is_some() == (publish.qos == 0) {
            return Err(EncodeError::PacketId);
        }
        write::check_field(publish.topic.as_bytes())?;
        let plain =
            2 + publish.topic.len() + publish.payload.len() + usize::from(publish.qos != 0) * 2;
        let first =
            0x30 | u8::from(publish.dup) << 3 | (publish.qos & 3) << 1 | u8::from(publish.retain);
        match self.version {
            Version::V311 => {
                self.start(first, plain, out)?;
                put_publish_head(publish, out);
            }
            Version::V5 => {
                let list = write::publish_properties_size(publish)?;
                self.start(first, plain + write::list_size(list), out)?;
                put_publish_head(publish, out);
                write::varint(list, out);
                write::publish_properties(publish, out);
            }
        }
        out.extend_from_slice(publish.payload);
        Ok(())
    }

    /// Writes the fixed header, or fails when the packet is too large for the client.
    fn start(&self, first: u8, body: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let size = write::packet_size(body);
        if size > self.max_packet_size {
            return Err(EncodeError::TooLarge {
                size,
                max: self.max_packet_size,
            });
        }
        out.reserve(size);
        out.put_u8(first);
        write::varint(body, out);
        Ok(())
    }

    /// Packet identifier, no properties, codes.
    fn put_codes(
        &self,
        first: u8,
        packet_id: NonZeroU16,
        codes: &[ReasonCode],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        self.start(first, 3 + codes.len(), out)?;
        out.put_u16(packet_id.get());
        out.put_u8(0);
        out.extend(codes.iter().map(|code| code.0));
        Ok(())
    }
}

fn put_publish_head(publish: &OutgoingPublish<'_>, out: &mut BytesMut) {
    write::checked_field(publish.topic.as_bytes(), out);
    if let Some(packet_id) = publish.packet_id {
        out.put_u16(packet_id.get());
    }
}

impl<'a> OutgoingPublish<'a> {
    /// A `QoS` 0 message without properties.
    pub fn new(topic: &'a str, payload: &'a [u8]) -> Self {
        Self {
            dup: false,
            qos: 0,
            retain: false,
            topic,
            packet_id: None,
            payload,
            properties: None,
            message_expiry_secs: None,
            topic_alias: None,
            subscription_ids: &[],
        }
    }
}
