//! The SUBSCRIBEs and UNSUBSCRIBEs that are refused: a row for each statement.

use super::rows::{Row, bad_texts, by, check};
use super::*;

/// SUBSCRIBE and UNSUBSCRIBE, which share the rules on filters.
fn filter_rows(version: Version) -> Vec<Row> {
    let row = |statement, reason, what, bytes| Row::open(version, statement, reason, what, bytes);
    let none = none(version);
    let subscribe = |filter: &[u8]| packet(0x82, &[&[0, 1], &none, &field(filter), &[1]]);
    let unsubscribe = |filter: &[u8]| packet(0xA2, &[&[0, 1], &none, &field(filter)]);
    let options = |options| packet(0x82, &[&[0, 1], &none, &field("a/b"), &[options]]);
    let id_zero = by(version, "MQTT-2.3.1-1", "MQTT-2.2.1-3");
    let truncated = by(version, "MQTT-4.8.0-1", "MQTT-4.13.1-1");
    let multi = by(version, "MQTT-4.7.1-2", "MQTT-4.7.1-1");
    let single = by(version, "MQTT-4.7.1-3", "MQTT-4.7.1-2");
    let mut filters = vec![
        ("MQTT-4.7.3-1", 0x8F, "empty filter", b"".to_vec()),
        (multi, 0x8F, "# before the end", b"a/#/b".to_vec()),
        (multi, 0x8F, "# within a level", b"a/b#".to_vec()),
        (multi, 0x8F, "## as a level", b"a/##".to_vec()),
        (single, 0x8F, "+ within a level", b"a/b+/c".to_vec()),
        (single, 0x8F, "++ as a level", b"++".to_vec()),
    ];
    filters.extend(bad_texts(version).map(|(statement, what, text)| (statement, 0x81, what, text)));
    let mut rows: Vec<_> = filters
        .into_iter()
        .flat_map(|(statement, reason, what, filter)| {
            [
                row(statement, reason, what, subscribe(&filter)),
                row(statement, reason, what, unsubscribe(&filter)),
            ]
        })
        .collect();
    let reserved = by(version, "MQTT-3.8.3-4", "MQTT-3.8.3-5");
    rows.extend([
        row(
            by(version, "MQTT-3.8.3-3", "MQTT-3.8.3-2"),
            0x82,
            "SUBSCRIBE to nothing",
            { packet(0x82, &[&[0, 1], &none]) },
        ),
        row(
            "MQTT-3.10.3-2",
            0x82,
            "UNSUBSCRIBE from nothing",
            packet(0xA2, &[&[0, 1], &none]),
        ),
        row(id_zero, 0x82, "SUBSCRIBE with identifier 0", {
            packet(0x82, &[&[0, 0], &none, &field("a"), &[0]])
        }),
        row(id_zero, 0x82, "UNSUBSCRIBE with identifier 0", {
            packet(0xA2, &[&[0, 0], &none, &field("a")])
        }),
        row(
            by(version, "MQTT-3.8.3-4", "3.8.3.1"),
            0x82,
            "QoS 3",
            options(3),
        ),
        row(reserved, 0x81, "option bit 6", options(0x40)),
        row(reserved, 0x81, "option bit 7", options(0x80)),
        row(
            truncated,
            0x81,
            "no options",
            packet(0x82, &[&[0, 1], &none, &field("a")]),
        ),
        row(truncated, 0x81, "a byte after the options", {
            packet(0x82, &[&[0, 1], &none, &field("a"), &[0, 0]])
        }),
        row(truncated, 0x81, "SUBSCRIBE without a body", vec![0x82, 0]),
        row(truncated, 0x81, "half an identifier", vec![0x82, 1, 0]),
        row(truncated, 0x81, "a byte after the filter", {
            packet(0xA2, &[&[0, 1], &none, &field("a"), &[0]])
        }),
        row("MQTT-4.7.3-1", 0x8F, "the second filter is empty", {
            packet(0x82, &[&[0, 1], &none, &field("a"), &[0], &field(""), &[0]])
        }),
    ]);
    if version == Version::V311 {
        rows.extend([0x04, 0x08, 0x10, 0x20].map(|bits| {
            row(
                "MQTT-3.8.3-4",
                0x81,
                "option bits that only 5.0 has",
                options(bits),
            )
        }));
    }
    rows
}

fn filter_rows_v5() -> Vec<Row> {
    let row = |statement, reason, what, filter: &str, options: u8| {
        let bytes = packet(0x82, &[&[0, 1, 0], &field(filter), &[options]]);
        Row::open(Version::V5, statement, reason, what, bytes)
    };
    let with = |statement, reason, what, first, list: &[&[u8]]| {
        let bytes = packet(first, &[&[0, 1], &properties(list), &field("a"), &[0]]);
        Row::open(Version::V5, statement, reason, what, bytes)
    };
    vec![
        row("3.8.3.1", 0x82, "retain handling 3", "a/b", 0x30),
        row(
            "MQTT-3.8.3-4",
            0x82,
            "no local on a shared subscription",
            "$share/g/a",
            0x04,
        ),
        row("MQTT-4.8.2-1", 0x8F, "empty share name", "$share//a", 0),
        row("MQTT-4.8.2-1", 0x8F, "share without a name", "$share/", 0),
        row(
            "MQTT-4.8.2-2",
            0x8F,
            "share without a filter",
            "$share/g",
            0,
        ),
        row(
            "MQTT-4.8.2-2",
            0x8F,
            "share with an empty filter",
            "$share/g/",
            0,
        ),
        row("MQTT-4.8.2-2", 0x8F, "+ as share name", "$share/+/a", 0),
        row("MQTT-4.7.1-1", 0x8F, "# as share name", "$share/#/a", 0),
        row(
            "MQTT-4.7.1-1",
            0x8F,
            "a bad filter in a share",
            "$share/g/a#",
            0,
        ),
        with(
            "2.2.2.2",
            0x82,
            "subscription identifier 0",
            0x82,
            &[b"\x0b\0"],
        ),
        with(
            "2.2.2.2",
            0x82,
            "two subscription identifiers",
            0x82,
            &[b"\x0b\x01\x0b\x01"],
        ),
        with(
            "1.5.5",
            0x81,
            "a subscription identifier of five bytes",
            0x82,
            { &[b"\x0b\x80\x80\x80\x80\x01"] },
        ),
        with(
            "2.2.2.2",
            0x81,
            "reason string in SUBSCRIBE",
            0x82,
            &[b"\x1f\0\x01a"],
        ),
        with(
            "2.2.2.2",
            0x81,
            "subscription identifier in UNSUBSCRIBE",
            0xA2,
            &[b"\x0b\x01"],
        ),
        with(
            "MQTT-4.13.1-1",
            0x81,
            "user property cut short",
            0x82,
            &[b"\x26\0\x01a"],
        ),
    ]
}

/// Scenario: bad filters, options and identifiers in SUBSCRIBE and UNSUBSCRIBE, in both versions.
/// Guarantee: the connection is closed, and the broken statement and its reason code are named.
#[test]
fn malformed_subscribes_are_refused_by_statement() {
    let mut rows: Vec<_> = BOTH.into_iter().flat_map(filter_rows).collect();
    rows.extend(filter_rows_v5());
    check("SUBSCRIBE and UNSUBSCRIBE", &rows);
}
