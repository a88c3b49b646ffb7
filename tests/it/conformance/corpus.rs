//! Good packets, of which `change.rs` makes malformed ones.

use crate::raw_mqtt::Level;

/// A piece of a packet.
#[derive(Clone)]
pub(super) enum Part {
    Bytes(&'static [u8]),
    /// A packet identifier.
    Id,
    Text(&'static str),
    /// Bytes behind a length.
    Blob(&'static str),
    /// A property list of 5.0. What is repeated in it may be.
    Properties(&'static [&'static [u8]]),
    /// The packet may end here.
    End,
}

/// A good packet.
#[derive(Clone)]
pub(super) struct Good {
    pub(super) name: &'static str,
    pub(super) first: u8,
    pub(super) parts: Vec<Part>,
}

/// The property of a reason string, and user properties, which may be repeated.
const SAID: &[&[u8]] = &[
    b"\x1F\x00\x02ok",
    b"\x26\x00\x01a\x00\x01b",
    b"\x26\x00\x01a\x00\x01b",
];

/// CONNECT with everything that it can have.
pub(super) fn connect() -> Good {
    const OWN: &[&[u8]] = &[
        b"\x11\x00\x00\x00\x00",
        b"\x21\x00\x10",
        b"\x22\x00\x10",
        b"\x27\x00\x01\x00\x00",
        b"\x17\x01",
        b"\x19\x01",
        b"\x26\x00\x01a\x00\x01b",
        b"\x26\x00\x01a\x00\x01b",
    ];
    const WILL: &[&[u8]] = &[
        b"\x18\x00\x00\x00\x01",
        b"\x01\x01",
        b"\x02\x00\x00\x00\x09",
        b"\x03\x00\x01t",
        b"\x08\x00\x01r",
        b"\x09\x00\x01c",
        b"\x26\x00\x01a\x00\x01b",
        b"\x26\x00\x01a\x00\x01b",
    ];
    good(
        "CONNECT",
        0x10,
        &[
            Part::Text("MQTT"),
            // The level is put in by `change.rs`.
            Part::Bytes(&[0, 0b1100_1110, 0, 60]),
            Part::Properties(OWN),
            Part::Text("malformed-connect"),
            Part::Properties(WILL),
            Part::Text("malformed/will"),
            Part::Blob("gone"),
            Part::Text("user"),
            Part::Blob("password"),
            Part::End,
        ],
    )
}

/// Every other packet of a client, with everything that it can have. AUTH is not among them: here
/// it is never good.
pub(super) fn others(level: Level) -> Vec<Good> {
    const PUBLISH: &[&[u8]] = &[
        b"\x01\x01",
        b"\x02\x00\x00\x00\x09",
        b"\x03\x00\x01t",
        b"\x08\x00\x01r",
        b"\x09\x00\x01c",
        b"\x23\x00\x01",
        b"\x26\x00\x01a\x00\x01b",
        b"\x26\x00\x01a\x00\x01b",
    ];
    const SUBSCRIBE: &[&[u8]] = &[b"\x0B\x07", b"\x26\x00\x01a\x00\x01b"];
    const UNSUBSCRIBE: &[&[u8]] = &[b"\x26\x00\x01a\x00\x01b"];
    let publish = [
        Part::Text("malformed/topic"),
        Part::Id,
        Part::Properties(PUBLISH),
        Part::End,
    ];
    let unnumbered = [publish[0].clone(), publish[2].clone(), Part::End];
    let (one, other) = (Part::Text("malformed/+/x"), Part::Text("malformed/#"));
    let (options, list) = (Part::Bytes(&[1]), Part::Properties(SUBSCRIBE));
    let subscribe = [Part::Id, list, one.clone(), options.clone(), Part::End];
    let subscribe = [&subscribe[..], &[other.clone(), options, Part::End]].concat();
    let list = Part::Properties(UNSUBSCRIBE);
    let unsubscribe = [Part::Id, list, one, Part::End, other, Part::End];
    let mut all = vec![
        good("PUBLISH at QoS 0", 0x30, &unnumbered),
        good("PUBLISH at QoS 1", 0x32, &publish),
        good("PUBLISH at QoS 2", 0x34, &publish),
        good("SUBSCRIBE", 0x82, &subscribe),
        good("UNSUBSCRIBE", 0xA2, &unsubscribe),
        good("PINGREQ", 0xC0, &[Part::End]),
    ];
    let coded = match level {
        Level::V311 => vec![],
        Level::V5 => vec![
            Part::Bytes(&[0]),
            Part::End,
            Part::Properties(SAID),
            Part::End,
        ],
    };
    let acknowledgement = [&[Part::Id, Part::End], &coded[..]].concat();
    let kinds = [
        ("PUBACK", 0x40),
        ("PUBREC", 0x50),
        ("PUBREL", 0x62),
        ("PUBCOMP", 0x70),
    ];
    all.extend(kinds.map(|(name, first)| good(name, first, &acknowledgement)));
    let disconnect = [&[Part::End], &coded[..]].concat();
    all.push(good("DISCONNECT", 0xE0, &disconnect));
    all
}

fn good(name: &'static str, first: u8, parts: &[Part]) -> Good {
    let parts = parts.to_vec();
    Good { name, first, parts }
}
