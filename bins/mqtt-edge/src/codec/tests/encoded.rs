//! What the server writes, read by rmqtt-codec as the client.

use std::num::{NonZeroU16, NonZeroU32};

use rmqtt_codec::types::{Publish as ClientPublish, QoS};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Decoder as _;

use super::super::{
    Answer, ConnAck, ConnAckProperties, EncodeError, Encoder, OutgoingPublish, PublishProperties,
    ReasonCode,
};
use super::*;

const V311: Encoder = Encoder::new(Version::V311);
const V5: Encoder = Encoder::new(Version::V5);

fn id() -> NonZeroU16 {
    NonZeroU16::new(0x1234).unwrap()
}

/// The one packet in `out`, as a 3.1.1 client reads it.
fn read_v311(mut out: BytesMut) -> v3::Packet {
    let (packet, _) = v3::Codec::new(0).decode(&mut out).unwrap().unwrap();
    assert!(out.is_empty());
    packet
}

/// The one packet in `out`, as a client of 5.0 reads it.
fn read_v5(mut out: BytesMut) -> v5::Packet {
    let (packet, _) = v5::Codec::new(0, 0).decode(&mut out).unwrap().unwrap();
    assert!(out.is_empty());
    packet
}

/// An encoder for a client with this Maximum Packet Size.
fn small(max: u32) -> Encoder {
    let connect = connect_with(&[&[0x27], &max.to_be_bytes()]);
    match decode_all(&mut Decoder::new(Limits::default()), &connect)
        .unwrap()
        .remove(0)
    {
        Packet::Connect(connect) => Encoder::for_client(&connect),
        other => panic!("not a CONNECT: {other:?}"),
    }
}

fn written(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    write(&mut out);
    out
}

/// Scenario: a CONNACK with every property, one with none, and refusals.
/// Guarantee: the client reads what was meant; a refusal never says that a session is present.
#[test]
fn connack_is_read_back() {
    let properties = ConnAckProperties {
        session_expiry_secs: Some(7),
        receive_max: NonZeroU16::new(20),
        max_qos: Some(1),
        retain_available: Some(false),
        max_packet_size: NonZeroU32::new(1_114_112),
        assigned_client_id: Some("lock-9".into()),
        topic_alias_max: Some(3),
        wildcard_available: Some(false),
        subscription_id_available: Some(false),
        shared_available: Some(false),
        keep_alive_secs: Some(30),
        reason_string: Some("hello".into()),
        user_properties: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
    };
    let connack = ConnAck {
        session_present: true,
        reason: ReasonCode::SUCCESS,
        properties,
    };
    let out = written(|out| V5.encode_connack(&connack, out).unwrap());
    let expected = v5::ConnectAck {
        session_present: true,
        session_expiry_interval_secs: Some(7),
        receive_max: NonZeroU16::new(20).unwrap(),
        max_qos: QoS::AtLeastOnce,
        retain_available: false,
        max_packet_size: Some(1_114_112),
        assigned_client_id: Some("lock-9".into()),
        topic_alias_max: 3,
        wildcard_subscription_available: false,
        subscription_identifiers_available: false,
        shared_subscription_available: false,
        server_keepalive_sec: Some(30),
        reason_string: Some("hello".into()),
        user_properties: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
        ..Default::default()
    };
    assert_eq!(read_v5(out), v5::Packet::ConnectAck(Box::new(expected)));
    let out = written(|out| V311.encode_connack(&connack, out).unwrap());
    assert_eq!(&out[..], b"\x20\x02\x01\0");
    let out = written(|out| V5.encode_connack(&ConnAck::default(), out).unwrap());
    assert_eq!(&out[..], b"\x20\x03\0\0\0");

    let codes = [
        (0x84, 1),
        (0x85, 2),
        (0x86, 4),
        (0x87, 5),
        (0x88, 3),
        (0x89, 3),
        (0x8C, 5),
    ];
    for (reason, code) in codes {
        let reason = ReasonCode(reason);
        let refusal = ConnAck {
            session_present: true,
            reason,
            ..ConnAck::default()
        };
        let out = written(|out| V311.encode_connack(&refusal, out).unwrap());
        assert_eq!(&out[..], [0x20, 2, 0, code]);
        let out = written(|out| V5.encode_connack(&refusal, out).unwrap());
        assert_eq!(&out[..], [0x20, 3, 0, reason.0, 0]);
    }
}

/// Scenario: PUBACK, SUBACK, UNSUBACK, PINGRESP and DISCONNECT in both versions.
/// Guarantee: the client reads what was meant, in the words of its version.
#[test]
fn acknowledgements_are_read_back() {
    let out = written(|out| V311.encode_puback(id(), ReasonCode::SUCCESS, out));
    assert_eq!(&out[..], b"\x40\x02\x12\x34");
    let out = written(|out| V5.encode_puback(id(), ReasonCode::SUCCESS, out));
    assert_eq!(&out[..], b"\x40\x02\x12\x34");
    let out = written(|out| V5.encode_puback(id(), ReasonCode::NOT_AUTHORIZED, out));
    let v5::Packet::PublishAck(ack) = read_v5(out) else {
        panic!("no PUBACK")
    };
    assert_eq!((ack.packet_id, u8::from(ack.reason_code)), (id(), 0x87));
    let stale = Answer {
        reason: ReasonCode::NOT_AUTHORIZED,
        text: "stale",
    };
    let out = written(|out| V5.encode_puback(id(), stale, out));
    let v5::Packet::PublishAck(ack) = read_v5(out) else {
        panic!("no PUBACK")
    };
    assert_eq!(ack.reason_string.as_deref(), Some("stale"));

    let codes = [
        ReasonCode(1),
        ReasonCode::NOT_AUTHORIZED,
        ReasonCode(2),
        ReasonCode(0),
    ];
    let out = written(|out| V311.encode_suback(id(), &codes, out).unwrap());
    let v3::Packet::SubscribeAck { packet_id, status } = read_v311(out) else {
        panic!("no SUBACK")
    };
    let granted = v3::SubscribeReturnCode::Success;
    let refused = v3::SubscribeReturnCode::Failure;
    assert_eq!(packet_id, id());
    let expected = [
        granted(QoS::AtLeastOnce),
        refused,
        granted(QoS::ExactlyOnce),
        granted(QoS::AtMostOnce),
    ];
    assert_eq!(status, expected);
    let out = written(|out| V5.encode_suback(id(), &codes, out).unwrap());
    let v5::Packet::SubscribeAck(ack) = read_v5(out) else {
        panic!("no SUBACK")
    };
    let status: Vec<u8> = ack.status.into_iter().map(Into::into).collect();
    assert_eq!(status, [1, 0x87, 2, 0]);

    let codes = [ReasonCode::SUCCESS, ReasonCode::NO_SUBSCRIPTION_EXISTED];
    let out = written(|out| V311.encode_unsuback(id(), &codes, out).unwrap());
    assert_eq!(
        read_v311(out),
        v3::Packet::UnsubscribeAck { packet_id: id() }
    );
    let out = written(|out| V5.encode_unsuback(id(), &codes, out).unwrap());
    let v5::Packet::UnsubscribeAck(ack) = read_v5(out) else {
        panic!("no UNSUBACK")
    };
    let status: Vec<u8> = ack.status.into_iter().map(Into::into).collect();
    assert_eq!(status, [0, 0x11]);

    assert_eq!(
        read_v311(written(|out| V311.encode_pingresp(out))),
        v3::Packet::PingResponse
    );
    let reason = ReasonCode::SERVER_SHUTTING_DOWN;
    let out = written(|out| V5.encode_disconnect(reason, Some("back soon"), out));
    let v5::Packet::Disconnect(disconnect) = read_v5(out) else {
        panic!("no DISCONNECT")
    };
    assert_eq!(u8::from(disconnect.reason_code), 0x8B);
    assert_eq!(disconnect.reason_string.as_deref(), Some("back soon"));
    let out = written(|out| V311.encode_disconnect(reason, Some("back soon"), out));
    assert!(out.is_empty(), "a server of 3.1.1 sends no DISCONNECT");
}

/// Scenario: messages with and without everything a message can have.
/// Guarantee: clients of both versions read them back; 3.1.1 gets no properties.
#[test]
fn publish_is_read_back() {
    let properties = PublishProperties {
        payload_is_utf8: true,
        content_type: Some("text/plain".into()),
        response_topic: Some("r/s".into()),
        correlation_data: Some(b"\0\xff"[..].into()),
        // Those of the publisher's connection go no further.
        message_expiry_secs: Some(1),
        topic_alias: NonZeroU16::new(1),
        user_properties: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
    };
    let ids = [1, 200, 268_435_455].map(|id| NonZeroU32::new(id).unwrap());
    let publish = OutgoingPublish {
        dup: true,
        qos: 2,
        retain: true,
        packet_id: Some(id()),
        properties: Some(&properties),
        message_expiry_secs: Some(9),
        topic_alias: NonZeroU16::new(5),
        subscription_ids: &ids,
        ..OutgoingPublish::new("a/b", b"payload")
    };
    let out = written(|out| V5.encode_publish(&publish, out).unwrap());
    let expected = ClientPublish {
        dup: true,
        qos: QoS::ExactlyOnce,
        retain: true,
        topic: "a/b".into(),
        packet_id: Some(id()),
        payload: b"payload"[..].into(),
        properties: Some(v5::PublishProperties {
            is_utf8_payload: true,
            message_expiry_interval: NonZeroU32::new(9),
            content_type: Some("text/plain".into()),
            response_topic: Some("r/s".into()),
            correlation_data: Some(b"\0\xff"[..].into()),
            topic_alias: NonZeroU16::new(5),
            user_properties: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
            subscription_ids: ids.to_vec(),
        }),
    };
    assert_eq!(
        read_v5(out),
        v5::Packet::Publish(Box::new(expected.clone()))
    );
    let out = written(|out| V311.encode_publish(&publish, out).unwrap());
    let expected = ClientPublish {
        properties: None,
        ..expected
    };
    assert_eq!(read_v311(out), v3::Packet::Publish(Box::new(expected)));
    let out = written(|out| {
        V311.encode_publish(&OutgoingPublish::new("a", b""), out)
            .unwrap();
    });
    assert_eq!(&out[..], b"\x30\x03\0\x01a");
}

/// Scenario: packets of all the sizes where the length takes one byte more.
/// Guarantee: the client finds the same payload.
#[test]
fn lengths_are_right_at_their_borders() {
    for border in [127, 16_383, 2_097_151] {
        for size in border - 12..border + 12 {
            let payload = vec![b'x'; size];
            let publish = OutgoingPublish::new("a", &payload);
            let out = written(|out| V311.encode_publish(&publish, out).unwrap());
            let v3::Packet::Publish(read) = read_v311(out) else {
                panic!("no PUBLISH")
            };
            assert_eq!(read.payload.len(), size);
            let out = written(|out| V5.encode_publish(&publish, out).unwrap());
            let v5::Packet::Publish(read) = read_v5(out) else {
                panic!("no PUBLISH")
            };
            assert_eq!(read.payload.len(), size);
        }
    }
}

/// Scenario: packets that a client with a Maximum Packet Size has just room for, or not.
/// Guarantee: exactly the size fits; one byte more is an error that leaves the output alone;
/// CONNACK and DISCONNECT shed their words first.
#[test]
fn the_clients_packet_size_is_kept() {
    let publish = OutgoingPublish::new("a", b"payload123456789");
    let exact = small(22);
    let out = written(|out| exact.encode_publish(&publish, out).unwrap());
    assert_eq!(out.len(), 22);
    let mut out = BytesMut::from(&b"before"[..]);
    let error = small(21).encode_publish(&publish, &mut out).unwrap_err();
    assert_eq!(error, EncodeError::TooLarge { size: 22, max: 21 });
    let codes = [ReasonCode::SUCCESS; 16];
    assert!(small(20).encode_suback(id(), &codes, &mut out).is_err());
    assert!(small(20).encode_unsuback(id(), &codes, &mut out).is_err());
    assert_eq!(&out[..], b"before");

    let properties = ConnAckProperties {
        receive_max: NonZeroU16::new(20),
        reason_string: Some("a long welcome".into()),
        user_properties: vec![("name".into(), "value".into())],
        ..Default::default()
    };
    let connack = ConnAck {
        properties,
        ..ConnAck::default()
    };
    let out = written(|out| small(20).encode_connack(&connack, out).unwrap());
    assert_eq!(&out[..], b"\x20\x06\0\0\x03\x21\0\x14");
    let properties = ConnAckProperties {
        assigned_client_id: Some("x".repeat(20).into()),
        ..Default::default()
    };
    let connack = ConnAck {
        properties,
        ..ConnAck::default()
    };
    assert!(
        small(20)
            .encode_connack(&connack, &mut BytesMut::new())
            .is_err()
    );
    let reason = ReasonCode::SERVER_BUSY;
    let out = written(|out| small(20).encode_disconnect(reason, Some("try again later"), out));
    assert_eq!(&out[..], [0xE0, 1, 0x89]);
    let out = written(|out| small(20).encode_disconnect(reason, Some("try again"), out));
    assert_eq!(out.len(), 16);
}

/// Scenario: a PUBLISH whose identifier does not go with its `QoS`, or with fields that are too long.
/// Guarantee: an error that says so, and nothing written.
#[test]
fn what_cannot_be_written_is_an_error() {
    let mut out = BytesMut::new();
    let plain = OutgoingPublish::new("a", b"x");
    for publish in [
        OutgoingPublish { qos: 1, ..plain },
        OutgoingPublish {
            packet_id: Some(id()),
            ..plain
        },
    ] {
        assert_eq!(
            V5.encode_publish(&publish, &mut out),
            Err(EncodeError::PacketId)
        );
    }
    let long = "x".repeat(65_536);
    let too_long = Err(EncodeError::FieldTooLong { size: 65_536 });
    assert_eq!(
        V311.encode_publish(&OutgoingPublish::new(&long, b"x"), &mut out),
        too_long
    );
    let user_property = PublishProperties {
        user_properties: vec![("a".into(), long.clone().into())],
        ..Default::default()
    };
    let publish = OutgoingPublish {
        properties: Some(&user_property),
        ..plain
    };
    assert_eq!(V5.encode_publish(&publish, &mut out), too_long);
    let properties = ConnAckProperties {
        assigned_client_id: Some(long.clone().into()),
        ..Default::default()
    };
    let connack = ConnAck {
        properties,
        ..ConnAck::default()
    };
    assert_eq!(V5.encode_connack(&connack, &mut out), too_long);
    V5.encode_disconnect(ReasonCode::SERVER_BUSY, Some(&long), &mut out);
    assert_eq!(&out[..], [0xE0, 1, 0x89]);
}
