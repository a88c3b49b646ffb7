//! The checks of SUBSCRIBE and UNSUBSCRIBE.

use super::fields::Fields;
use super::frame::Header;
use super::packet::Version;
use super::property::{self, Place};
use super::rule::{self, Rule};
use super::text::{self, ControlCharacters};

/// Checks a complete SUBSCRIBE.
pub(super) fn check_subscribe(
    packet: &[u8],
    header: &Header,
    version: Version,
    controls: ControlCharacters,
) -> Result<(), &'static Rule> {
    let mut fields = head(packet, header, version, Place::SUBSCRIBE, controls)?;
    if fields.is_empty() {
        return Err(&rule::SUBSCRIBE_EMPTY);
    }
    while !fields.is_empty() {
        let filter = fields.text(controls)?;
        let options = fields.u8()?;
        let shared = text::check_filter(filter, version)?;
        check_options(options, version, shared)?;
    }
    Ok(())
}

/// Checks a complete UNSUBSCRIBE.
pub(super) fn check_unsubscribe(
    packet: &[u8],
    header: &Header,
    version: Version,
    controls: ControlCharacters,
) -> Result<(), &'static Rule> {
    let mut fields = head(packet, header, version, Place::UNSUBSCRIBE, controls)?;
    if fields.is_empty() {
        return Err(&rule::UNSUBSCRIBE_EMPTY);
    }
    while !fields.is_empty() {
        text::check_filter(fields.text(controls)?, version)?;
    }
    Ok(())
}

/// Reads what both packets start with.
fn head<'a>(
    packet: &'a [u8],
    header: &Header,
    version: Version,
    place: Place,
    controls: ControlCharacters,
) -> Result<Fields<'a>, &'static Rule> {
    let mut fields = Fields::new(packet, header.start);
    fields.packet_id()?;
    if version == Version::V5 {
        property::check(&mut fields, place, controls)?;
    }
    Ok(fields)
}

/// The options byte: only a `QoS` in 3.1.1, where the decoder would drop the other bits unseen.
fn check_options(options: u8, version: Version, shared: bool) -> Result<(), &'static Rule> {
    let reserved = match version {
        Version::V311 => 0b1111_1100,
        Version::V5 => 0b1100_0000,
    };
    if options & reserved != 0 {
        return Err(&rule::SUBSCRIBE_RESERVED_BITS);
    }
    if options & 0b11 == 0b11 {
        return Err(&rule::SUBSCRIBE_QOS_3);
    }
    if options & 0b11_0000 == 0b11_0000 {
        return Err(&rule::RETAIN_HANDLING_3);
    }
    if shared && options & 0b100 != 0 {
        return Err(&rule::SHARED_NO_LOCAL);
    }
    Ok(())
}
