//! `schemas/latchwork.proto` is what other languages read, the structs are what Latchwork runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind as FieldKind, ReflectMessage, Value};
use record::{
    DeadLetter, Frame, FrameBuilder, Header, KafkaRecord, Kind, Original, Record, UserProperty,
    Verdict,
};

fn pool() -> DescriptorPool {
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
    let files = protox::compile(["latchwork.proto"], [schemas]).unwrap();
    DescriptorPool::from_file_descriptor_set(files).unwrap()
}

fn full_record() -> Record {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    Record {
        kind: Kind::Unrouted.into(),
        client_id: text("client"),
        username: text("user"),
        from_client_id: text("from client"),
        from_username: text("from user"),
        topic: text("topic"),
        payload: Bytes::from_static(b"\xff\x00"),
        qos: 2,
        retain: true,
        dup: true,
        received_at_ms: u64::MAX,
        node: text("node"),
        peer: text("127.0.0.1:1883"),
        protocol_name: text("MQTT"),
        protocol_version: 5,
        keepalive_s: 60,
        reason: text("reason"),
        session_epoch: 7,
        user_properties: vec![UserProperty {
            name: text("n"),
            value: text("v"),
        }],
        trace: Bytes::from_static(&[1; 25]),
        verdict: Verdict::Malformed.into(),
        publisher_trace: Bytes::from_static(&[2; 25]),
        republished_by: text("rule"),
        republish_hops: 2,
        message_expiry_s: 3600,
        event_fields: text("{}"),
    }
}

fn full_kafka_record() -> KafkaRecord {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    KafkaRecord {
        topic: text("topic"),
        key: Some(text("key")),
        value: Bytes::from_static(b"\xff"),
        headers: vec![Header {
            name: text("n"),
            value: Bytes::from_static(b"\xfe"),
        }],
        timestamp_ms: 1,
        trace: Bytes::from_static(&[1; 25]),
        origin_node: text("edge"),
        origin_sequence: 2,
        origin_index: 3,
        origin_output: 4,
        client_id: text("client"),
        partition: Some(5),
        random_partition: true,
        topic_is_dynamic: true,
        is_envelope: true,
    }
}

fn full_dead_letter() -> DeadLetter {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    DeadLetter {
        stage: text("transform"),
        code: text("schema"),
        schema: text("lock-state"),
        pointer: text("/battery"),
        detail: text("\"full\" is not a number"),
        refused_at_ms: 1,
        stream: text("UP"),
        sequence: 2,
        index: 3,
        original: Some(Original::KafkaRecord(full_kafka_record())),
    }
}

/// Every field of the message is set, of the declared type, and nothing was left unknown.
fn assert_complete(message: &DynamicMessage) {
    for field in message.descriptor().fields() {
        let of_oneof = field
            .containing_oneof()
            .is_some_and(|oneof| !oneof.is_synthetic());
        if of_oneof && !message.has_field(&field) {
            continue;
        }
        assert!(
            message.has_field(&field),
            "{} is not written",
            field.full_name()
        );
        if let (FieldKind::Enum(kinds), Value::EnumNumber(number)) =
            (field.kind(), message.get_field(&field).as_ref())
        {
            assert!(
                kinds.get_value(*number).is_some(),
                "{} lacks {number}",
                kinds.full_name()
            );
            let last = kinds.values().map(|value| value.number()).max();
            assert_eq!(
                last,
                Some(*number),
                "{} has another last value",
                kinds.full_name()
            );
        }
    }
    assert_eq!(
        message.unknown_fields().count(),
        0,
        "fields that the .proto does not know"
    );
}

/// Scenario: a stage in another language reads our frames with the .proto, and answers with its own.
/// Guarantee: it sees every field of every record under its name, and we read its bytes alike.
#[test]
fn the_proto_file_describes_what_is_sent() {
    let pool = pool();
    let mut builder = FrameBuilder::new();
    builder.push(&full_record());
    check(
        &pool,
        "latchwork.v1.RecordFrame",
        builder.take(),
        &Frame {
            items: vec![full_record()],
        },
    );
    builder.push(&full_kafka_record());
    let expected = Frame {
        items: vec![full_kafka_record()],
    };
    check(
        &pool,
        "latchwork.v1.KafkaRecordFrame",
        builder.take(),
        &expected,
    );
    builder.push(&full_dead_letter());
    let expected = Frame {
        items: vec![full_dead_letter()],
    };
    check(
        &pool,
        "latchwork.v1.DeadLetterFrame",
        builder.take(),
        &expected,
    );
}

fn check<T: record::FrameItem>(
    pool: &DescriptorPool,
    name: &str,
    ours: Bytes,
    expected: &Frame<T>,
) {
    let descriptor = pool.get_message_by_name(name).unwrap();
    let theirs = DynamicMessage::decode(descriptor, ours).unwrap();
    let items = theirs.get_field_by_name("items").unwrap();
    let [Value::Message(item)] = items.as_list().unwrap() else {
        panic!("one item")
    };
    assert_complete(item);
    let read = Frame::<T>::read(theirs.encode_to_vec().into()).unwrap();
    assert_eq!(&read, expected);
}
