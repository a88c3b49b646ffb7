//! The CONNECTs that are refused: a row for each statement, in both versions where both have it.

use super::rows::{Row, bad_texts, by, check};
use super::*;

fn connect_rows(version: Version) -> Vec<Row> {
    let id = field("lock-1");
    let topic = field("a/b");
    let row = |statement, reason, what, bytes| Row::first(version, statement, reason, what, bytes);
    let plain = connect(version, 2, &[&id]);
    let named = |name: &str, level: u8| packet(0x10, &[&field(name), &[level, 2, 0, 60], &id]);
    let truncated = by(version, "MQTT-4.8.0-1", "MQTT-4.13.1-1");
    let mut rows = vec![
        row(
            "MQTT-3.1.2-3",
            0x81,
            "reserved flag",
            connect(version, 3, &[&id]),
        ),
        row(
            by(version, "MQTT-3.1.2-13", "MQTT-3.1.2-11"),
            0x81,
            "will QoS without will",
            connect(version, 0b0000_1010, &[&id]),
        ),
        row(
            by(version, "MQTT-3.1.2-15", "MQTT-3.1.2-13"),
            0x81,
            "will retain without will",
            connect(version, 0b0010_0010, &[&id]),
        ),
        row(
            by(version, "MQTT-3.1.2-14", "MQTT-3.1.2-12"),
            0x81,
            "will QoS 3",
            connect(
                version,
                0b0001_1110,
                &[&id, &none(version), &topic, &field("x")],
            ),
        ),
        row("MQTT-4.7.3-1", 0x82, "empty will topic", {
            connect(version, 6, &[&id, &none(version), &field(""), &field("x")])
        }),
        row("MQTT-3.3.2-2", 0x90, "wildcard in will topic", {
            connect(
                version,
                6,
                &[&id, &none(version), &field("a/+"), &field("x")],
            )
        }),
        row(
            truncated,
            0x81,
            "will flag, no will",
            connect(version, 6, &[&id]),
        ),
        row(
            truncated,
            0x81,
            "user name flag, no user name",
            connect(version, 0x82, &[&id]),
        ),
        row(
            truncated,
            0x81,
            "no client identifier",
            connect(version, 2, &[]),
        ),
        row(truncated, 0x81, "password flag, no password", {
            connect(version, 0xC2, &[&id, &field("user")])
        }),
        row(truncated, 0x81, "a user name without its flag", {
            connect(version, 2, &[&id, &field("user")])
        }),
        row(
            truncated,
            0x81,
            "client identifier longer than the packet",
            { connect(version, 2, &[&[0, 9, b'a']]) },
        ),
    ];
    // Before the level is read the version is unknown: the statements are those of 5.0.
    rows.extend([
        row(
            "MQTT-2.1.3-1",
            0x81,
            "flags",
            [&[0x11], &plain[1..]].concat(),
        ),
        row(
            "MQTT-3.1.2-1",
            0x84,
            "protocol name",
            named("MQTX", version.level()),
        ),
        row(
            "MQTT-3.1.2-1",
            0x84,
            "empty protocol name",
            named("", version.level()),
        ),
        row(
            "MQTT-3.1.2-1",
            0x84,
            "protocol name in lower case",
            named("mqtt", version.level()),
        ),
        row(
            "MQTT-4.13.1-1",
            0x81,
            "name without level",
            packet(0x10, &[b"\0\x04MQTT"]),
        ),
        row("MQTT-4.13.1-1", 0x81, "empty body", vec![0x10, 0]),
        row(
            "MQTT-3.1.2-2",
            0x84,
            "level 3 with the name MQTT",
            named("MQTT", 3),
        ),
        row("MQTT-3.1.2-2", 0x84, "level 6", named("MQTT", 6)),
        row("MQTT-3.1.2-2", 0x84, "level 0", named("MQTT", 0)),
        row("MQTT-3.1.2-2", 0x84, "MQTT 3.1", named("MQIsdp", 3)),
        row(
            "MQTT-3.1.2-2",
            0x84,
            "a level of MQTT with the name of 3.1",
            { named("MQIsdp", version.level()) },
        ),
        row(
            "MQTT-3.1.2-2",
            0x84,
            "a bridge",
            named("MQTT", version.level() | 0x80),
        ),
    ]);
    for (statement, what, text) in bad_texts(version) {
        rows.push(row(
            statement,
            0x81,
            what,
            connect(version, 2, &[&field(&text)]),
        ));
        let user = connect(version, 0x82, &[&id, &field(&text)]);
        rows.push(row(statement, 0x81, what, user));
        let will = connect(
            version,
            6,
            &[&id, &none(version), &field(&text), &field("x")],
        );
        rows.push(row(statement, 0x81, what, will));
    }
    rows
}

fn connect_rows_v311() -> Vec<Row> {
    let version = Version::V311;
    vec![
        Row::first(
            version,
            "MQTT-3.1.2-22",
            0x81,
            "password without user name",
            { connect(version, 0x42, &[&field("lock-1"), &field("secret")]) },
        ),
        Row::first(
            version,
            "MQTT-3.1.3-8",
            0x85,
            "no identifier for a session that stays",
            { connect(version, 0, &[&field("")]) },
        ),
    ]
}

fn connect_rows_v5() -> Vec<Row> {
    let row = |statement, reason, what, list: &[&[u8]]| {
        Row::first(Version::V5, statement, reason, what, connect_with(list))
    };
    let will = |list: &[&[u8]]| {
        let id = field("lock-1");
        let list = properties(list);
        connect(Version::V5, 6, &[&id, &list, &field("a/b"), &field("x")])
    };
    let mut rows = vec![
        row("2.2.2.2", 0x82, "receive maximum 0", &[b"\x21\0\0"]),
        row("2.2.2.2", 0x82, "maximum packet size 0", &[b"\x27\0\0\0\0"]),
        row(
            "3.1.2.11.4",
            0x95,
            "maximum packet size 19",
            &[b"\x27\0\0\0\x13"],
        ),
        row(
            "2.2.2.2",
            0x82,
            "request problem information 2",
            &[b"\x17\x02"],
        ),
        row(
            "2.2.2.2",
            0x82,
            "request response information 2",
            &[b"\x19\x02"],
        ),
        row(
            "3.1.2.11.10",
            0x82,
            "authentication data without method",
            &[b"\x16\0\x01x"],
        ),
        row("2.2.2.2", 0x81, "payload format in CONNECT", &[b"\x01\x01"]),
        row("2.2.2.2", 0x81, "unknown property", &[b"\x04\x01"]),
        row("2.2.2.2", 0x81, "property 0", &[b"\0\x01"]),
        row(
            "2.2.2.2",
            0x81,
            "property identifier of two bytes",
            &[b"\x80\x01\x01"],
        ),
        row(
            "MQTT-4.13.1-1",
            0x81,
            "session expiry cut short",
            &[b"\x11\0\0\0"],
        ),
        row(
            "MQTT-1.5.4-2",
            0x81,
            "U+0000 in a user property",
            &[b"\x26\0\x01a\0\x01\0"],
        ),
    ];
    let once: [&[u8]; 8] = [
        b"\x11\0\0\0\x01",
        b"\x15\0\x01a",
        b"\x17\x01",
        b"\x19\x01",
        b"\x21\0\x01",
        b"\x22\0\x01",
        b"\x27\0\x01\0\0",
        b"\x15\0\x01a\x16\0\x01a\x16\0\x01a",
    ];
    rows.extend(once.map(|property| row("2.2.2.2", 0x82, "a property twice", &[property; 2])));
    rows.extend(
        [
            (
                "2.2.2.2",
                0x82,
                "will delay twice",
                will(&[b"\x18\0\0\0\x01", b"\x18\0\0\0\x01"]),
            ),
            (
                "2.2.2.2",
                0x81,
                "session expiry in a will",
                will(&[b"\x11\0\0\0\x01"]),
            ),
            (
                "2.2.2.2",
                0x81,
                "topic alias in a will",
                will(&[b"\x23\0\x01"]),
            ),
            (
                "2.2.2.2",
                0x82,
                "payload format 2 in a will",
                will(&[b"\x01\x02"]),
            ),
            (
                "MQTT-3.3.2-14",
                0x82,
                "empty response topic in a will",
                will(&[b"\x08\0\0"]),
            ),
            ("MQTT-1.5.5-1", 0x81, "a length longer than needed", {
                let mut bytes = vec![0x10, 0x8e, 0];
                bytes.extend_from_slice(&connect(Version::V5, 2, &[&field("a")])[2..]);
                bytes
            }),
            (
                "MQTT-1.5.5-1",
                0x81,
                "a property length longer than needed",
                {
                    packet(
                        0x10,
                        &[&connect_head(Version::V5, 2), b"\x80\0", &field("a")],
                    )
                },
            ),
            ("1.5.5", 0x81, "a property length of five bytes", {
                packet(
                    0x10,
                    &[
                        &connect_head(Version::V5, 2),
                        b"\x80\x80\x80\x80\x01",
                        &field("a"),
                    ],
                )
            }),
            (
                "MQTT-4.13.1-1",
                0x81,
                "properties longer than the packet",
                { packet(0x10, &[&connect_head(Version::V5, 2), b"\x7f", &field("a")]) },
            ),
        ]
        .map(|(statement, reason, what, bytes)| {
            Row::first(Version::V5, statement, reason, what, bytes)
        }),
    );
    rows
}

/// Scenario: each way to write CONNECT wrongly, in both versions.
/// Guarantee: the connection is refused, and the broken statement and its reason code are named.
#[test]
fn malformed_connects_are_refused_by_statement() {
    let mut rows: Vec<_> = BOTH.into_iter().flat_map(connect_rows).collect();
    rows.extend(connect_rows_v311());
    rows.extend(connect_rows_v5());
    check("CONNECT", &rows);
}
