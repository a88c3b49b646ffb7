//! The fixed header: what may be refused before the body has arrived.

use std::fmt;

use super::packet::Version;
use super::rule::{self, Rule};

/// Packet types (MQTT 5.0, section 2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PacketKind {
    Reserved,
    Connect,
    ConnAck,
    Publish,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect,
    Auth,
}

impl PacketKind {
    pub(super) const fn of(first_byte: u8) -> Self {
        match first_byte >> 4 {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => Self::Reserved,
        }
    }
}

impl fmt::Display for PacketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reserved => "packet type 0",
            Self::Connect => "CONNECT",
            Self::ConnAck => "CONNACK",
            Self::Publish => "PUBLISH",
            Self::PubAck => "PUBACK",
            Self::PubRec => "PUBREC",
            Self::PubRel => "PUBREL",
            Self::PubComp => "PUBCOMP",
            Self::Subscribe => "SUBSCRIBE",
            Self::SubAck => "SUBACK",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::UnsubAck => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
            Self::Auth => "AUTH",
        })
    }
}

/// A complete fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: PacketKind,
    pub(super) flags: u8,
    /// Where the body starts: 2 to 5.
    pub(super) start: usize,
    /// Size of the whole packet in bytes.
    pub(super) total: usize,
    /// The length is written in as few bytes as it can be.
    minimal: bool,
}

impl Header {
    pub(super) const fn body_len(&self) -> usize {
        self.total - self.start
    }

    /// `QoS` of a PUBLISH.
    pub(super) const fn qos(&self) -> u8 {
        (self.flags >> 1) & 3
    }

    pub(super) const fn dup(&self) -> bool {
        self.flags & 8 != 0
    }

    pub(super) const fn retain(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// Reads the fixed header; `None` when it is not complete yet.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, &'static Rule> {
    let Some((&first, lengths)) = bytes.split_first() else {
        return Ok(None);
    };
    let mut length = 0_usize;
    for (index, &byte) in lengths.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let start = index + 2;
            return Ok(Some(Header {
                kind: PacketKind::of(first),
                flags: first & 0x0F,
                start,
                total: start + length,
                minimal: byte != 0 || index == 0,
            }));
        }
    }
    if lengths.len() >= 4 {
        Err(&rule::LENGTH_TOO_LONG)
    } else {
        Ok(None)
    }
}

/// Checks type, direction, order and flags: all that the first byte says.
///
/// `version` is that of the open connection, `None` before CONNECT.
pub(super) fn check_first_byte(first: u8, version: Option<Version>) -> Result<(), &'static Rule> {
    let kind = PacketKind::of(first);
    match (kind, version) {
        (PacketKind::Publish, Some(_)) => return check_publish_flags(first),
        (PacketKind::Reserved, _) | (PacketKind::Auth, Some(Version::V311)) => {
            return Err(&rule::TYPE_RESERVED);
        }
        (PacketKind::Connect, Some(_)) => return Err(&rule::SECOND_CONNECT),
        (PacketKind::Connect, None) => {}
        (_, None) => return Err(&rule::FIRST_NOT_CONNECT),
        (
            PacketKind::ConnAck | PacketKind::SubAck | PacketKind::UnsubAck | PacketKind::PingResp,
            _,
        ) => return Err(&rule::SERVER_ONLY),
        _ => {}
    }
    let expected = match kind {
        PacketKind::PubRel | PacketKind::Subscribe | PacketKind::Unsubscribe => 2,
        _ => 0,
    };
    if first & 0x0F == expected {
        Ok(())
    } else {
        Err(&rule::FLAGS)
    }
}

fn check_publish_flags(first: u8) -> Result<(), &'static Rule> {
    match first & 0b1110 {
        0b0110 | 0b1110 => Err(&rule::PUBLISH_QOS_3),
        0b1000 => Err(&rule::DUP_WITH_QOS_0),
        _ => Ok(()),
    }
}

/// Checks the length where the type alone says what it may be, so that a body that is not
/// allowed is not waited for.
pub(super) fn check_length(header: &Header, version: Version) -> Result<(), &'static Rule> {
    if version == Version::V5 && !header.minimal {
        return Err(&rule::LENGTH_NOT_MINIMAL);
    }
    let length = header.body_len();
    match header.kind {
        PacketKind::PingReq if length != 0 => Err(&rule::BODY_NOT_ALLOWED),
        PacketKind::Disconnect if version == Version::V311 && length != 0 => {
            Err(&rule::BODY_NOT_ALLOWED)
        }
        PacketKind::PubAck | PacketKind::PubRec | PacketKind::PubRel | PacketKind::PubComp => {
            match (length, version) {
                (0 | 1, _) => Err(&rule::TRUNCATED),
                (3.., Version::V311) => Err(&rule::TRAILING),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
