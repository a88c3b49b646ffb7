//! `schemas/latchwork.proto` says what is stored.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use record::UserProperty;
use session::{EntryError, StoredMessage, decode_entry, encode_entry};

fn full() -> StoredMessage {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    StoredMessage {
        topic: text("topic"),
        payload: Bytes::from_static(b"\xff\x00"),
        qos: 2,
        retain: true,
        from_client_id: text("client"),
        from_username: text("user"),
        trace: Bytes::from_static(&[1; 25]),
        received_at_ms: u64::MAX,
        expires_at_ms: 7,
        payload_is_utf8: true,
        content_type: Some(text("text/plain")),
        response_topic: Some(text("answers")),
        correlation_data: Some(Bytes::from_static(b"\xfe")),
        user_properties: vec![UserProperty {
            name: text("n"),
            value: text("v"),
        }],
        subscription_ids: vec![1, 268_435_455],
    }
}

/// Scenario: a stage in another language reads our entries with the .proto, and answers with its own.
/// Guarantee: it sees every field of every message under its name, and we read its bytes alike.
#[test]
fn the_proto_file_describes_what_is_stored() {
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
    let files = protox::compile(["latchwork.proto"], [schemas]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    let descriptor = pool
        .get_message_by_name("latchwork.v1.StoredEntry")
        .unwrap();
    let ours = encode_entry(&[full(), full()]);
    let theirs = DynamicMessage::decode(descriptor, ours).unwrap();
    let items = theirs.get_field_by_name("items").unwrap();
    let [Value::Message(item), Value::Message(_)] = items.as_list().unwrap() else {
        panic!("two items")
    };
    for field in item.descriptor().fields() {
        assert!(
            item.has_field(&field),
            "{} is not written",
            field.full_name()
        );
    }
    assert_eq!(item.unknown_fields().count(), 0);
    let read = decode_entry(theirs.encode_to_vec().into()).unwrap();
    assert_eq!(read, [full(), full()]);
}

/// Scenario: properties that are there and empty, and that are not there.
/// Guarantee: they are told apart.
#[test]
fn absent_is_not_empty() {
    let absent = StoredMessage::default();
    let empty = StoredMessage {
        correlation_data: Some(Bytes::new()),
        content_type: Some(Bytes::new()),
        ..absent.clone()
    };
    let read = decode_entry(encode_entry(&[absent.clone(), empty.clone()])).unwrap();
    assert_eq!(read, [absent, empty]);
    assert_eq!(decode_entry(encode_entry(&[])).unwrap(), []);
}

/// Scenario: bytes that are no entry, and a message whose response topic is not UTF-8.
/// Guarantee: both are refused with what and where.
#[test]
fn broken_entries_are_refused() {
    let error = decode_entry(Bytes::from_static(b"\xff\xff")).unwrap_err();
    assert!(matches!(error, EntryError::Decode(_)));
    let broken = StoredMessage {
        response_topic: Some(Bytes::from_static(b"\xc3\x28")),
        ..full()
    };
    let error = decode_entry(encode_entry(&[full(), broken.clone()])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "message 1 of the entry: its response_topic is not UTF-8"
    );
    assert!(StoredMessage::read(broken.encode_to_vec().into()).is_err());
}
