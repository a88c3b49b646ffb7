//! The properties of MQTT 5.0 (section 2.2.2): which may stand where, how often, with what values.

use super::fields::Fields;
use super::rule::{self, Rule};
use super::text::{self, ControlCharacters};

pub(super) const PAYLOAD_FORMAT: u8 = 0x01;
pub(super) const MESSAGE_EXPIRY: u8 = 0x02;
pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION_DATA: u8 = 0x09;
pub(super) const SUBSCRIPTION_ID: u8 = 0x0B;
pub(super) const SESSION_EXPIRY: u8 = 0x11;
pub(super) const ASSIGNED_CLIENT_ID: u8 = 0x12;
pub(super) const SERVER_KEEP_ALIVE: u8 = 0x13;
pub(super) const AUTH_METHOD: u8 = 0x15;
pub(super) const AUTH_DATA: u8 = 0x16;
pub(super) const REQUEST_PROBLEM_INFO: u8 = 0x17;
pub(super) const WILL_DELAY: u8 = 0x18;
pub(super) const REQUEST_RESPONSE_INFO: u8 = 0x19;
pub(super) const SERVER_REFERENCE: u8 = 0x1C;
pub(super) const REASON_STRING: u8 = 0x1F;
pub(super) const RECEIVE_MAX: u8 = 0x21;
pub(super) const TOPIC_ALIAS_MAX: u8 = 0x22;
pub(super) const TOPIC_ALIAS: u8 = 0x23;
pub(super) const MAX_QOS: u8 = 0x24;
pub(super) const RETAIN_AVAILABLE: u8 = 0x25;
pub(super) const USER_PROPERTY: u8 = 0x26;
pub(super) const MAX_PACKET_SIZE: u8 = 0x27;
pub(super) const WILDCARD_AVAILABLE: u8 = 0x28;
pub(super) const SUBSCRIPTION_ID_AVAILABLE: u8 = 0x29;
pub(super) const SHARED_AVAILABLE: u8 = 0x2A;

/// Where a property list stands: one bit each, so that a property can name several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u8);

impl Place {
    pub(super) const CONNECT: Self = Self(1);
    pub(super) const WILL: Self = Self(1 << 1);
    pub(super) const PUBLISH: Self = Self(1 << 2);
    pub(super) const ACK: Self = Self(1 << 3);
    pub(super) const SUBSCRIBE: Self = Self(1 << 4);
    pub(super) const UNSUBSCRIBE: Self = Self(1 << 5);
    pub(super) const DISCONNECT: Self = Self(1 << 6);
    pub(super) const AUTH: Self = Self(1 << 7);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Flag,
    U16,
    U32,
    Varint,
    Text,
    Binary,
    Pair,
}

/// Shape and places of the properties that a client may send (table 2-4).
const fn definition(id: u8) -> Option<(Shape, Place)> {
    const MESSAGE: Place = Place::PUBLISH.or(Place::WILL);
    Some(match id {
        PAYLOAD_FORMAT => (Shape::Flag, MESSAGE),
        MESSAGE_EXPIRY => (Shape::U32, MESSAGE),
        CONTENT_TYPE | RESPONSE_TOPIC => (Shape::Text, MESSAGE),
        CORRELATION_DATA => (Shape::Binary, MESSAGE),
        SUBSCRIPTION_ID => (Shape::Varint, Place::PUBLISH.or(Place::SUBSCRIBE)),
        SESSION_EXPIRY => (Shape::U32, Place::CONNECT.or(Place::DISCONNECT)),
        AUTH_METHOD => (Shape::Text, Place::CONNECT.or(Place::AUTH)),
        AUTH_DATA => (Shape::Binary, Place::CONNECT.or(Place::AUTH)),
        REQUEST_PROBLEM_INFO | REQUEST_RESPONSE_INFO => (Shape::Flag, Place::CONNECT),
        WILL_DELAY => (Shape::U32, Place::WILL),
        SERVER_REFERENCE => (Shape::Text, Place::DISCONNECT),
        REASON_STRING => (
            Shape::Text,
            Place::ACK.or(Place::DISCONNECT).or(Place::AUTH),
        ),
        RECEIVE_MAX | TOPIC_ALIAS_MAX => (Shape::U16, Place::CONNECT),
        TOPIC_ALIAS => (Shape::U16, Place::PUBLISH),
        USER_PROPERTY => (Shape::Pair, Place(0xFF)),
        MAX_PACKET_SIZE => (Shape::U32, Place::CONNECT),
        _ => return None,
    })
}

/// What a checked property list holds, as far as the rules between fields need it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Properties {
    /// One bit per identifier; all that a client may send are below 64.
    present: u64,
    pub(super) topic_alias: u16,
    pub(super) session_expiry: u32,
    pub(super) max_packet_size: u32,
    /// Position in the packet of a message expiry that is 0.
    pub(super) zero_expiry_at: Option<usize>,
}

impl Properties {
    pub(super) const fn has(&self, id: u8) -> bool {
        self.present & (1 << (id & 63)) != 0
    }

    /// Notes `id`; false when it was there already.
    const fn insert(&mut self, id: u8) -> bool {
        let fresh = !self.has(id);
        self.present |= 1 << (id & 63);
        fresh
    }
}

/// Reads and checks a property list with its length.
pub(super) fn check(
    fields: &mut Fields<'_>,
    place: Place,
    controls: ControlCharacters,
) -> Result<Properties, &'static Rule> {
    let len = fields.varint()?;
    let mut list = fields.part(usize::try_from(len).unwrap_or(usize::MAX))?;
    let mut found = Properties::default();
    while !list.is_empty() {
        // The identifier is a variable byte integer, but all that exist fit one byte.
        let id = list.u8()?;
        let (shape, places) = definition(id).ok_or(&rule::PROPERTY_NOT_ALLOWED)?;
        if !places.contains(place) {
            return Err(&rule::PROPERTY_NOT_ALLOWED);
        }
        if id != USER_PROPERTY && !found.insert(id) && !repeats(id, place) {
            return Err(&rule::PROPERTY_TWICE);
        }
        check_value(&mut list, id, shape, controls, &mut found)?;
    }
    Ok(found)
}

/// A PUBLISH may carry several subscription identifiers (section 3.3.2.3.8); that a client may
/// send none is the PUBLISH's own rule.
fn repeats(id: u8, place: Place) -> bool {
    id == SUBSCRIPTION_ID && place == Place::PUBLISH
}

fn check_value(
    list: &mut Fields<'_>,
    id: u8,
    shape: Shape,
    controls: ControlCharacters,
    found: &mut Properties,
) -> Result<(), &'static Rule> {
    match shape {
        Shape::Flag => in_range(list.u8()? <= 1),
        Shape::U16 => check_u16(list.u16()?, id, found),
        Shape::U32 => {
            let at = list.at();
            check_u32(list.u32()?, id, at, found)
        }
        Shape::Varint => in_range(list.varint()? != 0),
        Shape::Text => {
            let text = list.text(controls)?;
            let refused = id == RESPONSE_TOPIC && !text::is_topic_name(text);
            if refused {
                Err(&rule::RESPONSE_TOPIC)
            } else {
                Ok(())
            }
        }
        Shape::Binary => list.binary().map(|_| ()),
        Shape::Pair => {
            list.text(controls)?;
            list.text(controls).map(|_| ())
        }
    }
}

fn check_u16(value: u16, id: u8, found: &mut Properties) -> Result<(), &'static Rule> {
    match id {
        RECEIVE_MAX => in_range(value != 0),
        TOPIC_ALIAS => {
            found.topic_alias = value;
            if value == 0 {
                Err(&rule::ALIAS_ZERO)
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

fn check_u32(value: u32, id: u8, at: usize, found: &mut Properties) -> Result<(), &'static Rule> {
    match id {
        MAX_PACKET_SIZE => {
            found.max_packet_size = value;
            return in_range(value != 0);
        }
        SESSION_EXPIRY => found.session_expiry = value,
        MESSAGE_EXPIRY if value == 0 => found.zero_expiry_at = Some(at),
        _ => {}
    }
    Ok(())
}

fn in_range(holds: bool) -> Result<(), &'static Rule> {
    if holds {
        Ok(())
    } else {
        Err(&rule::PROPERTY_VALUE)
    }
}
