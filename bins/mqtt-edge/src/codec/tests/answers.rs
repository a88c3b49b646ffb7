//! What a client hears when it broke a rule.

use super::super::{Encoder, ReasonCode};
use super::*;

fn refused(bytes: &[u8]) -> ProtocolError {
    decode_all(&mut Decoder::new(Limits::default()), bytes).unwrap_err()
}

fn connack(error: &ProtocolError) -> Vec<u8> {
    let mut out = BytesMut::new();
    error.encode_connack(&mut out);
    out.to_vec()
}

/// Scenario: CONNECTs that are refused for many reasons.
/// Guarantee: the CONNACK is one that the client can read, and none is sent where the
/// specification has no word for it.
#[test]
fn refused_connects_are_answered_in_the_clients_version() {
    let named = |name: &str, level: u8| packet(0x10, &[&field(name), &[level, 2, 0, 60, 0, 0]]);
    let size = |max: u8| connect_with(&[&[0x27, 0, 0, 0, max]]);
    let cases: [(&str, Vec<u8>, &[u8]); 13] = [
        ("MQTT 3.1", named("MQIsdp", 3), b"\x20\x02\0\x01"),
        ("an old level", named("MQTT", 3), b"\x20\x02\0\x01"),
        ("an old bridge", named("MQTT", 0x84), b"\x20\x02\0\x01"),
        ("a level to come", named("MQTT", 6), b"\x20\x03\0\x84\0"),
        ("not MQTT", named("HTTP", 5), b""),
        ("no CONNECT", vec![0x30, 3, 0, 1, b'a'], b""),
        (
            "3.1.1, no identifier",
            connect(Version::V311, 0, &[&field("")]),
            b"\x20\x02\0\x02",
        ),
        (
            "3.1.1, malformed",
            connect(Version::V311, 3, &[&field("a")]),
            b"",
        ),
        (
            "5.0, malformed",
            connect(Version::V5, 3, &[&field("a")]),
            b"\x20\x03\0\x81\0",
        ),
        (
            "5.0, protocol error",
            connect_with(&[b"\x21\0\0"]),
            b"\x20\x03\0\x82\0",
        ),
        ("5.0, small packets only", size(19), b"\x20\x03\0\x95\0"),
        (
            "5.0, just room for the refusal",
            size(5),
            b"\x20\x03\0\x95\0",
        ),
        ("5.0, no room for the refusal", size(4), b""),
    ];
    for (what, bytes, answer) in cases {
        let error = refused(&bytes);
        assert_eq!(connack(&error), answer, "{what}: {error}");
    }
}

/// Scenario: a client sends a bad packet right behind its CONNECT, before its CONNACK.
/// Guarantee: a CONNACK with a code that CONNACK has.
#[test]
fn a_fault_before_connack_is_a_protocol_error_there() {
    let mut decoder = open(Version::V5);
    let error = decode_all(&mut decoder, &[0x82, 7, 0, 1, 0, 0, 1, b'+', 0xff]).unwrap_err();
    assert_eq!(error.reason().0, 0x81);
    assert_eq!(connack(&error), b"\x20\x03\0\x82\0");
}

/// Scenario: an open connection breaks a rule, in both versions and with little room.
/// Guarantee: 5.0 hears code and words, only the code when the words do not fit; 3.1.1 nothing.
#[test]
fn broken_rules_end_an_open_connection_with_words() {
    let answer = |connect: &[u8], bytes: &[u8]| {
        let mut decoder = Decoder::new(Limits::default());
        let Packet::Connect(connect) = decode_all(&mut decoder, connect).unwrap().remove(0) else {
            panic!("no CONNECT")
        };
        let mut out = BytesMut::new();
        let error = decode_all(&mut decoder, bytes).unwrap_err();
        error.encode_disconnect(&Encoder::for_client(&connect), &mut out);
        out.to_vec()
    };
    let nothing = answer(&connect(Version::V311, 2, &[&field("a")]), &[0xC0, 1]);
    assert!(nothing.is_empty());
    let words = answer(&connect(Version::V5, 2, &[&field("a")]), &[0xC0, 1]);
    let text = "this packet has no body";
    let expected = packet(0xE0, &[&[0x81], &properties(&[&[0x1F], &field(text)])]);
    assert_eq!(words, expected);
    let code = answer(&connect_with(&[b"\x27\0\0\0\x14"]), &[0xC0, 1]);
    assert_eq!(code, [0xE0, 1, 0x81]);
}

/// Scenario: a packet above the limit, and a second call after the error.
/// Guarantee: the error tells a person packet, sizes and statement, and does not change.
#[test]
fn an_error_stays_and_tells_what_where_and_how_much() {
    let mut decoder = open(Version::V5);
    let mut buf = BytesMut::from(&b"\x30\xff\xff\xff\x7f"[..]);
    let error = decoder.decode(&mut buf).unwrap_err();
    assert_eq!(
        error.to_string(),
        "PUBLISH: the packet is larger than this connection may send: \
         268435460 bytes, limit 1114112 [MQTT-3.2.2-15]"
    );
    let mut good = BytesMut::from(&b"\xc0\0"[..]);
    assert_eq!(decoder.decode(&mut good), Err(error));
    assert_eq!(&good[..], b"\xc0\0");
    assert_eq!(decoder.version(), Some(Version::V5));
    assert_eq!(error.reason().to_string(), "packet too large (0x95)");
    assert_eq!(ReasonCode(0x7F).name(), "unknown");
}
