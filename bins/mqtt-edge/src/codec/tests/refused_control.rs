//! What is refused: framing, order, direction, and the small packets.

use super::rows::{Row, check, rows};

const CONNECT: Option<&str> = Some("10 @02 _ 'lock-1'");

/// Scenario: wrong types, directions, order and lengths, in both versions.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn wrong_frames_are_refused() {
    let rows = rows! {
        "MQTT-3.1.0-2" "MQTT-3.1.0-2" 0x82 "second CONNECT" "10 @02 _ 'lock-1'";
        "2.2.1" "2.1.2" 0x81 "packet type 0" "00";
        "2.2.1" "" 0x81 "AUTH in 3.1.1" "F0";
        "2.2.1" "2.1.2" 0x82 "CONNACK" "20 0000";
        "2.2.1" "2.1.2" 0x82 "CONNACK of 5.0" "20 000000";
        "2.2.1" "2.1.2" 0x82 "SUBACK" "90 0001 _ 00";
        "2.2.1" "2.1.2" 0x82 "UNSUBACK" "B0 0001";
        "2.2.1" "2.1.2" 0x82 "PINGRESP" "D0";
        "2.2.3" "1.5.5" 0x81 "a length of five bytes" "! 30 8080808001";
        "2.2.3" "MQTT-3.2.2-15" 0x95 "a packet above the limit" "! 30 FFFFFF7F";
        "" "MQTT-1.5.5-1" 0x81 "length 0 in two bytes" "! C0 8000";
        "3.12" "3.12" 0x81 "PINGREQ with a body" "C0 00";
        "3.12" "" 0x81 "DISCONNECT with a body" "E0 00";
    };
    check("framing", CONNECT, &rows);
}

/// Scenario: each packet with fixed flags, with every wrong value of them, in both versions.
/// Guarantee: refused by the first byte.
#[test]
fn wrong_flags_are_refused() {
    let kinds = [
        (0x40, 0),
        (0x50, 0),
        (0x60, 2),
        (0x70, 0),
        (0x80, 2),
        (0xA0, 2),
        (0xC0, 0),
        (0xE0, 0),
    ];
    let mut rows = Vec::new();
    for (kind, legal) in kinds {
        rows.extend((0..16).filter(|flags| *flags != legal).map(|flags| Row {
            v311: "MQTT-2.2.2-2",
            v5: "MQTT-2.1.3-1",
            reason: 0x81,
            what: "flags",
            wire: format!("! {:02X}", kind | flags),
        }));
    }
    rows.extend(rows! { "" "MQTT-2.1.3-1" 0x81 "flags of AUTH" "! F1"; });
    check("flags", CONNECT, &rows);
}

/// Scenario: the first packet of a connection is any other than CONNECT.
/// Guarantee: refused by its first byte.
#[test]
fn the_first_packet_is_connect() {
    let firsts = [
        0x20, 0x30, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0,
    ];
    let http = [b'G', b'P'];
    let rows: Vec<_> = firsts
        .into_iter()
        .chain(http)
        .map(|first| Row {
            v311: "MQTT-3.1.0-1",
            v5: "MQTT-3.1.0-1",
            reason: 0x82,
            what: "not CONNECT",
            wire: format!("! {first:02X}"),
        })
        .collect();
    check("first packets", None, &rows);
}

/// Scenario: acknowledgements with wrong identifiers, lengths, reasons and properties.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_acknowledgements_are_refused() {
    let bodies = rows! {
        "MQTT-2.3.1-1" "MQTT-2.2.1-3" 0x82 "identifier 0" "0000";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no identifier" "";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "half an identifier" "01";
        "MQTT-4.8.0-1" "" 0x81 "a reason in 3.1.1" "0001 00";
        "MQTT-4.8.0-1" "" 0x81 "properties in 3.1.1" "0001 0000";
        "" "2.4" 0x82 "unknown reason" "0001 FF";
        "" "2.4" 0x82 "a reason of SUBACK" "0001 8F";
        "" "2.4" 0x82 "unknown reason and properties" "0001 FF 00";
        "" "MQTT-4.13.1-1" 0x81 "a byte too many" "0001 00 00 00";
        "" "MQTT-4.13.1-1" 0x81 "properties promised" "0001 00 01";
        "" "2.2.2.2" 0x81 "an alias" "0001 00 ( 230001 )";
        "" "2.2.2.2" 0x82 "two reason strings" "0001 00 ( 1F 'r' 1F 'r' )";
        "" "MQTT-1.5.4-2" 0x81 "U+0000 in the reason string" "0001 00 ( 1F #00 )";
    };
    let mut rows = Vec::new();
    for body in bodies {
        let kinds = ["40", "50", "62", "70"];
        rows.extend(kinds.map(|kind| Row {
            wire: format!("{kind} {}", body.wire),
            ..body
        }));
    }
    check("acknowledgements", CONNECT, &rows);
}

/// Scenario: a DISCONNECT with what only a server may say, or malformed.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_disconnects_are_refused() {
    let mut rows = rows! {
        "" "3.14.2.2.2" 0x82 "a session expiry out of nothing" "E0 00 ( 1100000001 )";
        "" "2.2.2.2" 0x82 "session expiry twice" "E0 00 ( 1100000000 1100000000 )";
        "" "2.2.2.2" 0x82 "reason string twice" "E0 00 ( 1F 'r' 1F 'r' )";
        "" "2.2.2.2" 0x81 "receive maximum" "E0 00 ( 210001 )";
        "" "MQTT-4.13.1-1" 0x81 "session expiry cut short" "E0 00 ( 11000000 )";
        "" "MQTT-4.13.1-1" 0x81 "a byte too many" "E0 00 00 00";
    };
    let of_a_server = [
        0x01, 0x02, 0x05, 0x10, 0x18, 0x84, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x9A, 0x9B, 0x9C,
        0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2, 0xFF,
    ];
    rows.extend(of_a_server.map(|reason: u8| Row {
        v311: "",
        v5: "2.4",
        reason: 0x82,
        what: "a reason that only a server gives",
        wire: format!("E0 {reason:02X}"),
    }));
    check("DISCONNECT", CONNECT, &rows);
}

/// Scenario: AUTH that nobody asked for, and malformed ones where CONNECT named a method.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_auths_are_refused() {
    let unasked = rows! {
        "" "MQTT-4.12.0-7" 0x82 "no method in CONNECT" "F0 18 ( 15 'm' )";
    };
    check("AUTH without method", CONNECT, &unasked);
    let rows = rows! {
        "" "2.4" 0x82 "success, which only a server says" "F0 00 ( 15 'm' )";
        "" "2.4" 0x82 "an empty AUTH, which means success" "F0";
        "" "2.4" 0x82 "unknown reason" "F0 80 ( 15 'm' )";
        "" "3.15.2.2.2" 0x82 "no method" "F0 18 ( 16 'd' )";
        "" "3.15.2.2.2" 0x82 "no properties" "F0 18";
        "" "2.2.2.2" 0x82 "method twice" "F0 18 ( 15 'm' 15 'm' )";
        "" "2.2.2.2" 0x81 "receive maximum" "F0 18 ( 15 'm' 210001 )";
        "" "MQTT-4.13.1-1" 0x81 "a byte too many" "F0 18 ( 15 'm' ) 00";
    };
    check("AUTH", Some("10 @02 ( 15 'm' ) 'lock-1'"), &rows);
}
