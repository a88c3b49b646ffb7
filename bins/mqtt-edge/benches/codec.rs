//! Nanoseconds per packet of the codec seam, beside rmqtt-codec alone.
//!
//! A read of 64 packets is decoded at a time, as under load. Run: `cargo bench -p mqtt-edge`.

use std::hint::black_box;
use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mqtt_edge::codec::{Decoder, Encoder, Limits, OutgoingPublish, ReasonCode, Version};
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder as _, Encoder as _};

const PACKETS: usize = 64;
const TOPIC: &str = "locks/site-0042/lock-000123/state";

fn publish(user_properties: usize) -> Publish {
    let properties = v5::PublishProperties {
        user_properties: (0..user_properties)
            .map(|n| (format!("name-{n}").into(), "a value of some length".into()))
            .collect(),
        ..Default::default()
    };
    Publish {
        dup: false,
        retain: false,
        qos: QoS::AtLeastOnce,
        topic: TOPIC.into(),
        packet_id: NonZeroU16::new(4711),
        payload: Bytes::from(vec![b'x'; 200]),
        properties: Some(properties),
    }
}

fn v311_packets() -> BytesMut {
    let mut out = BytesMut::new();
    let mut publish = publish(0);
    publish.properties = None;
    for _ in 0..PACKETS {
        v3::Codec::new(0)
            .encode(v3::Packet::Publish(Box::new(publish.clone())), &mut out)
            .expect("a legal packet");
    }
    out
}

fn v5_packets(user_properties: usize) -> BytesMut {
    let mut out = BytesMut::new();
    for _ in 0..PACKETS {
        v5::Codec::new(0, 0)
            .encode(v5::Packet::from(publish(user_properties)), &mut out)
            .expect("a legal packet");
    }
    out
}

/// A decoder that has seen its CONNECT.
fn connected(version: Version) -> Decoder {
    let mut connect = BytesMut::from(&b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"[..]);
    if version == Version::V5 {
        connect = BytesMut::from(&b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a"[..]);
    }
    let mut decoder = Decoder::new(Limits::default());
    decoder
        .decode(&mut connect)
        .expect("a legal CONNECT")
        .expect("a whole CONNECT");
    decoder
}

/// Feeds `read` again and again, as a socket would.
fn decode_all<F>(c: &mut Criterion, name: &str, read: &BytesMut, mut next: F)
where
    F: FnMut(&mut BytesMut) -> bool,
{
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(PACKETS as u64));
    let mut buf = BytesMut::with_capacity(64 * 1024);
    group.bench_function(name, |b| {
        b.iter(|| {
            buf.reserve(read.len());
            buf.extend_from_slice(read);
            let mut decoded = 0;
            while next(&mut buf) {
                decoded += 1;
            }
            assert_eq!(decoded, PACKETS);
        });
    });
    group.finish();
}

fn decode(c: &mut Criterion) {
    let cases = [
        ("v311", Version::V311, v311_packets()),
        ("v5", Version::V5, v5_packets(0)),
        ("v5_two_user_properties", Version::V5, v5_packets(2)),
    ];
    for (name, version, read) in &cases {
        let mut ours = connected(*version);
        decode_all(c, name, read, |buf| {
            black_box(ours.decode(buf).expect("a legal packet")).is_some()
        });
        let (mut v311, mut v5) = (v3::Codec::new(0), v5::Codec::new(0, 0));
        decode_all(
            c,
            &format!("{name}_rmqtt_codec"),
            read,
            |buf| match version {
                Version::V311 => black_box(v311.decode(buf).expect("a legal packet")).is_some(),
                Version::V5 => black_box(v5.decode(buf).expect("a legal packet")).is_some(),
            },
        );
    }
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(PACKETS as u64));
    let id = NonZeroU16::new(4711).expect("not 0");
    let payload = [b'x'; 200];
    let mut out = BytesMut::with_capacity(32 * 1024);
    for version in [Version::V311, Version::V5] {
        let encoder = Encoder::new(version);
        group.bench_function(format!("puback_{version}"), |b| {
            b.iter(|| {
                out.clear();
                for _ in 0..PACKETS {
                    encoder.encode_puback(black_box(id), ReasonCode::SUCCESS, &mut out);
                }
                black_box(&out);
            });
        });
        let publish = OutgoingPublish {
            qos: 1,
            packet_id: Some(id),
            ..OutgoingPublish::new(TOPIC, &payload)
        };
        group.bench_function(format!("publish_{version}"), |b| {
            b.iter(|| {
                out.clear();
                for _ in 0..PACKETS {
                    encoder
                        .encode_publish(black_box(&publish), &mut out)
                        .expect("a legal packet");
                }
                black_box(&out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
