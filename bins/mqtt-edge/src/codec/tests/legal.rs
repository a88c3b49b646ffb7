//! What is accepted, and what becomes of it.

use std::num::{NonZeroU16, NonZeroU32};

use super::super::{
    ControlCharacters, MIN_CLIENT_PACKET_SIZE, ReasonCode, RetainHandling, filter_is_valid,
    shared_filter, topic_name_is_valid,
};
use super::wire::wire;
use super::*;

/// A PUBLISH of `QoS` 0.
fn publish(version: Version, topic: &str, payload: &[u8]) -> Vec<u8> {
    packet(0x30, &[&field(topic), &none(version), payload])
}

/// CONNECTs of both versions.
const CONNECTS: [&str; 5] = [
    "10 @02 _ ''",
    "10 @00 _ 'lock-1'",
    "10 @82 _ 'lock-1' ''",
    "10 @C2 _ 'lock-1' 'user' #00FF",
    "10 @36 _ 'lock-1' _ 'a/b' ''",
];

/// CONNECTs that only 5.0 has.
const CONNECTS_OF_5: [&str; 7] = [
    "10 @00 _ ''",
    "10 @42 _ 'lock-1' 'secret'",
    "10 @02 ( 220000 ) 'lock-1'",
    "10 @02 ( 11FFFFFFFF 27FFFFFFFF 21FFFF ) 'lock-1'",
    "10 @02 ( 2700000014 ) 'lock-1'",
    "10 @02 ( 26 '' '' 26 'p' 'q' 26 'p' 'r' ) 'lock-1'",
    "10 @02 ( 15 'm' 16 #00FF ) 'lock-1'",
];

/// Packets of both versions on an open connection.
const PACKETS: [&str; 12] = [
    "30 'a' _",
    "31 'a' _",
    "32 'a' FFFF _ =x",
    "3B 'a' 0001 _ =x",
    "3C 'a' 0001 _",
    "82 0001 _ 'a' 00 'a' 01",
    "40 0001",
    "50 0001",
    "62 0001",
    "70 0001",
    "C0",
    "E0",
];

/// Packets that only 5.0 has.
const PACKETS_OF_5: [&str; 12] = [
    "30 'a' ( 0100 0200000000 03 '' 08 'r' 09 '' ) =x",
    "30 'a' ( 26 '' '' 26 '' '' ) =x",
    "82 0001 ( 0BFFFFFF7F 26 'p' '' ) 'a' 2E",
    "82 0001 _ '$share/g/a' 02",
    "A2 0001 ( 26 'p' '' ) '$share/g/a'",
    "40 0001 10 ( 1F '' 26 '' '' )",
    "40 0001 80",
    "50 0001 97 _",
    "62 0001 92 _",
    "70 0001 92",
    "E0 04 ( 1100000000 1F 'bye' 1C 'elsewhere' )",
    "E0 00 _",
];

/// Reasons that a client may give in DISCONNECT.
const REASONS: [u8; 14] = [
    0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];

const TOPICS: [&str; 9] = [
    "a",
    "/",
    "a//b",
    "$SYS/x",
    " ",
    "\u{2A6D4}",
    "\u{FEFF}a",
    "a/*",
    "a.b >",
];

const FILTERS: [&str; 11] = [
    "#",
    "+",
    "/",
    "/#",
    "+/+",
    "a/+/b/#",
    "$SYS/#",
    "a//",
    "\u{2A6D4}/+",
    "$share",
    "a/*",
];

fn legal_packets(version: Version) -> Vec<Vec<u8>> {
    let none = none(version);
    let mut packets: Vec<_> = PACKETS.iter().map(|packet| wire(version, packet)).collect();
    packets.extend(TOPICS.iter().map(|topic| publish(version, topic, b"x")));
    packets.push(publish(version, &"t".repeat(65_535), b"\0\xff"));
    for filter in FILTERS {
        packets.push(packet(0x82, &[&[0, 1], &none, &field(filter), &[2]]));
        packets.push(packet(0xA2, &[&[0, 1], &none, &field(filter)]));
    }
    match version {
        // 3.1.1 does not ask for the shortest length, and knows no shared subscriptions.
        Version::V311 => {
            packets.push(wire(version, "! 30 8400 'a' =x"));
            packets.push(wire(version, "82 0001 '$share//a' 00"));
        }
        Version::V5 => {
            packets.extend(PACKETS_OF_5.iter().map(|packet| wire(version, packet)));
            packets.extend(REASONS.map(|reason| vec![0xE0, 1, reason]));
        }
    }
    packets
}

/// Scenario: packets at the edges of what the specification allows, in both versions.
/// Guarantee: each is accepted as one packet.
#[test]
fn legal_packets_are_accepted() {
    let mut count = 0;
    for version in BOTH {
        let of_5 = if version == Version::V5 {
            &CONNECTS_OF_5[..]
        } else {
            &[]
        };
        for connect in CONNECTS.iter().chain(of_5) {
            after(&wire(version, connect));
            count += 1;
        }
        for bytes in legal_packets(version) {
            one(version, &bytes);
            count += 1;
        }
    }
    println!("{count} legal packets accepted");
}

fn as_connect(bytes: &[u8]) -> super::super::Connect {
    let mut decoder = Decoder::new(Limits::default());
    match decode_all(&mut decoder, bytes).unwrap().remove(0) {
        Packet::Connect(connect) => *connect,
        other => panic!("not a CONNECT: {other:?}"),
    }
}

/// Scenario: a CONNECT of 5.0 with every property and a will.
/// Guarantee: all of it arrives; a will's expiry of 0 stays 0; user properties keep their order.
#[test]
fn connect_carries_all_of_5() {
    let list = properties(&[
        b"\x11\0\0\x0e\x10\x21\0\x0a\x27\0\0\x10\0\x22\0\x05\x19\x01\x17\0\x15\0\x01m\x16\0\x01d",
        b"\x26\0\x01a\0\x011\x26\0\x01b\0\x012\x26\0\x01a\0\x013",
    ]);
    let will =
        properties(&[b"\x18\0\0\0\x07\x01\x01\x02\0\0\0\0\x03\0\x01c\x08\0\x01r\x09\0\x01d"]);
    let bytes = packet(
        0x10,
        &[
            &connect_head(Version::V5, 0b1111_0110),
            &list,
            &field("lock-1"),
            &will,
            &field("a/b"),
            &field("gone"),
            &field("user"),
            &field("secret"),
        ],
    );
    let connect = as_connect(&bytes);
    assert_eq!(connect.version, Version::V5);
    assert!(connect.clean_start);
    assert_eq!(connect.keep_alive_secs, 60);
    assert_eq!(connect.client_id, "lock-1");
    assert_eq!(connect.user_name.as_deref(), Some("user"));
    assert_eq!(connect.password.as_deref(), Some(&b"secret"[..]));
    assert_eq!(connect.session_expiry_secs, 3600);
    assert_eq!(connect.receive_max.get(), 10);
    assert_eq!(connect.max_packet_size, NonZeroU32::new(4096));
    assert_eq!(connect.topic_alias_max, 5);
    assert!(connect.request_response_info);
    assert!(!connect.request_problem_info);
    assert_eq!(connect.auth_method.as_deref(), Some("m"));
    assert_eq!(connect.auth_data.as_deref(), Some(&b"d"[..]));
    let names: Vec<_> = connect
        .user_properties
        .iter()
        .map(|(n, v)| format!("{n}{v}"))
        .collect();
    assert_eq!(names, ["a1", "b2", "a3"]);
    let will = connect.will.as_ref().unwrap();
    assert_eq!((will.qos, will.retain, will.delay_secs), (2, true, 7));
    assert_eq!((&*will.topic, &will.payload[..]), ("a/b", &b"gone"[..]));
    assert!(will.properties.payload_is_utf8);
    assert_eq!(will.properties.message_expiry_secs, Some(0));
    assert_eq!(will.properties.response_topic.as_deref(), Some("r"));
    assert!(
        !format!("{connect:?}").contains("secret"),
        "the password must not be logged"
    );
}

/// Scenario: CONNECTs that differ in clean start, session and client identifier only.
/// Guarantee: the model says what each version means; an empty identifier without clean start,
/// legal in 5.0, is told as it was sent.
#[test]
fn connect_tells_the_session_of_both_versions() {
    let clean = as_connect(&connect(Version::V311, 2, &[&field("a")]));
    assert_eq!((clean.clean_start, clean.session_expiry_secs), (true, 0));
    let stays = as_connect(&connect(Version::V311, 0, &[&field("a")]));
    assert_eq!(
        (stays.clean_start, stays.session_expiry_secs),
        (false, u32::MAX)
    );
    let nameless = as_connect(&connect(Version::V5, 0, &[&field("")]));
    assert_eq!(
        (nameless.clean_start, nameless.session_expiry_secs),
        (false, 0)
    );
    assert!(nameless.client_id.is_empty());
    assert_eq!(nameless.receive_max, NonZeroU16::MAX);
    let smallest = as_connect(&connect_with(&[b"\x27\0\0\0\x14"]));
    assert_eq!(
        smallest.max_packet_size.unwrap().get(),
        MIN_CLIENT_PACKET_SIZE
    );
}

/// Scenario: a PUBLISH with every property, its expiry 0.
/// Guarantee: all of it arrives, the expiry as 0, the payload untouched, the neighbour behind it
/// too; a payload that is not the text it claims to be is found out.
#[test]
fn publish_carries_all_of_5() {
    let list = properties(&[
        b"\x26\0\x01a\0\x011\x01\x01\x02\0\0\0\0\x03\0\x01c\x08\0\x03r/s\x09\0\x02\0\xff",
        b"\x26\0\x01a\0\x012",
    ]);
    let first = packet(0x3D, &[&field("a/b"), &[0, 7], &list, b"\0\0\0\0\xff"]);
    let bytes = [first, publish(Version::V5, "next", b"")].concat();
    let mut packets = decode_all(&mut open(Version::V5), &bytes).unwrap();
    let Packet::Publish(next) = packets.pop().unwrap() else {
        panic!("no PUBLISH")
    };
    assert_eq!((&*next.topic, next.properties.is_none()), ("next", true));
    let Packet::Publish(publish) = packets.pop().unwrap() else {
        panic!("no PUBLISH")
    };
    assert_eq!((publish.dup, publish.qos, publish.retain), (true, 2, true));
    assert_eq!(publish.packet_id, NonZeroU16::new(7));
    assert_eq!(&publish.payload[..], b"\0\0\0\0\xff");
    assert!(!publish.payload_format_is_valid());
    let properties = publish.properties.unwrap();
    assert!(properties.payload_is_utf8);
    assert_eq!(properties.message_expiry_secs, Some(0));
    assert_eq!(properties.content_type.as_deref(), Some("c"));
    assert_eq!(properties.response_topic.as_deref(), Some("r/s"));
    assert_eq!(properties.correlation_data.as_deref(), Some(&b"\0\xff"[..]));
    let values: Vec<_> = properties
        .user_properties
        .iter()
        .map(|(_, v)| v.to_string())
        .collect();
    assert_eq!(values, ["1", "2"]);
}

/// Scenario: a SUBSCRIBE with all options and an identifier.
/// Guarantee: they arrive; the plain filter of 3.1.1 has the defaults.
#[test]
fn subscribe_carries_its_options() {
    let bytes = packet(
        0x82,
        &[
            &[0, 9],
            &properties(&[b"\x0b\x80\x01"]),
            &field("a/+"),
            &[0x2E],
        ],
    );
    let Packet::Subscribe(subscribe) = one(Version::V5, &bytes) else {
        panic!("no SUBSCRIBE")
    };
    assert_eq!(subscribe.packet_id.get(), 9);
    assert_eq!(subscribe.subscription_id, NonZeroU32::new(128));
    let [filter] = &subscribe.filters[..] else {
        panic!("not one filter")
    };
    assert_eq!((&*filter.filter, filter.qos), ("a/+", 2));
    assert!(filter.no_local && filter.retain_as_published);
    assert_eq!(filter.retain_handling, RetainHandling::Never);
    let bytes = packet(0x82, &[&[0, 9], &field("a/+"), &[1]]);
    let Packet::Subscribe(subscribe) = one(Version::V311, &bytes) else {
        panic!("no SUBSCRIBE")
    };
    let [filter] = &subscribe.filters[..] else {
        panic!("not one filter")
    };
    assert_eq!(
        (filter.qos, filter.no_local, filter.retain_as_published),
        (1, false, false)
    );
    assert_eq!(filter.retain_handling, RetainHandling::AtSubscribe);
}

/// Scenario: a session that may outlive its connection ends with another expiry, after an
/// enhanced authentication.
/// Guarantee: DISCONNECT and AUTH carry their fields.
#[test]
fn disconnect_and_auth_carry_their_fields() {
    let mut decoder = after(&connect_with(&[b"\x11\0\0\0\x01\x15\0\x01m"]));
    let auth = packet(
        0xF0,
        &[
            &[0x18],
            &properties(&[b"\x15\0\x01m\x16\0\x01d\x1f\0\x01w"]),
        ],
    );
    let leave = packet(
        0xE0,
        &[&[4], &properties(&[b"\x11\0\0\0\x09\x1f\0\x03bye"])],
    );
    let packets = decode_all(&mut decoder, &[auth, leave].concat()).unwrap();
    let [Packet::Auth(auth), Packet::Disconnect(leave)] = &packets[..] else {
        panic!("not AUTH and DISCONNECT: {packets:?}")
    };
    assert_eq!(
        (auth.reason, &*auth.method),
        (ReasonCode::CONTINUE_AUTHENTICATION, "m")
    );
    assert_eq!(auth.data.as_deref(), Some(&b"d"[..]));
    assert_eq!(leave.reason, ReasonCode::DISCONNECT_WITH_WILL);
    assert_eq!(leave.session_expiry_secs, Some(9));
    assert_eq!(leave.reason_string.as_deref(), Some("bye"));
}

/// Scenario: limits that let control characters and topic aliases through.
/// Guarantee: they pass up to the limit; U+0000, and an alias above it, never do.
#[test]
fn limits_open_what_is_shut_by_default() {
    let limits = Limits {
        control_characters: ControlCharacters::Accept,
        topic_alias_max: 2,
        ..Limits::default()
    };
    let publish = |topic: &str, alias: u8| {
        packet(
            0x30,
            &[&field(topic), &properties(&[&[0x23, 0, alias]]), b"x"],
        )
    };
    let opened = || {
        let mut decoder = Decoder::new(limits);
        decode_all(
            &mut decoder,
            &connect(Version::V5, 2, &[&field("lock\x01")]),
        )
        .unwrap();
        decoder
    };
    assert!(decode_all(&mut opened(), &publish("a\u{9f}\u{FFFF}", 1)).is_ok());
    assert!(decode_all(&mut opened(), &publish("", 2)).is_ok());
    let error = decode_all(&mut opened(), &publish("a\0", 1)).unwrap_err();
    assert_eq!(error.statement(), "MQTT-1.5.4-2");
    let error = decode_all(&mut opened(), &publish("a", 3)).unwrap_err();
    assert_eq!(error.statement(), "MQTT-3.3.2-9");
}

/// Scenario: topic names and filters at the edges of the rules.
/// Guarantee: the public checks agree with section 4.7 and 4.8.2.
#[test]
fn topics_and_filters_are_judged() {
    let long = "t".repeat(65_536);
    for topic in ["a", "/", "$SYS", "a b", "\u{1}"] {
        assert!(topic_name_is_valid(topic), "{topic:?}");
    }
    for topic in ["", "+", "a/#", "a\0", &long] {
        assert!(!topic_name_is_valid(topic), "{topic:?}");
    }
    for filter in ["a", "#", "+", "+/+/#", "$share/g", "/"] {
        assert!(filter_is_valid(filter), "{filter:?}");
    }
    for filter in ["", "a#", "#/a", "a+", "+a/b", "a\0", &long] {
        assert!(!filter_is_valid(filter), "{filter:?}");
    }
    assert_eq!(shared_filter("$share/g/a/+"), Some(("g", "a/+")));
    assert_eq!(shared_filter("$share/g//"), Some(("g", "/")));
    for filter in [
        "a/b",
        "$share",
        "$share/g",
        "$share//a",
        "$share/g/",
        "$share/+/a",
        "$share/g/a#",
    ] {
        assert_eq!(shared_filter(filter), None, "{filter:?}");
    }
}
