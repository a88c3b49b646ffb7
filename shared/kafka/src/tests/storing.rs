//! What is stored, and where.

use record::{Header, KafkaRecord, TraceContext};

use super::{Fixture, assert_complete_and_in_order, lane_batch, numbered, send};

/// Scenario: a record with key, time, trace, origin and a header of its own; one with none of
/// them; one with an empty value.
/// Guarantee: Kafka holds all of it, byte for byte, and the headers in this order.
#[tokio::test]
async fn stores_everything_that_a_record_has() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic("one", 1).unwrap();
    let trace = TraceContext::root(true);
    let full = KafkaRecord {
        topic: "one".into(),
        trace: trace.to_binary().to_vec().into(),
        origin_index: 7,
        origin_output: 2,
        headers: vec![Header {
            name: "model".into(),
            value: "\u{0}\u{ff}".into(),
        }],
        ..numbered(5)
    };
    let bare = KafkaRecord {
        topic: "one".into(),
        key: None,
        timestamp_ms: 1,
        ..KafkaRecord::default()
    };
    let refused = send(&mut fixture.sink(), &[full.clone(), bare]).await;
    assert_eq!(refused, []);
    let stored = fixture.stored_in("one", 2).await;
    let names: Vec<_> = stored[0].headers.iter().map(|h| h.name.as_ref()).collect();
    assert_eq!(names, [b"traceparent".as_ref(), b"lw-seq", b"model"]);
    let traceparent = trace.to_string();
    assert_eq!(
        stored[0].header("traceparent"),
        Some(traceparent.as_bytes())
    );
    assert_eq!(stored[0].header("lw-seq"), Some(b"edge-1-5-7-2".as_ref()));
    assert_eq!(stored[0].header("model"), Some("\u{0}\u{ff}".as_bytes()));
    assert_eq!(stored[0].key, full.key);
    assert_eq!(stored[0].value, Some(full.value));
    assert_eq!(stored[0].timestamp_ms, Some(full.timestamp_ms));
    assert_eq!(stored[1].key, None);
    assert_eq!(stored[1].value.as_deref(), Some(b"".as_ref()));
    assert_eq!(stored[1].header("traceparent"), None);
}

/// Scenario: a record has headers of its own, several of one name, one with an empty value, one
/// without a name, and some with the names of ours; it has no trace. Another one has a trace as
/// well.
/// Guarantee: its own come in their order, byte for byte, but the nameless one is left out; ours are there once, as we write them,
/// and `traceparent` never is what the record says.
#[tokio::test]
async fn our_headers_are_ours() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic("one", 1).unwrap();
    let header = |name: &'static str, value: &'static [u8]| Header {
        name: name.into(),
        value: value.into(),
    };
    let untraced = KafkaRecord {
        topic: "one".into(),
        headers: vec![
            header("b", b"\xff\x00"),
            header("traceparent", b"forged"),
            header("a", b""),
            header("", b"nameless"),
            header("lw-seq", b"forged"),
            header("b", b"2"),
        ],
        ..numbered(5)
    };
    let trace = TraceContext::root(true);
    let traced = KafkaRecord {
        trace: trace.to_binary().to_vec().into(),
        ..untraced.clone()
    };
    assert_eq!(send(&mut fixture.sink(), &[untraced, traced]).await, []);
    let stored = fixture.stored_in("one", 2).await;
    let sequence = header("lw-seq", b"edge-1-5-0-0");
    let own = [
        header("b", b"\xff\x00"),
        header("a", b""),
        header("b", b"2"),
    ];
    assert_eq!(
        stored[0].headers,
        [std::slice::from_ref(&sequence), own.as_slice()].concat()
    );
    let traceparent = Header {
        name: "traceparent".into(),
        value: trace.to_string().into(),
    };
    assert_eq!(
        stored[1].headers,
        [&[traceparent, sequence], own.as_slice()].concat()
    );
}

/// Scenario: keys whose partition the Java client computes with murmur2 (values from its
/// `Utils.murmur2` and `toPositive`, as in its own tests).
/// Guarantee: the records land on those partitions.
#[tokio::test]
async fn keys_land_where_java_puts_them() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic("wide", 100).unwrap();
    let java: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        (
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
            -58_897_971,
        ),
        ("abc", 479_470_107),
    ];
    let record = |(key, _): &(&'static str, i32)| KafkaRecord {
        topic: "wide".into(),
        key: Some((*key).into()),
        ..numbered(0)
    };
    let records: Vec<_> = java.iter().map(record).collect();
    send(&mut fixture.sink(), &records).await;
    let stored = fixture.stored_in("wide", java.len()).await;
    for (key, hash) in java {
        let found = stored
            .iter()
            .find(|r| r.key.as_deref() == Some(key.as_bytes()));
        assert_eq!(found.unwrap().partition, (hash & i32::MAX) % 100, "{key}");
    }
}

/// Scenario: four lanes share one producer, each with batches of its own, also above the window.
/// Guarantee: every record of every lane is there, in order per key.
#[tokio::test]
async fn lanes_share_a_producer() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let lanes = (0..4_u64).map(|lane| {
        let mut sink = producer.sink().unwrap();
        async move {
            for (first, end) in [(0, 1), (1, 3), (3, 7000)] {
                let numbers = lane * 7000 + first..lane * 7000 + end;
                assert_eq!(send(&mut sink, &lane_batch(lane, numbers)).await, []);
            }
        }
    });
    futures::future::join_all(lanes).await;
    assert_complete_and_in_order(&fixture.stored(4 * 7000).await, 0..4 * 7000);
    assert_eq!(producer.status().in_flight, 0);
}
