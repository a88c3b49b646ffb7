//! The small packets: acknowledgements, DISCONNECT and AUTH.

use std::num::NonZeroU16;

use bytes::Bytes;
use bytestring::ByteString;

use super::fields::Fields;
use super::frame::{Header, PacketKind};
use super::packet::{AckProperties, Packet};
use super::property::{self, Place};
use super::reason::ReasonCode;
use super::rule::{self, Rule};
use super::text::ControlCharacters;

/// Reads an acknowledgement. The reason string and user properties of a PUBREL or PUBCOMP are checked
/// and dropped: nobody asks for them. 3.1.1 has neither reason nor properties; its length was checked before.
pub(super) fn decode_ack(
    packet: &[u8],
    header: &Header,
    controls: ControlCharacters,
) -> Result<Packet, &'static Rule> {
    let mut fields = Fields::new(packet, header.start);
    let packet_id = NonZeroU16::new(fields.u16()?).ok_or(&rule::PACKET_ID_ZERO)?;
    let reason = if fields.is_empty() {
        ReasonCode::SUCCESS
    } else {
        ReasonCode(fields.u8()?)
    };
    let list = fields;
    if !fields.is_empty() {
        property::check(&mut fields, Place::ACK, controls)?;
    }
    fields.end()?;
    let properties = || ack_properties(list, controls);
    let (known, ack): (&[u8], _) = match header.kind {
        PacketKind::PubAck => {
            let properties = properties()?;
            let ack = Packet::PubAck {
                packet_id,
                reason,
                properties,
            };
            (&PUBACK_REASONS, ack)
        }
        PacketKind::PubRec => {
            let properties = properties()?;
            let ack = Packet::PubRec {
                packet_id,
                reason,
                properties,
            };
            (&PUBACK_REASONS, ack)
        }
        PacketKind::PubRel => (&PUBREL_REASONS, Packet::PubRel { packet_id, reason }),
        _ => (&PUBREL_REASONS, Packet::PubComp { packet_id, reason }),
    };
    check_reason(reason.0, known)?;
    Ok(ack)
}

/// The properties of a checked list. Few clients send any: the others pay nothing for it.
fn ack_properties(
    mut fields: Fields<'_>,
    controls: ControlCharacters,
) -> Result<Option<Box<AckProperties>>, &'static Rule> {
    // What the length is has been checked: the list is all that is left.
    if fields.is_empty() || fields.varint()? == 0 {
        return Ok(None);
    }
    let mut properties = AckProperties::default();
    while !fields.is_empty() {
        let id = fields.u8()?;
        let first = owned(fields.text(controls)?);
        if id == property::USER_PROPERTY {
            let value = owned(fields.text(controls)?);
            properties.user_properties.push((first, value));
        } else {
            properties.reason_string = Some(first);
        }
    }
    Ok(Some(Box::new(properties)))
}

/// A text that was checked.
fn owned(text: &[u8]) -> ByteString {
    ByteString::try_from(Bytes::copy_from_slice(text)).unwrap_or_default()
}

/// PUBACK and PUBREC (tables 3-4 and 3-5).
const PUBACK_REASONS: [u8; 9] = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
/// PUBREL and PUBCOMP (tables 3-6 and 3-7).
const PUBREL_REASONS: [u8; 2] = [0x00, 0x92];
/// DISCONNECT by a client (section 3.14.2.1).
const DISCONNECT_REASONS: [u8; 14] = [
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];
/// AUTH by a client (table 3-11).
const AUTH_REASONS: [u8; 2] = [0x18, 0x19];

fn check_reason(reason: u8, known: &[u8]) -> Result<(), &'static Rule> {
    if known.contains(&reason) {
        Ok(())
    } else {
        Err(&rule::REASON_CODE)
    }
}

/// Checks a DISCONNECT of 5.0. Without a session expiry in CONNECT it may not set one.
pub(super) fn check_disconnect(
    packet: &[u8],
    header: &Header,
    has_session_expiry: bool,
    controls: ControlCharacters,
) -> Result<(), &'static Rule> {
    let mut fields = Fields::new(packet, header.start);
    if fields.is_empty() {
        return Ok(());
    }
    let reason = fields.u8()?;
    if !fields.is_empty() {
        let properties = property::check(&mut fields, Place::DISCONNECT, controls)?;
        if properties.session_expiry != 0 && !has_session_expiry {
            return Err(&rule::SESSION_EXPIRY_RAISED);
        }
    }
    fields.end()?;
    check_reason(reason, &DISCONNECT_REASONS)
}

/// Checks an AUTH.
pub(super) fn check_auth(
    packet: &[u8],
    header: &Header,
    has_auth_method: bool,
    controls: ControlCharacters,
) -> Result<(), &'static Rule> {
    if !has_auth_method {
        return Err(&rule::AUTH_UNEXPECTED);
    }
    let mut fields = Fields::new(packet, header.start);
    // Without a body it means success (section 3.15.2.1), which only a server says.
    let reason = if fields.is_empty() { 0 } else { fields.u8()? };
    check_reason(reason, &AUTH_REASONS)?;
    let named = !fields.is_empty()
        && property::check(&mut fields, Place::AUTH, controls)?.has(property::AUTH_METHOD);
    if !named {
        return Err(&rule::AUTH_METHOD_MISSING);
    }
    fields.end()
}
