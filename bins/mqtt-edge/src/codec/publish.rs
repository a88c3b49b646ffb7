//! PUBLISH: decoded by hand when it has no properties, which is the hot path; checked for the
//! decoder otherwise.

use std::num::NonZeroU16;

use bytes::{Buf, BytesMut};
use bytestring::ByteString;

use super::fields::Fields;
use super::frame::Header;
use super::limits::Limits;
use super::packet::{Publish, Version};
use super::property::{self, Place};
use super::rule::{self, Rule};
use super::text;

/// Lengths of the parts of a PUBLISH without properties.
struct Layout {
    topic: usize,
    packet_id: Option<NonZeroU16>,
    /// Bytes between topic and payload.
    between: usize,
}

/// Takes a complete PUBLISH out of `buf` when it has no properties; `None` leaves `buf` as it is.
///
/// The frame is split off once; topic and payload are views of it, so nothing is copied.
pub(super) fn decode_plain(
    buf: &mut BytesMut,
    header: &Header,
    version: Version,
    limits: &Limits,
) -> Result<Option<Publish>, &'static Rule> {
    let Some(layout) = plain_layout(buf, header, version)? else {
        return Ok(None);
    };
    let mut frame = buf.split_to(header.total).freeze();
    frame.advance(header.start + 2);
    let topic = ByteString::try_from(frame.split_to(layout.topic)).map_err(|_| &rule::NOT_UTF8)?;
    text::check_topic(topic.as_bytes(), limits.control_characters)?;
    frame.advance(layout.between);
    Ok(Some(Publish {
        dup: header.dup(),
        qos: header.qos(),
        retain: header.retain(),
        topic,
        packet_id: layout.packet_id,
        payload: frame,
        properties: None,
    }))
}

fn plain_layout(
    packet: &[u8],
    header: &Header,
    version: Version,
) -> Result<Option<Layout>, &'static Rule> {
    let packet = packet.get(..header.total).ok_or(&rule::TRUNCATED)?;
    let mut fields = Fields::new(packet, header.start);
    let topic = fields.binary()?.len();
    let start = fields.at();
    let packet_id = if header.qos() == 0 {
        None
    } else {
        NonZeroU16::new(fields.packet_id()?)
    };
    if version == Version::V5 && fields.u8()? != 0 {
        return Ok(None);
    }
    if topic == 0 {
        return Err(&rule::TOPIC_EMPTY);
    }
    Ok(Some(Layout {
        topic,
        packet_id,
        between: fields.at() - start,
    }))
}

/// Checks a complete PUBLISH of 5.0 with properties. Returns the position of a message expiry
/// that is 0.
pub(super) fn check(
    packet: &[u8],
    header: &Header,
    limits: &Limits,
) -> Result<Option<usize>, &'static Rule> {
    let mut fields = Fields::new(packet, header.start);
    let topic = fields.binary()?;
    text::check_topic(topic, limits.control_characters)?;
    if header.qos() != 0 {
        fields.packet_id()?;
    }
    let properties = property::check(&mut fields, Place::PUBLISH, limits.control_characters)?;
    if properties.has(property::SUBSCRIPTION_ID) {
        return Err(&rule::SUBSCRIPTION_ID_FROM_CLIENT);
    }
    if properties.topic_alias > limits.topic_alias_max {
        return Err(&rule::ALIAS_TOO_HIGH);
    }
    if topic.is_empty() && !properties.has(property::TOPIC_ALIAS) {
        return Err(&rule::TOPIC_EMPTY);
    }
    Ok(properties.zero_expiry_at)
}
