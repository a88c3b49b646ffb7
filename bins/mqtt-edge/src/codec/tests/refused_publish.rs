//! The PUBLISHes that are refused: a row for each statement, in both versions where both have it.

use super::rows::{Row, bad_texts, by, check};
use super::*;

fn publish_rows(version: Version) -> Vec<Row> {
    let row = |statement, reason, what, bytes| Row::open(version, statement, reason, what, bytes);
    let none = none(version);
    let qos0 = |first, topic: &[u8]| packet(first, &[&field(topic), &none, b"payload"]);
    let qos1 = |first, id: [u8; 2]| packet(first, &[&field("a/b"), &id, &none, b"payload"]);
    let id_zero = by(version, "MQTT-2.3.1-1", "MQTT-2.2.1-3");
    let truncated = by(version, "MQTT-4.8.0-1", "MQTT-4.13.1-1");
    let mut rows = vec![
        row("MQTT-3.3.1-4", 0x81, "QoS 3", qos1(0x36, [0, 1])),
        row("MQTT-3.3.1-4", 0x81, "QoS 3 with DUP", qos1(0x3E, [0, 1])),
        row("MQTT-3.3.1-2", 0x81, "DUP with QoS 0", qos0(0x38, b"a/b")),
        row(
            "MQTT-3.3.1-2",
            0x81,
            "DUP and RETAIN with QoS 0",
            qos0(0x39, b"a/b"),
        ),
        row(id_zero, 0x82, "identifier 0 with QoS 1", qos1(0x32, [0, 0])),
        row(id_zero, 0x82, "identifier 0 with QoS 2", qos1(0x34, [0, 0])),
        row("MQTT-4.7.3-1", 0x82, "empty topic", qos0(0x30, b"")),
        row("MQTT-3.3.2-2", 0x90, "+ in the topic", qos0(0x30, b"a/+/c")),
        row("MQTT-3.3.2-2", 0x90, "# in the topic", qos0(0x30, b"a/#")),
        row(
            "MQTT-3.3.2-2",
            0x90,
            "# within a level",
            qos0(0x30, b"a/x#y"),
        ),
        row(truncated, 0x81, "empty body", vec![0x30, 0]),
        row(
            truncated,
            0x81,
            "topic longer than the packet",
            vec![0x30, 4, 0, 9, b'a', b'b'],
        ),
        row(
            truncated,
            0x81,
            "no identifier",
            packet(0x32, &[&field("a/b")]),
        ),
        row(
            truncated,
            0x81,
            "half an identifier",
            packet(0x32, &[&field("a/b"), &[0]]),
        ),
    ];
    for (statement, what, text) in bad_texts(version) {
        rows.push(row(statement, 0x81, what, qos0(0x30, &text)));
    }
    rows
}

fn publish_rows_v5() -> Vec<Row> {
    let publish = |topic: &str, list: &[&[u8]]| {
        packet(
            0x32,
            &[&field(topic), &[0, 1], &properties(list), b"payload"],
        )
    };
    let row = |statement, reason, what, list: &[&[u8]]| {
        Row::open(Version::V5, statement, reason, what, publish("a/b", list))
    };
    let mut rows = vec![
        row("2.2.2.2", 0x82, "payload format 2", &[b"\x01\x02"]),
        row("MQTT-3.3.2-8", 0x94, "alias 0", &[b"\x23\0\0"]),
        row(
            "MQTT-3.3.2-9",
            0x94,
            "an alias though none is allowed",
            &[b"\x23\0\x01"],
        ),
        row(
            "MQTT-3.3.4-6",
            0x82,
            "subscription identifier",
            &[b"\x0b\x01"],
        ),
        row(
            "MQTT-3.3.4-6",
            0x82,
            "two subscription identifiers",
            &[b"\x0b\x01", b"\x0b\x01"],
        ),
        row("2.2.2.2", 0x82, "subscription identifier 0", &[b"\x0b\0"]),
        row(
            "MQTT-1.5.5-1",
            0x81,
            "a long subscription identifier",
            &[b"\x0b\x80\0"],
        ),
        row(
            "MQTT-3.3.2-14",
            0x82,
            "# in the response topic",
            &[b"\x08\0\x03a/#"],
        ),
        row(
            "MQTT-3.3.2-14",
            0x82,
            "empty response topic",
            &[b"\x08\0\0"],
        ),
        row("2.2.2.2", 0x81, "reason string", &[b"\x1f\0\x01a"]),
        row("2.2.2.2", 0x81, "will delay", &[b"\x18\0\0\0\x01"]),
        row(
            "2.2.2.2",
            0x81,
            "assigned client identifier",
            &[b"\x12\0\x01a"],
        ),
        row("2.2.2.2", 0x81, "unknown property", &[b"\x7f\x01"]),
        row(
            "MQTT-4.13.1-1",
            0x81,
            "user property without value",
            &[b"\x26\0\x01a"],
        ),
        row("MQTT-4.13.1-1", 0x81, "expiry cut short", &[b"\x02\0\0"]),
        row(
            "MQTT-1.5.4-1",
            0x81,
            "content type not UTF-8",
            &[b"\x03\0\x01\xff"],
        ),
        Row::open(
            Version::V5,
            "MQTT-4.7.3-1",
            0x82,
            "neither topic nor alias",
            { publish("", &[b"\x02\0\0\0\x01"]) },
        ),
        Row::open(
            Version::V5,
            "MQTT-3.3.2-2",
            0x90,
            "wildcard beside properties",
            { publish("a/+", &[b"\x02\0\0\0\x01"]) },
        ),
        Row::open(Version::V5, "MQTT-4.13.1-1", 0x81, "no property length", {
            packet(0x30, &[&field("a/b")])
        }),
        Row::open(
            Version::V5,
            "MQTT-4.13.1-1",
            0x81,
            "properties longer than the packet",
            { packet(0x30, &[&field("a/b"), &[9]]) },
        ),
        Row::open(
            Version::V5,
            "MQTT-1.5.5-1",
            0x81,
            "property length 0 in two bytes",
            { packet(0x30, &[&field("a/b"), b"\x80\0"]) },
        ),
        Row::open(
            Version::V5,
            "MQTT-1.5.5-1",
            0x81,
            "a length longer than needed",
            { vec![0x30, 0x84, 0, 0, 1, b'a', 0] },
        ),
    ];
    let once: [&[u8]; 6] = [
        b"\x01\x01",
        b"\x02\0\0\0\x01",
        b"\x03\0\x01a",
        b"\x08\0\x01a",
        b"\x09\0\x01a",
        b"\x23\0\x01",
    ];
    rows.extend(once.map(|property| row("2.2.2.2", 0x82, "a property twice", &[property; 2])));
    rows
}

/// Scenario: each way to write PUBLISH wrongly, in both versions, plain and with properties.
/// Guarantee: the connection is closed, and the broken statement and its reason code are named.
#[test]
fn malformed_publishes_are_refused_by_statement() {
    let mut rows: Vec<_> = BOTH.into_iter().flat_map(publish_rows).collect();
    rows.extend(publish_rows_v5());
    check("PUBLISH", &rows);
}
