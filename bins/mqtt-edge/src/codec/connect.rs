//! The checks of CONNECT.

use super::fields::Fields;
use super::frame::{Header, PacketKind};
use super::packet::Version;
use super::property::{self, Place, Properties};
use super::rule::{self, Rule};
use super::text::{self, ControlCharacters};
use super::{MIN_CLIENT_PACKET_SIZE, ProtocolError};

/// Connect flags (section 3.1.2.3).
#[derive(Clone, Copy)]
struct Flags(u8);

impl Flags {
    const RESERVED: u8 = 1;
    const CLEAN: u8 = 1 << 1;
    const WILL: u8 = 1 << 2;
    const WILL_RETAIN: u8 = 1 << 5;
    const PASSWORD: u8 = 1 << 6;
    const USER_NAME: u8 = 1 << 7;

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    const fn will_qos(self) -> u8 {
        (self.0 >> 3) & 3
    }
}

/// What a good CONNECT says about the packets that follow it, and about decoding itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checked {
    pub(super) version: Version,
    /// CONNECT named an authentication method.
    pub(super) has_auth_method: bool,
    /// CONNECT set a session expiry above 0.
    pub(super) has_session_expiry: bool,
    /// Position of the will's message expiry when that is 0.
    pub(super) zero_expiry_at: Option<usize>,
    /// Position of the connect flags when an empty client identifier comes without clean start.
    pub(super) unclean_empty_id_at: Option<usize>,
}

/// Checks a complete CONNECT.
pub(super) fn check(
    packet: &[u8],
    header: &Header,
    controls: ControlCharacters,
) -> Result<Checked, ProtocolError> {
    let mut fields = Fields::new(packet, header.start);
    let version = check_protocol(&mut fields)?;
    let error = |rule| ProtocolError::new(PacketKind::Connect, rule, Some(version));
    if version == Version::V5 {
        super::frame::check_length(header, version).map_err(error)?;
    }
    let (checked, properties) = check_fields(fields, version, controls).map_err(error)?;
    let size = properties.max_packet_size;
    if properties.has(property::MAX_PACKET_SIZE) && size < MIN_CLIENT_PACKET_SIZE {
        return Err(error(&rule::CLIENT_PACKET_SIZE).with_sizes(size, MIN_CLIENT_PACKET_SIZE));
    }
    Ok(checked)
}

/// The version in which a refusal can be read, as far as the first bytes of a CONNECT tell it.
pub(super) fn answer_version(packet: &[u8], header: &Header) -> Option<Version> {
    match check_protocol(&mut Fields::new(packet, header.start)) {
        Ok(version) => Some(version),
        Err(error) => error.version(),
    }
}

/// Reads protocol name and level. A level that is not served is answered in the form that its
/// clients know: below 5 that of 3.1.1, above that of 5.0.
fn check_protocol(fields: &mut Fields<'_>) -> Result<Version, ProtocolError> {
    let error = |rule, version| ProtocolError::new(PacketKind::Connect, rule, version);
    let name = fields.binary().map_err(|rule| error(rule, None))?;
    if name != b"MQTT" && name != b"MQIsdp" {
        return Err(error(&rule::PROTOCOL_NAME, None));
    }
    // The top bit marks the bridges of some brokers.
    let level = fields.u8().map_err(|rule| error(rule, None))?;
    match (name, level) {
        (b"MQTT", 4) => Ok(Version::V311),
        (b"MQTT", 5) => Ok(Version::V5),
        (b"MQTT", level) if level & 0x7F > 4 => {
            Err(error(&rule::PROTOCOL_LEVEL, Some(Version::V5)))
        }
        _ => Err(error(&rule::PROTOCOL_LEVEL, Some(Version::V311))),
    }
}

fn check_fields(
    mut fields: Fields<'_>,
    version: Version,
    controls: ControlCharacters,
) -> Result<(Checked, Properties), &'static Rule> {
    let flags_at = fields.at();
    let flags = Flags(fields.u8()?);
    check_flags(flags, version)?;
    fields.u16()?; // keep alive
    let properties = match version {
        Version::V311 => Properties::default(),
        Version::V5 => property::check(&mut fields, Place::CONNECT, controls)?,
    };
    let unclean_empty_id = fields.text(controls)?.is_empty() && !flags.has(Flags::CLEAN);
    if unclean_empty_id && version == Version::V311 {
        return Err(&rule::CLIENT_ID_EMPTY);
    }
    let zero_expiry_at = if flags.has(Flags::WILL) {
        check_will(&mut fields, version, controls)?
    } else {
        None
    };
    if flags.has(Flags::USER_NAME) {
        fields.text(controls)?;
    }
    if flags.has(Flags::PASSWORD) {
        fields.binary()?;
    }
    fields.end()?;
    let has_auth_method = properties.has(property::AUTH_METHOD);
    if properties.has(property::AUTH_DATA) && !has_auth_method {
        return Err(&rule::AUTH_DATA_WITHOUT_METHOD);
    }
    let checked = Checked {
        version,
        has_auth_method,
        has_session_expiry: properties.session_expiry != 0,
        zero_expiry_at,
        unclean_empty_id_at: unclean_empty_id.then_some(flags_at),
    };
    Ok((checked, properties))
}

fn check_flags(flags: Flags, version: Version) -> Result<(), &'static Rule> {
    if flags.has(Flags::RESERVED) {
        return Err(&rule::CONNECT_RESERVED_FLAG);
    }
    if flags.has(Flags::WILL) {
        if flags.will_qos() == 3 {
            return Err(&rule::WILL_QOS_3);
        }
    } else if flags.will_qos() != 0 {
        return Err(&rule::WILL_QOS_WITHOUT_WILL);
    } else if flags.has(Flags::WILL_RETAIN) {
        return Err(&rule::WILL_RETAIN_WITHOUT_WILL);
    }
    if version == Version::V311 && flags.has(Flags::PASSWORD) && !flags.has(Flags::USER_NAME) {
        return Err(&rule::PASSWORD_WITHOUT_USER_NAME);
    }
    Ok(())
}

/// Returns the position of a message expiry that is 0.
fn check_will(
    fields: &mut Fields<'_>,
    version: Version,
    controls: ControlCharacters,
) -> Result<Option<usize>, &'static Rule> {
    let properties = match version {
        Version::V311 => Properties::default(),
        Version::V5 => property::check(fields, Place::WILL, controls)?,
    };
    let topic = fields.binary()?;
    if topic.is_empty() {
        return Err(&rule::TOPIC_EMPTY);
    }
    text::check_topic(topic, controls)?;
    fields.binary()?; // payload
    Ok(properties.zero_expiry_at)
}
