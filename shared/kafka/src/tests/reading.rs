//! The reader.

use super::{DEADLINE, Fixture, TOPIC, batch, number, numbered, read, send};
use crate::{KafkaError, KafkaReader, Start};

/// Scenario: 100 records of one key are there; readers open at each start, then five more come.
/// Guarantee: each reads from its place on, and nothing that came after it was opened is missed.
#[tokio::test]
async fn reads_from_each_start() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic("one", 1).unwrap();
    let items = |range: std::ops::Range<u64>| -> Vec<_> {
        let one = |n| record::KafkaRecord {
            topic: "one".into(),
            ..numbered(n)
        };
        range.map(one).collect()
    };
    let mut sink = fixture.sink();
    send(&mut sink, &items(0..100)).await;
    let connection = fixture.connection();
    let starts = [
        (Start::Beginning, 0),
        (Start::Offset(40), 40),
        (Start::Last(10), 90),
        (Start::Last(1000), 0),
        (Start::End, 100),
    ];
    let mut readers = Vec::new();
    for (start, first) in starts {
        let reader = KafkaReader::open(&connection, &["one"], start, DEADLINE)
            .await
            .unwrap();
        readers.push((reader, first));
    }
    send(&mut sink, &items(100..105)).await;
    for (mut reader, first) in readers {
        let count = usize::try_from(105 - first).unwrap();
        let numbers: Vec<_> = read(&mut reader, count).await.iter().map(number).collect();
        assert_eq!(numbers, (first..105).collect::<Vec<_>>());
    }
}

/// Scenario: one of the topics to read is missing.
/// Guarantee: opening fails and names it.
#[tokio::test]
async fn a_missing_topic_is_named() {
    let fixture = Fixture::new();
    let topics = [TOPIC, "missing"];
    let opened = KafkaReader::open(&fixture.connection(), &topics, Start::End, DEADLINE).await;
    assert!(matches!(opened, Err(KafkaError::UnknownTopic { topic }) if topic == "missing"));
}

/// Scenario: two topics are read while Kafka goes away for a moment between two batches.
/// Guarantee: the reader goes on by itself and misses nothing.
#[tokio::test]
async fn reading_survives_an_outage() {
    let fixture = Fixture::new();
    let connection = fixture.connection();
    fixture.kafka.create_topic("other", 1).unwrap();
    let topics = [TOPIC, "other"];
    let opened = KafkaReader::open(&connection, &topics, Start::End, DEADLINE);
    let mut reader = opened.await.unwrap();
    let mut sink = fixture.sink();
    send(&mut sink, &batch(0..500)).await;
    assert_eq!(read(&mut reader, 500).await.len(), 500);
    fixture.kafka.cluster().broker_down(-1).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    fixture.kafka.cluster().broker_up(-1).unwrap();
    send(&mut sink, &batch(500..600)).await;
    let mut last = numbered(600);
    last.topic = "other".into();
    send(&mut sink, &[last]).await;
    let mut numbers: Vec<_> = read(&mut reader, 101).await.iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (500..=600).collect::<Vec<_>>());
}
