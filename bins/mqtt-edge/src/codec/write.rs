//! How the fields of a packet are written.

use std::num::NonZeroU32;

use bytes::{BufMut, BytesMut};
use bytestring::ByteString;

use super::encode::{ConnAckProperties, OutgoingPublish};
use super::error::EncodeError;
use super::packet::PublishProperties;
use super::property as id;

/// Appends a variable byte integer (MQTT 5.0, section 1.5.5; 3.1.1, section 2.2.3).
pub(super) fn varint(mut value: usize, out: &mut BytesMut) {
    loop {
        // The low seven bits always fit.
        let low = u8::try_from(value & 0x7F).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}

const fn varint_size(value: usize) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

/// Size of a property list together with its length.
pub(super) const fn list_size(list: usize) -> usize {
    varint_size(list) + list
}

/// Size of a packet whose body has `body` bytes.
pub(super) const fn packet_size(body: usize) -> usize {
    1 + varint_size(body) + body
}

/// Fails when a text or binary field is too long for its 16 bit length.
pub(super) fn check_field(bytes: &[u8]) -> Result<(), EncodeError> {
    match u16::try_from(bytes.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(EncodeError::FieldTooLong { size: bytes.len() }),
    }
}

/// Appends a text or binary field that [`check_field`] has seen.
pub(super) fn checked_field(bytes: &[u8], out: &mut BytesMut) {
    debug_assert!(check_field(bytes).is_ok(), "the field was not checked");
    // Saturating keeps length and bytes in step whatever happens.
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.put_u16(len);
    out.extend_from_slice(bytes.get(..usize::from(len)).unwrap_or(bytes));
}

fn field(bytes: &[u8], out: &mut BytesMut) -> Result<(), EncodeError> {
    check_field(bytes)?;
    checked_field(bytes, out);
    Ok(())
}

/// Appends the properties of CONNACK but for those that are only words.
pub(super) fn connack_properties(
    properties: &ConnAckProperties,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let u32s = [
        (id::SESSION_EXPIRY, properties.session_expiry_secs),
        (
            id::MAX_PACKET_SIZE,
            properties.max_packet_size.map(NonZeroU32::get),
        ),
    ];
    let u16s = [
        (
            id::RECEIVE_MAX,
            properties.receive_max.map(std::num::NonZeroU16::get),
        ),
        (id::TOPIC_ALIAS_MAX, properties.topic_alias_max),
        (id::SERVER_KEEP_ALIVE, properties.keep_alive_secs),
    ];
    let u8s = [
        (id::MAX_QOS, properties.max_qos),
        (
            id::RETAIN_AVAILABLE,
            properties.retain_available.map(u8::from),
        ),
        (
            id::WILDCARD_AVAILABLE,
            properties.wildcard_available.map(u8::from),
        ),
        (
            id::SUBSCRIPTION_ID_AVAILABLE,
            properties.subscription_id_available.map(u8::from),
        ),
        (
            id::SHARED_AVAILABLE,
            properties.shared_available.map(u8::from),
        ),
    ];
    for (id, value) in u32s.into_iter().filter_map(present) {
        out.put_u8(id);
        out.put_u32(value);
    }
    for (id, value) in u16s.into_iter().filter_map(present) {
        out.put_u8(id);
        out.put_u16(value);
    }
    for (id, value) in u8s.into_iter().filter_map(present) {
        out.extend_from_slice(&[id, value]);
    }
    if let Some(client_id) = &properties.assigned_client_id {
        out.put_u8(id::ASSIGNED_CLIENT_ID);
        field(client_id.as_bytes(), out)?;
    }
    Ok(())
}

fn present<T>((id, value): (u8, Option<T>)) -> Option<(u8, T)> {
    value.map(|value| (id, value))
}

/// Appends what may be left out for want of room: reason string and user properties.
pub(super) fn words(
    reason_string: Option<&str>,
    user_properties: &[(ByteString, ByteString)],
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    if let Some(text) = reason_string {
        out.put_u8(id::REASON_STRING);
        field(text.as_bytes(), out)?;
    }
    for (name, value) in user_properties {
        out.put_u8(id::USER_PROPERTY);
        field(name.as_bytes(), out)?;
        field(value.as_bytes(), out)?;
    }
    Ok(())
}

/// Size of the properties of a PUBLISH without their length; fails when a field is too long.
pub(super) fn publish_properties_size(publish: &OutgoingPublish<'_>) -> Result<usize, EncodeError> {
    let mut size = 0;
    for subscription in publish.subscription_ids {
        size += 1 + varint_size(subscription_id(*subscription));
    }
    size += publish.message_expiry_secs.map_or(0, |_| 5);
    size += publish.topic_alias.map_or(0, |_| 3);
    let Some(properties) = publish.properties else {
        return Ok(size);
    };
    size += usize::from(properties.payload_is_utf8) * 2;
    for (_, bytes) in message_fields(properties) {
        check_field(bytes)?;
        size += 3 + bytes.len();
    }
    for (name, value) in &properties.user_properties {
        check_field(name.as_bytes())?;
        check_field(value.as_bytes())?;
        size += 5 + name.len() + value.len();
    }
    Ok(size)
}

/// Appends the properties that [`publish_properties_size`] has measured.
pub(super) fn publish_properties(publish: &OutgoingPublish<'_>, out: &mut BytesMut) {
    for subscription in publish.subscription_ids {
        out.put_u8(id::SUBSCRIPTION_ID);
        varint(subscription_id(*subscription), out);
    }
    if let Some(secs) = publish.message_expiry_secs {
        out.put_u8(id::MESSAGE_EXPIRY);
        out.put_u32(secs);
    }
    if let Some(alias) = publish.topic_alias {
        out.put_u8(id::TOPIC_ALIAS);
        out.put_u16(alias.get());
    }
    let Some(properties) = publish.properties else {
        return;
    };
    if properties.payload_is_utf8 {
        out.extend_from_slice(&[id::PAYLOAD_FORMAT, 1]);
    }
    for (id, bytes) in message_fields(properties) {
        out.put_u8(id);
        checked_field(bytes, out);
    }
    for (name, value) in &properties.user_properties {
        out.put_u8(id::USER_PROPERTY);
        checked_field(name.as_bytes(), out);
        checked_field(value.as_bytes(), out);
    }
}

/// The properties of a message that are one text or binary field each.
fn message_fields(properties: &PublishProperties) -> impl Iterator<Item = (u8, &[u8])> {
    [
        (
            id::CONTENT_TYPE,
            properties
                .content_type
                .as_ref()
                .map(|text| text.as_bytes().as_ref()),
        ),
        (
            id::RESPONSE_TOPIC,
            properties
                .response_topic
                .as_ref()
                .map(|text| text.as_bytes().as_ref()),
        ),
        (id::CORRELATION_DATA, properties.correlation_data.as_deref()),
    ]
    .into_iter()
    .filter_map(present)
}

/// A subscription identifier comes from a SUBSCRIBE, so it has at most 28 bits.
fn subscription_id(id: NonZeroU32) -> usize {
    usize::try_from(id.get()).unwrap_or(usize::MAX)
}
