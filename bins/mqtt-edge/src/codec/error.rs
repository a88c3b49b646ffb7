//! What is said, and sent, when a client breaks the protocol.

use std::borrow::Cow;

use bytes::BytesMut;

use super::encode::Encoder;
use super::frame::PacketKind;
use super::packet::Version;
use super::reason::ReasonCode;
use super::rule::{self, Rule};

/// A client broke the protocol: the connection must be closed after this.
///
/// It says which packet, what is wrong and which statement of the specification says so.
/// Nothing of the client's bytes is in it, so it may be logged as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{packet}: {} [{}]", self.text(), self.statement())]
pub struct ProtocolError {
    packet: PacketKind,
    rule: &'static Rule,
    /// The version in which the client can read an answer.
    version: Option<Version>,
    /// What it was and what it may be, in bytes, for the rules on sizes.
    sizes: Option<(u32, u32)>,
}

impl ProtocolError {
    pub(super) fn new(packet: PacketKind, rule: &'static Rule, version: Option<Version>) -> Self {
        Self {
            packet,
            rule,
            version,
            sizes: None,
        }
    }

    pub(super) fn with_sizes(self, was: u32, limit: u32) -> Self {
        Self {
            sizes: Some((was, limit)),
            ..self
        }
    }

    /// The version in which the client can read an answer, if any.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// The MQTT 5.0 reason code.
    pub fn reason(&self) -> ReasonCode {
        self.rule.reason
    }

    /// The statement (`MQTT-3.3.1-4`) or section of the specification that the packet broke,
    /// in the numbering of the client's version (of 5.0 before that is known).
    pub fn statement(&self) -> &'static str {
        match self.version {
            Some(Version::V311) => self.rule.v311,
            Some(Version::V5) | None => self.rule.v5,
        }
    }

    /// What is wrong, in words.
    pub fn text(&self) -> Cow<'static, str> {
        match self.sizes {
            Some((was, limit)) => {
                Cow::Owned(format!("{}: {was} bytes, limit {limit}", self.rule.text))
            }
            None => Cow::Borrowed(self.rule.text),
        }
    }

    /// Appends the CONNACK that refuses the connection; for use as long as no CONNACK was sent.
    ///
    /// Nothing is written where the specification allows no answer: the version is unknown, or
    /// 3.1.1 has no return code for the fault (sections 3.1.4 and 3.2.2.3: close only).
    /// No reason string: the client's maximum packet size is not known yet (MQTT-3.2.2-19).
    pub fn encode_connack(&self, out: &mut BytesMut) {
        match self.version {
            Some(Version::V311) => {
                if let ReasonCode::UNSUPPORTED_PROTOCOL_VERSION
                | ReasonCode::CLIENT_IDENTIFIER_NOT_VALID = self.reason()
                {
                    out.extend_from_slice(&[0x20, 2, 0, self.reason().connack_return_code()]);
                }
            }
            Some(Version::V5) if !self.client_takes_less_than(5) => {
                out.extend_from_slice(&[0x20, 3, 0, self.connack_reason().0, 0]);
            }
            Some(Version::V5) | None => {}
        }
    }

    /// Appends the DISCONNECT that ends an open connection, with the text as its reason string;
    /// nothing for 3.1.1, whose servers send none. Not before a CONNACK (MQTT-3.14.0-1).
    pub fn encode_disconnect(&self, encoder: &Encoder, out: &mut BytesMut) {
        encoder.encode_disconnect(self.reason(), Some(&self.text()), out);
    }

    /// CONNACK knows fewer codes than DISCONNECT (table 3-1): a fault in a packet that was sent
    /// right behind the CONNECT is a protocol error there.
    fn connack_reason(&self) -> ReasonCode {
        if self.packet == PacketKind::Connect {
            self.reason()
        } else {
            ReasonCode::PROTOCOL_ERROR
        }
    }

    fn client_takes_less_than(&self, bytes: u32) -> bool {
        *self.rule == rule::CLIENT_PACKET_SIZE && self.sizes.is_some_and(|(was, _)| was < bytes)
    }
}

/// A packet to a client cannot be written. Nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The client announced a smaller Maximum Packet Size: the packet must not be sent, and a
    /// PUBLISH counts as delivered (MQTT-3.1.2-24, MQTT-3.1.2-25). Sizes in bytes.
    #[error("the packet has {size} bytes, the client takes at most {max}")]
    TooLarge {
        /// Size of the whole packet.
        size: usize,
        /// What the client, or the protocol, takes.
        max: usize,
    },
    /// A text or a binary field is longer than its 16 bit length can say.
    #[error("a field has {size} bytes, MQTT takes at most 65535")]
    FieldTooLong {
        /// Size of the field in bytes.
        size: usize,
    },
    /// A PUBLISH with `QoS` above 0 has no packet identifier, or one with `QoS` 0 has one.
    #[error("a packet identifier goes with QoS 1 and 2, and with these only")]
    PacketId,
}
