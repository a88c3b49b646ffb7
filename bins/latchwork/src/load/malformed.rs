//! Packets that no server may take: it has to close the connection.

use crate::mqtt_client::Version;

/// One kind of malformed packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed {
    /// What is wrong with it.
    pub(super) name: &'static str,
    /// Whether a good CONNECT goes before it.
    pub(super) after_connect: bool,
    bytes: Bytes,
}

#[derive(Clone, Copy, Debug)]
enum Bytes {
    /// The same in both versions.
    Both(&'static [u8]),
    /// As it is in 3.1.1 and, with its properties, in 5.0.
    Each(&'static [u8], &'static [u8]),
}

impl Malformed {
    /// The packet, without the CONNECT before it.
    pub(super) fn bytes(&self, version: Version) -> &'static [u8] {
        match (self.bytes, version) {
            (Bytes::Both(bytes) | Bytes::Each(bytes, _), Version::V311)
            | (Bytes::Both(bytes) | Bytes::Each(_, bytes), Version::V5) => bytes,
        }
    }
}

const fn first(name: &'static str, bytes: &'static [u8]) -> Malformed {
    Malformed {
        name,
        after_connect: false,
        bytes: Bytes::Both(bytes),
    }
}

const fn later(name: &'static str, bytes: &'static [u8]) -> Malformed {
    Malformed {
        name,
        after_connect: true,
        bytes: Bytes::Both(bytes),
    }
}

const fn each(name: &'static str, v311: &'static [u8], v5: &'static [u8]) -> Malformed {
    Malformed {
        name,
        after_connect: true,
        bytes: Bytes::Each(v311, v5),
    }
}

/// All kinds. Each is wrong in what has arrived: a packet that only lacks its end would leave the
/// server to its time limit instead. The numbers are normative statements of MQTT 3.1.1.
pub(super) const KINDS: &[Malformed] = &[
    // MQTT-3.1.0-1.
    first("PUBLISH before CONNECT", b"\x30\x04\x00\x01ax"),
    first("PINGREQ before CONNECT", b"\xC0\x00"),
    // MQTT-3.1.2-1.
    first(
        "CONNECT of another protocol",
        b"\x10\x0D\x00\x04MQTX\x04\x02\x00\x3C\x00\x01a",
    ),
    // MQTT-3.1.2-3.
    first(
        "CONNECT with the reserved flag",
        b"\x10\x0D\x00\x04MQTT\x04\x03\x00\x3C\x00\x01a",
    ),
    first(
        "CONNECT with a field beyond its end",
        b"\x10\x0D\x00\x04MQTT\x04\x02\x00\x3C\x7F\xFFa",
    ),
    first("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
    // MQTT-3.1.0-2.
    each(
        "second CONNECT",
        b"\x10\x0D\x00\x04MQTT\x04\x02\x00\x3C\x00\x01a",
        b"\x10\x0E\x00\x04MQTT\x05\x02\x00\x3C\x00\x00\x01a",
    ),
    // Section 2.2.1.
    later("packet type 0", b"\x00\x00"),
    // MQTT-3.8.1-1 and 3.6.1-1.
    each(
        "SUBSCRIBE with bad flags",
        b"\x80\x06\x00\x01\x00\x01a\x00",
        b"\x80\x07\x00\x01\x00\x00\x01a\x00",
    ),
    later("PUBREL with bad flags", b"\x60\x02\x00\x01"),
    // MQTT-3.3.1-4.
    each(
        "PUBLISH with QoS 3",
        b"\x36\x06\x00\x01a\x00\x01x",
        b"\x36\x07\x00\x01a\x00\x01\x00x",
    ),
    // MQTT-3.3.2-2.
    each(
        "PUBLISH to a#b",
        b"\x30\x06\x00\x03a#bx",
        b"\x30\x07\x00\x03a#b\x00x",
    ),
    // MQTT-1.5.3-1.
    each(
        "PUBLISH to a topic of bad UTF-8",
        b"\x30\x05\x00\x02\xC3\x28x",
        b"\x30\x06\x00\x02\xC3\x28\x00x",
    ),
    // MQTT-1.5.3-2.
    each(
        "PUBLISH to a topic with U+0000",
        b"\x30\x06\x00\x03a\x00bx",
        b"\x30\x07\x00\x03a\x00b\x00x",
    ),
    later("PUBLISH with a topic beyond its end", b"\x30\x04\x00\xFFax"),
    // MQTT-2.3.1-1.
    each(
        "PUBLISH with packet identifier 0",
        b"\x32\x06\x00\x01a\x00\x00x",
        b"\x32\x07\x00\x01a\x00\x00\x00x",
    ),
    // MQTT-3.8.3-3.
    each(
        "SUBSCRIBE to nothing",
        b"\x82\x02\x00\x01",
        b"\x82\x03\x00\x01\x00",
    ),
    // Section 2.2.3.
    later("length of five bytes", b"\x30\xFF\xFF\xFF\xFF\x01"),
    // Allowed by the specifications, and larger than a server with a limit takes.
    later("PUBLISH of 256 MiB", b"\x30\xFF\xFF\xFF\x7F\x00\x01a"),
];
