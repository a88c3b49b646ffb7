//! What is refused: framing, order, direction, and the small packets.

use super::rows::{Row, by, check};
use super::*;

fn framing_rows(version: Version) -> Vec<Row> {
    let row = |statement, reason, what, bytes| Row::open(version, statement, reason, what, bytes);
    let flags = by(version, "MQTT-2.2.2-2", "MQTT-2.1.3-1");
    let server_only = by(version, "2.2.1", "2.1.2");
    let mut rows = vec![
        row(
            "MQTT-3.1.0-2",
            0x82,
            "second CONNECT",
            connect(version, 2, &[&field("a")]),
        ),
        row(server_only, 0x81, "packet type 0", vec![0x00, 0]),
        row(server_only, 0x82, "CONNACK", vec![0x20, 2, 0, 0]),
        row(server_only, 0x82, "CONNACK of 5.0", vec![0x20, 3, 0, 0, 0]),
        row(server_only, 0x82, "SUBACK", vec![0x90, 3, 0, 1, 0]),
        row(server_only, 0x82, "UNSUBACK", vec![0xB0, 2, 0, 1]),
        row(server_only, 0x82, "PINGRESP", vec![0xD0, 0]),
        row(
            by(version, "2.2.3", "1.5.5"),
            0x81,
            "a length of five bytes",
            { vec![0x30, 0x80, 0x80, 0x80, 0x80, 1] },
        ),
        row(
            by(version, "2.2.3", "MQTT-3.2.2-15"),
            0x95,
            "a packet above the limit",
            { vec![0x30, 0xff, 0xff, 0xff, 0x7f] },
        ),
        row("3.12", 0x81, "PINGREQ with a body", vec![0xC0, 1, 0]),
    ];
    let fixed = [
        (0x40, 0),
        (0x50, 0),
        (0x60, 2),
        (0x70, 0),
        (0x80, 2),
        (0xA0, 2),
        (0xC0, 0),
        (0xE0, 0),
    ];
    for (kind, expected) in fixed {
        let wrong = (0..16).filter(|bits| *bits != expected);
        rows.extend(wrong.map(|bits| row(flags, 0x81, "flags", vec![kind | bits, 0])));
    }
    rows
}

fn first_packet_rows() -> Vec<Row> {
    let firsts: [&[u8]; 14] = [
        b"\x20\x02\0\0",
        b"\x30\x03\0\x01a",
        b"\x40\x02\0\x01",
        b"\x50\x02\0\x01",
        b"\x62\x02\0\x01",
        b"\x70\x02\0\x01",
        b"\x82\x06\0\x01\0\x01a\0",
        b"\x90\x03\0\x01\0",
        b"\xa2\x05\0\x01\0\x01a",
        b"\xb0\x02\0\x01",
        b"\xc0\0",
        b"\xe0\0",
        b"\xf0\0",
        b"GET / HTTP/1.1\r\n",
    ];
    firsts
        .into_iter()
        .map(|bytes| Row {
            version: Version::V5,
            statement: "MQTT-3.1.0-1",
            reason: 0x82,
            what: "the first packet is not CONNECT",
            connect: None,
            bytes: bytes.to_vec(),
        })
        .collect()
}

fn ack_rows(version: Version) -> Vec<Row> {
    let row = |statement, reason, what, bytes| Row::open(version, statement, reason, what, bytes);
    let id_zero = by(version, "MQTT-2.3.1-1", "MQTT-2.2.1-3");
    let malformed = by(version, "MQTT-4.8.0-1", "MQTT-4.13.1-1");
    let mut rows = Vec::new();
    for first in [0x40, 0x50, 0x62, 0x70] {
        rows.extend([
            row(id_zero, 0x82, "identifier 0", vec![first, 2, 0, 0]),
            row(malformed, 0x81, "no identifier", vec![first, 0]),
            row(malformed, 0x81, "half an identifier", vec![first, 1, 1]),
        ]);
        match version {
            Version::V311 => rows.extend([
                row(malformed, 0x81, "three bytes", vec![first, 3, 0, 1, 0]),
                row(malformed, 0x81, "four bytes", vec![first, 4, 0, 1, 0, 0]),
            ]),
            Version::V5 => rows.extend([
                row("2.4", 0x82, "unknown reason", vec![first, 3, 0, 1, 0xFF]),
                row(
                    "2.4",
                    0x82,
                    "a reason of SUBACK",
                    vec![first, 3, 0, 1, 0x8F],
                ),
                row(
                    malformed,
                    0x81,
                    "a byte too many",
                    vec![first, 5, 0, 1, 0, 0, 0],
                ),
                row(
                    malformed,
                    0x81,
                    "properties promised",
                    vec![first, 4, 0, 1, 0, 1],
                ),
                row(
                    "2.2.2.2",
                    0x81,
                    "an alias",
                    vec![first, 7, 0, 1, 0, 3, 0x23, 0, 1],
                ),
                row("2.2.2.2", 0x82, "two reason strings", {
                    packet(
                        first,
                        &[&[0, 1, 0], &properties(&[b"\x1f\0\x01a\x1f\0\x01a"])],
                    )
                }),
                row("MQTT-1.5.4-2", 0x81, "U+0000 in the reason string", {
                    packet(first, &[&[0, 1, 0], &properties(&[b"\x1f\0\x01\0"])])
                }),
            ]),
        }
    }
    rows
}

fn disconnect_rows_v5() -> Vec<Row> {
    let row =
        |statement, reason, what, bytes| Row::open(Version::V5, statement, reason, what, bytes);
    let with = |list: &[&[u8]]| packet(0xE0, &[&[0], &properties(list)]);
    let mut rows = vec![
        row(
            "3.14.2.2.2",
            0x82,
            "a session expiry out of nothing",
            with(&[b"\x11\0\0\0\x01"]),
        ),
        row(
            "2.2.2.2",
            0x82,
            "session expiry twice",
            with(&[b"\x11\0\0\0\0\x11\0\0\0\0"]),
        ),
        row("2.2.2.2", 0x81, "receive maximum", with(&[b"\x21\0\x01"])),
        row(
            "MQTT-4.13.1-1",
            0x81,
            "session expiry cut short",
            with(&[b"\x11\0\0\0"]),
        ),
        row(
            "MQTT-4.13.1-1",
            0x81,
            "bytes after the properties",
            vec![0xE0, 3, 0, 0, 0],
        ),
    ];
    let of_a_server = [
        0x01, 0x02, 0x05, 0x10, 0x18, 0x84, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x9A, 0x9B, 0x9C,
        0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2, 0xFF,
    ];
    let refused = |code| {
        row(
            "2.4",
            0x82,
            "a reason that only a server gives",
            vec![0xE0, 1, code],
        )
    };
    rows.extend(of_a_server.map(refused));
    rows
}

fn auth_rows() -> Vec<Row> {
    let method = b"\x15\0\x01m";
    let connect = connect_with(&[method]);
    let row = |statement, reason, what, bytes| Row {
        connect: Some(connect.clone()),
        ..Row::open(Version::V5, statement, reason, what, bytes)
    };
    let with = |reason: u8, list: &[&[u8]]| packet(0xF0, &[&[reason], &properties(list)]);
    vec![
        Row::open(Version::V311, "2.2.1", 0x81, "AUTH in 3.1.1", vec![0xF0, 0]),
        Row::open(
            Version::V5,
            "MQTT-4.12.0-7",
            0x82,
            "AUTH without a method in CONNECT",
            { with(0x18, &[method]) },
        ),
        row(
            "2.4",
            0x82,
            "success, which only a server says",
            with(0, &[method]),
        ),
        row("2.4", 0x82, "an empty AUTH means success", vec![0xF0, 0]),
        row("2.4", 0x82, "unknown reason", with(0x80, &[method])),
        row("3.15.2.2.2", 0x82, "no method", with(0x18, &[])),
        row("3.15.2.2.2", 0x82, "no properties", vec![0xF0, 1, 0x18]),
        row(
            "2.2.2.2",
            0x82,
            "method twice",
            with(0x18, &[method, method]),
        ),
        row("MQTT-4.13.1-1", 0x81, "bytes after the properties", {
            packet(0xF0, &[&[0x18], &properties(&[method]), b"x"])
        }),
        row("MQTT-2.1.3-1", 0x81, "flags", vec![0xF1, 0]),
    ]
}

/// Scenario: wrong types, flags, lengths, directions and order, in both versions.
/// Guarantee: refused, by the fixed header where that suffices, with statement and reason code.
#[test]
fn wrong_frames_are_refused_by_statement() {
    let mut rows: Vec<_> = BOTH.into_iter().flat_map(framing_rows).collect();
    rows.extend(first_packet_rows());
    rows.push(Row::open(
        Version::V311,
        "3.12",
        0x81,
        "DISCONNECT with a body",
        { vec![0xE0, 1, 0] },
    ));
    check("framing", &rows);
}

/// Scenario: malformed acknowledgements, DISCONNECT and AUTH.
/// Guarantee: refused with statement and reason code.
#[test]
fn malformed_control_packets_are_refused_by_statement() {
    let mut rows: Vec<_> = BOTH.into_iter().flat_map(ack_rows).collect();
    rows.extend(disconnect_rows_v5());
    rows.extend(auth_rows());
    check("acknowledgements, DISCONNECT, AUTH", &rows);
}
