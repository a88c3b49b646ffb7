//! What can be published, and how it looks to subscribers, without a network.

use bytes::Bytes;
use record::{Kind, Origin, Record, UserProperty};
use stage::{Handler, Outputs};

use super::check::CheckMessage;

const LIMIT: u32 = 100_000;

fn record(topic: &str) -> Record {
    Record {
        kind: Kind::Publish.into(),
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        ..Record::default()
    }
}

fn with_property(name: &str, value: &str) -> Record {
    let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Record {
        user_properties: vec![UserProperty {
            name: text(name),
            value: text(value),
        }],
        ..record("a")
    }
}

/// The code of the reject; empty when it passes, unchanged.
fn code_of(record: &Record) -> &'static str {
    let mut out = Outputs::default();
    let handled = CheckMessage::new(LIMIT).handle(record, Origin::default(), &mut out);
    match handled {
        Ok(()) => {
            assert_eq!(out.items(), std::slice::from_ref(record));
            ""
        }
        Err(reject) => {
            assert!(out.items().is_empty());
            reject.code
        }
    }
}

/// Scenario: records whose topic, properties, size, quality of service or kind no client could
/// publish, and their neighbours that one could.
/// Guarantee: each of the former is rejected with the word for its cause, the others pass as they
/// are.
#[test]
fn only_what_a_client_could_publish_passes() {
    for topic in ["a", "/", "devices/1/state", "a b/\u{95e8}", "a/$b"] {
        assert_eq!(code_of(&record(topic)), "", "{topic:?}");
    }
    let long = "a".repeat(65_536);
    for topic in [
        "",
        "a/+",
        "#",
        "a\0b",
        "$SYS/x",
        "$share/g/a",
        "a\nb",
        &long,
    ] {
        assert_eq!(code_of(&record(topic)), "topic", "{topic:?}");
    }
    assert_eq!(code_of(&record(&long[1..])), "");
    assert_eq!(code_of(&with_property("name", "")), "");
    assert_eq!(code_of(&with_property("name", &long)), "user-property");
    assert_eq!(code_of(&with_property("na\u{1}me", "")), "user-property");
    let changed = |change: fn(&mut Record)| {
        let mut record = record("a");
        change(&mut record);
        code_of(&record)
    };
    assert_eq!(changed(|record| record.qos = 2), "");
    assert_eq!(changed(|record| record.qos = 3), "qos");
    assert_eq!(changed(|record| record.set_kind(Kind::Connected)), "kind");
    let payload = |record: &mut Record, bytes| record.payload = vec![0; bytes].into();
    let mut large = record("a");
    payload(&mut large, 99_000);
    assert_eq!(code_of(&large), "");
    payload(&mut large, 100_000);
    assert_eq!(code_of(&large), "too-large");
}
