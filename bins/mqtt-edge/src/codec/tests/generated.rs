//! Generated packets: rmqtt-codec writes as the client, mutations attack, reads are cut anywhere.

use std::num::{NonZeroU16, NonZeroU32};

use bytestring::ByteString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rmqtt_codec::types::{Publish as ClientPublish, QoS};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Encoder as _;

use super::super::{Encoder, OutgoingPublish, Publish};
use super::*;

fn text() -> impl Strategy<Value = ByteString> {
    "[a-zA-Z0-9 $/\u{e4}\u{20ac}\u{2A6D4}]{1,20}".prop_map(ByteString::from)
}

fn filter() -> impl Strategy<Value = ByteString> {
    let level = prop_oneof![Just("+".to_owned()), "[a-z$\u{e4}]{0,6}"];
    vec(level, 1..5).prop_map(|levels| ByteString::from(format!("a/{}/#", levels.join("/"))))
}

fn packet_id() -> impl Strategy<Value = NonZeroU16> {
    (1..=u16::MAX).prop_map(|id| NonZeroU16::new(id).unwrap())
}

fn user_properties() -> impl Strategy<Value = Vec<(ByteString, ByteString)>> {
    vec((text(), text()), 0..4)
}

fn publish_properties() -> impl Strategy<Value = v5::PublishProperties> {
    (
        any::<bool>(),
        option::of(1..u32::MAX),
        option::of(text()),
        option::of(text()),
        user_properties(),
    )
        .prop_map(
            |(utf8, expiry, content_type, response_topic, user_properties)| v5::PublishProperties {
                is_utf8_payload: utf8,
                message_expiry_interval: expiry.and_then(NonZeroU32::new),
                content_type,
                response_topic,
                user_properties,
                ..Default::default()
            },
        )
}

fn publish() -> impl Strategy<Value = ClientPublish> {
    let payload = vec(any::<u8>(), 0..300);
    (
        any::<bool>(),
        0_u8..3,
        any::<bool>(),
        text(),
        packet_id(),
        payload,
        publish_properties(),
    )
        .prop_map(
            |(dup, qos, retain, topic, id, payload, properties)| ClientPublish {
                dup: dup && qos > 0,
                qos: QoS::try_from(qos).unwrap(),
                retain,
                topic,
                packet_id: (qos > 0).then_some(id),
                payload: payload.into(),
                properties: Some(properties),
            },
        )
}

fn ack() -> impl Strategy<Value = v5::PublishAck> {
    packet_id().prop_map(|packet_id| v5::PublishAck {
        packet_id,
        reason_code: v5::PublishAckReason::QuotaExceeded,
        ..Default::default()
    })
}

fn v5_packet() -> impl Strategy<Value = v5::Packet> {
    let subscribe = (
        packet_id(),
        vec((filter(), 0_u8..3), 1..4),
        user_properties(),
    )
        .prop_map(|(packet_id, filters, user_properties)| {
            let options = |qos| v5::SubscriptionOptions {
                qos: QoS::try_from(qos).unwrap(),
                no_local: qos == 1,
                ..Default::default()
            };
            v5::Packet::Subscribe(v5::Subscribe {
                packet_id,
                id: NonZeroU32::new(u32::from(packet_id.get())),
                user_properties,
                topic_filters: filters
                    .into_iter()
                    .map(|(f, qos)| (f, options(qos)))
                    .collect(),
            })
        });
    let unsubscribe = (packet_id(), vec(filter(), 1..4), user_properties()).prop_map(
        |(packet_id, topic_filters, user_properties)| {
            v5::Packet::Unsubscribe(v5::Unsubscribe {
                packet_id,
                user_properties,
                topic_filters,
            })
        },
    );
    prop_oneof![
        4 => publish().prop_map(|publish| v5::Packet::Publish(Box::new(publish))),
        1 => subscribe,
        1 => unsubscribe,
        1 => ack().prop_map(v5::Packet::PublishAck),
        1 => ack().prop_map(v5::Packet::PublishReceived),
        1 => Just(v5::Packet::PingRequest),
    ]
}

fn v311_packet() -> impl Strategy<Value = v3::Packet> {
    let filters = vec(
        (
            filter(),
            (0_u8..3).prop_map(|qos| QoS::try_from(qos).unwrap()),
        ),
        1..4,
    );
    prop_oneof![
        4 => publish().prop_map(|publish| {
            v3::Packet::Publish(Box::new(ClientPublish { properties: None, ..publish }))
        }),
        1 => (packet_id(), filters).prop_map(|(packet_id, topic_filters)| {
            v3::Packet::Subscribe { packet_id, topic_filters }
        }),
        1 => (packet_id(), vec(filter(), 1..4)).prop_map(|(packet_id, topic_filters)| {
            v3::Packet::Unsubscribe { packet_id, topic_filters }
        }),
        1 => packet_id().prop_map(|packet_id| v3::Packet::PublishAck { packet_id }),
        1 => packet_id().prop_map(|packet_id| v3::Packet::PublishRelease { packet_id }),
        1 => Just(v3::Packet::PingRequest),
    ]
}

/// What a client sends: CONNECT, then some packets. With the number of packets.
fn client_stream() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let v5 =
        (text(), option::of(text()), vec(v5_packet(), 1..6)).prop_map(|(id, user, packets)| {
            let connect = v5::Connect {
                client_id: id,
                username: user,
                ..Default::default()
            };
            let mut out = BytesMut::new();
            let count = packets.len() + 1;
            for packet in std::iter::once(v5::Packet::from(connect)).chain(packets) {
                v5::Codec::new(0, 0).encode(packet, &mut out).unwrap();
            }
            (out.to_vec(), count)
        });
    let v311 = (text(), vec(v311_packet(), 1..6)).prop_map(|(id, packets)| {
        let connect = v3::Connect {
            client_id: id,
            ..Default::default()
        };
        let mut out = BytesMut::new();
        let count = packets.len() + 1;
        for packet in std::iter::once(v3::Packet::from(connect)).chain(packets) {
            v3::Codec::new(0).encode(packet, &mut out).unwrap();
        }
        (out.to_vec(), count)
    });
    prop_oneof![v5, v311]
}

/// A change to a stream: where (as a share of its length), what, and which byte.
type Mutation = (f64, u8, u8);

fn mutate(bytes: &mut Vec<u8>, (place, what, byte): Mutation) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let at = (place * bytes.len() as f64) as usize;
    match what % 5 {
        _ if at >= bytes.len() => bytes.push(byte),
        0 => bytes[at] = byte,
        1 => bytes[at] ^= 1 << (byte % 8),
        2 => bytes.insert(at, byte),
        3 => drop(bytes.remove(at)),
        _ => bytes.truncate(at),
    }
}

/// Decodes to the end or to the first error.
fn swallow(bytes: &[u8]) -> Result<usize, ProtocolError> {
    let mut decoder = Decoder::new(Limits {
        topic_alias_max: 10,
        ..Limits::default()
    });
    let mut buf = BytesMut::from(bytes);
    let mut count = 0;
    while decoder.decode(&mut buf)?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The publish as a client of rmqtt-codec wrote it, in our model.
fn is_same(ours: &Publish, client: &ClientPublish) -> bool {
    let properties = match (&ours.properties, &client.properties) {
        (None, None) => true,
        (None, Some(client)) => *client == v5::PublishProperties::default(),
        (Some(_), None) => false,
        (Some(ours), Some(client)) => {
            ours.payload_is_utf8 == client.is_utf8_payload
                && ours.message_expiry_secs == client.message_expiry_interval.map(NonZeroU32::get)
                && ours.content_type == client.content_type
                && ours.response_topic == client.response_topic
                && ours.correlation_data == client.correlation_data
                && ours.user_properties == client.user_properties
        }
    };
    properties
        && (ours.dup, ours.qos, ours.retain) == (client.dup, client.qos.value(), client.retain)
        && ours.topic == client.topic
        && ours.packet_id == client.packet_id
        && ours.payload == client.payload
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Scenario: any legal stream, read in pieces of any sizes.
    /// Guarantee: the packets are those of one read, and all of them come.
    #[test]
    fn reads_may_be_cut_anywhere(
        (bytes, count) in client_stream(),
        sizes in vec(1_usize..40, 1..20),
    ) {
        let whole = decode_all(&mut Decoder::new(Limits::default()), &bytes).unwrap();
        prop_assert_eq!(whole.len(), count);
        let mut decoder = Decoder::new(Limits::default());
        let (mut buf, mut packets, mut rest) = (BytesMut::new(), Vec::new(), &bytes[..]);
        for size in sizes.iter().cycle() {
            let (piece, tail) = rest.split_at((*size).min(rest.len()));
            buf.extend_from_slice(piece);
            rest = tail;
            while let Some(packet) = decoder.decode(&mut buf).unwrap() {
                packets.push(packet);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(packets, whole);
    }

    /// Scenario: any message, written by rmqtt-codec and read here, and the other way round.
    /// Guarantee: both agree on every field, in both versions.
    #[test]
    fn messages_agree_with_rmqtt_codec(client in publish()) {
        let without = ClientPublish { properties: None, ..client.clone() };
        let mut out = BytesMut::new();
        v3::Codec::new(0).encode(v3::Packet::Publish(Box::new(without.clone())), &mut out).unwrap();
        let v311_bytes = out.split().to_vec();
        v5::Codec::new(0, 0).encode(v5::Packet::Publish(Box::new(client.clone())), &mut out).unwrap();
        let Packet::Publish(ours) = one(Version::V311, &v311_bytes) else { panic!("no PUBLISH") };
        prop_assert!(is_same(&ours, &without));
        let Packet::Publish(ours) = one(Version::V5, &out) else { panic!("no PUBLISH") };
        prop_assert!(is_same(&ours, &client));

        let publish = OutgoingPublish {
            dup: ours.dup,
            qos: ours.qos,
            retain: ours.retain,
            packet_id: ours.packet_id,
            properties: ours.properties.as_deref(),
            message_expiry_secs: ours.properties.as_ref().and_then(|sent| sent.message_expiry_secs),
            topic_alias: ours.properties.as_ref().and_then(|sent| sent.topic_alias),
            ..OutgoingPublish::new(&ours.topic, &ours.payload)
        };
        let mut written = BytesMut::new();
        Encoder::new(Version::V311).encode_publish(&publish, &mut written).unwrap();
        prop_assert_eq!(&written[..], &v311_bytes[..]);
        written.clear();
        Encoder::new(Version::V5).encode_publish(&publish, &mut written).unwrap();
        prop_assert_eq!(one(Version::V5, &written), Packet::Publish(ours));
    }
}

proptest! {
    #![proptest_config(cases(5_000))]

    /// Scenario: a legal stream with some bytes changed, inserted, removed or cut off.
    /// Guarantee: packets or an error, never a panic; an error always has a refusal's code and words.
    #[test]
    fn mutated_streams_never_panic(
        (mut bytes, _) in client_stream(),
        mutations in vec((0.0..1.0, any::<u8>(), any::<u8>()), 1..6),
    ) {
        for mutation in mutations {
            mutate(&mut bytes, mutation);
        }
        if let Err(error) = swallow(&bytes) {
            prop_assert!(error.reason().is_failure());
            prop_assert!(!error.text().is_empty() && !error.statement().is_empty());
        }
    }

    /// Scenario: packets of any type with any body, its bytes likely to be lengths and properties.
    /// Guarantee: packets or an error, never a panic.
    #[test]
    fn arbitrary_bodies_never_panic(
        packets in vec((any::<u8>(), vec(prop_oneof![0_u8..8, 0_u8..64, any::<u8>()], 0..32)), 1..4),
        version in prop::sample::select(&BOTH[..]),
    ) {
        let mut bytes = match version {
            Version::V311 => connect(version, 2, &[&field("a")]),
            Version::V5 => connect_with(&[b"\x15\0\x01m\x11\0\0\0\x01"]),
        };
        for (kind, body) in packets {
            let flags = if matches!(kind >> 4, 6 | 8 | 10) { 2 } else { kind & 0x0F };
            let flags = if kind >> 4 == 3 || kind % 3 == 0 { flags } else { flags & 2 };
            bytes.extend_from_slice(&packet((kind & 0xF0) | flags, &[&body]));
        }
        prop_assert!(swallow(&bytes).map_or_else(|error| error.reason().is_failure(), |count| count > 0));
    }
}
