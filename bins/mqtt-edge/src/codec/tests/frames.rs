//! Framing: split reads, limits, and what a packet holds in memory.

use super::super::EncodeError;
use super::*;

fn stream(version: Version) -> Vec<u8> {
    let none = none(version);
    [
        connect(
            version,
            0xC2,
            &[&field("lock-1"), &field("user"), &field("secret")],
        ),
        packet(0x32, &[&field("a/b"), &[0, 1], &none, &[b'x'; 300]]),
        packet(0x82, &[&[0, 2], &none, &field("a/+"), &[1]]),
        vec![0xC0, 0, 0x40, 2, 0, 1],
        packet(0xA2, &[&[0, 3], &none, &field("a/+")]),
        packet(0x30, &[&field("a/b"), &none]),
        vec![0xE0, 0],
    ]
    .concat()
}

/// Scenario: a stream of all usual packets arrives one byte at a time.
/// Guarantee: nothing is consumed before a packet is whole, and the packets are those of one read.
#[test]
fn bytes_that_arrive_singly_give_the_same_packets() {
    for version in BOTH {
        let bytes = stream(version);
        let whole = decode_all(&mut Decoder::new(Limits::default()), &bytes).unwrap();
        assert_eq!(whole.len(), 8);
        let mut decoder = Decoder::new(Limits::default());
        let (mut buf, mut single) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            buf.extend_from_slice(&[byte]);
            let before = buf.len();
            match decoder.decode(&mut buf).unwrap() {
                Some(packet) => {
                    assert!(buf.is_empty(), "a packet was found late");
                    single.push(packet);
                }
                None => assert_eq!(buf.len(), before, "bytes of a partial packet were consumed"),
            }
        }
        assert_eq!(single, whole);
    }
}

/// Scenario: a header announces a packet of the size of the limit, or one byte more.
/// Guarantee: the limit passes, one more is refused at the header; no memory is reserved for it.
#[test]
fn the_limit_holds_before_the_body_arrives() {
    let limits = Limits {
        max_connect_size: 64,
        max_packet_size: 1000,
        ..Limits::default()
    };
    let connects = |name: usize| connect(Version::V5, 2, &[&field("x".repeat(name))]);
    let largest = connects(64 - 15);
    assert_eq!(largest.len(), 64);
    let mut decoder = Decoder::new(limits);
    decode_all(&mut decoder, &largest).unwrap();
    let publish = |payload: usize| packet(0x30, &[&field("a"), &[0], &vec![b'x'; payload]]);
    let largest = publish(1000 - 7);
    assert_eq!(largest.len(), 1000);
    decode_all(&mut decoder, &largest).unwrap();
    let mut waiting = BytesMut::from(&largest[..3]);
    let capacity = waiting.capacity();
    assert_eq!(decoder.decode(&mut waiting), Ok(None));
    assert_eq!(
        waiting.capacity(),
        capacity,
        "memory was reserved on the client's word"
    );
    let mut header = BytesMut::from(&publish(1000 - 6)[..3]);
    assert_eq!(decoder.decode(&mut header).unwrap_err().reason().0, 0x95);

    let mut decoder = Decoder::new(limits);
    let mut header = BytesMut::from(&connects(64 - 14)[..9]);
    let error = decoder.decode(&mut header).unwrap_err();
    let mut answer = BytesMut::new();
    error.encode_connack(&mut answer);
    assert_eq!(&answer[..], b"\x20\x03\0\x95\0");
    let mut decoder = Decoder::new(limits);
    let error = decoder
        .decode(&mut BytesMut::from(&b"\x10\xff\x7f"[..]))
        .unwrap_err();
    assert_eq!((error.reason().0, error.version()), (0x95, None));
}

/// Scenario: headers that no body could make legal, with no body behind them.
/// Guarantee: refused at once, so nobody waits for bytes that cannot help.
#[test]
fn a_bad_header_is_refused_without_its_body() {
    for version in BOTH {
        for header in [
            &b"\xc0\x05"[..],
            b"\x36",
            b"\x38",
            b"\x80",
            b"\x20",
            b"\x10",
            b"\x40\x01",
        ] {
            let mut buf = BytesMut::from(header);
            assert!(open(version).decode(&mut buf).is_err(), "{header:?}");
        }
    }
    for header in [&b"\xe0\x01"[..], b"\x40\x03", b"\xf0"] {
        let mut buf = BytesMut::from(header);
        assert!(open(Version::V311).decode(&mut buf).is_err(), "{header:?}");
    }
    let mut buf = BytesMut::from(&b"\x16\x03\x01"[..]); // a TLS client
    assert!(Decoder::new(Limits::default()).decode(&mut buf).is_err());
}

/// Scenario: a payload of 1 MiB under the default limits.
/// Guarantee: it passes in both versions, unchanged.
#[test]
fn a_payload_of_one_mebibyte_passes() {
    let payload: Vec<u8> = (0..1 << 20).map(|n: u32| n.to_le_bytes()[1]).collect();
    for version in BOTH {
        let bytes = packet(0x32, &[&field("a/b"), &[0, 1], &none(version), &payload]);
        let Packet::Publish(publish) = one(version, &bytes) else {
            panic!("no PUBLISH")
        };
        assert_eq!(publish.payload, payload);
    }
}

/// Scenario: a session keeps its CONNECT and SUBSCRIBE while the connection lives.
/// Guarantee: they do not hold the read buffer in memory; a PUBLISH, a view, does.
#[test]
fn what_a_session_keeps_does_not_hold_the_read_buffer() {
    for version in BOTH {
        let mut buf = BytesMut::with_capacity(64 * 1024);
        let mut decoder = Decoder::new(Limits::default());
        let none = none(version);
        buf.extend_from_slice(&connect(version, 0x82, &[&field("lock-1"), &field("user")]));
        buf.extend_from_slice(&packet(0x82, &[&[0, 2], &none, &field("a/+"), &[1]]));
        buf.extend_from_slice(&packet(0xA2, &[&[0, 3], &none, &field("a/+")]));
        let mut kept = Vec::new();
        while let Some(packet) = decoder.decode(&mut buf).unwrap() {
            kept.push(packet);
        }
        assert_eq!(kept.len(), 3);
        assert!(
            buf.try_reclaim(64 * 1024),
            "a kept packet holds the read buffer"
        );
        buf.extend_from_slice(&packet(0x30, &[&field("a/b"), &none, b"x"]));
        let publish = decoder.decode(&mut buf).unwrap();
        assert!(!buf.try_reclaim(64 * 1024), "a PUBLISH was copied");
        drop(publish);
        assert!(buf.try_reclaim(64 * 1024));
    }
}

/// Scenario: the size of errors and packets, which move through the hot path by value.
/// Guarantee: they stay small.
#[test]
fn results_are_cheap_to_move() {
    assert!(size_of::<Packet>() <= 96, "{}", size_of::<Packet>());
    assert!(
        size_of::<ProtocolError>() <= 32,
        "{}",
        size_of::<ProtocolError>()
    );
    assert!(size_of::<EncodeError>() <= 24);
}
