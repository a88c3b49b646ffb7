//! The sink, reader and topics against librdkafka's mock cluster, with injected faults.

mod conformance;
mod connection;
mod dynamic_topics;
mod faults;
mod outage;
mod partitions;
mod reading;
mod renewal;
mod storing;
mod topics;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use record::KafkaRecord;
use stage::{Refused, Sink};

use crate::{
    InMemoryKafka, KafkaConnection, KafkaProducer, KafkaReader, KafkaSink, ReadRecord, Start,
    UnknownTopic,
};

/// Nothing that these tests wait for takes this long.
const DEADLINE: Duration = Duration::from_mins(1);

const TOPIC: &str = "message_state";

/// An in-memory Kafka with one topic of four partitions.
struct Fixture {
    kafka: InMemoryKafka,
    overrides: BTreeMap<String, String>,
}

impl Fixture {
    fn new() -> Self {
        let kafka = InMemoryKafka::start().unwrap();
        kafka.create_topic(TOPIC, 4).unwrap();
        let overrides = BTreeMap::new();
        Self { kafka, overrides }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.overrides.insert(key.into(), value.into());
        self
    }

    fn connection(&self) -> KafkaConnection {
        KafkaConnection::new(self.kafka.address())
            .unwrap()
            .with_librdkafka(self.overrides.clone())
            .unwrap()
    }

    fn producer(&self) -> KafkaProducer {
        KafkaProducer::new(&self.connection(), UnknownTopic::Wait).unwrap()
    }

    fn sink(&self) -> KafkaSink {
        self.producer().sink().unwrap()
    }

    /// Everything in a topic, at least `count` records.
    async fn stored_in(&self, topic: &str, count: usize) -> Vec<ReadRecord> {
        let connection = KafkaConnection::new(self.kafka.address()).unwrap();
        let topics = [topic];
        let reader = KafkaReader::open(&connection, &topics, Start::Beginning, DEADLINE);
        read(&mut reader.await.unwrap(), count).await
    }

    async fn stored(&self, count: usize) -> Vec<ReadRecord> {
        self.stored_in(TOPIC, count).await
    }
}

/// Reads until there are `count` records, and then what more comes within a moment.
async fn read(reader: &mut KafkaReader, count: usize) -> Vec<ReadRecord> {
    let mut records = Vec::new();
    while records.len() < count {
        let batch = tokio::time::timeout(DEADLINE, reader.next()).await;
        let batch = batch.unwrap_or_else(|_| panic!("{} of {count} records", records.len()));
        records.extend(batch.unwrap());
    }
    let moment = Duration::from_millis(300);
    while let Ok(more) = tokio::time::timeout(moment, reader.next()).await {
        records.extend(more.unwrap());
    }
    records
}

/// Record `number` of one of eleven devices, each with its own key.
fn numbered(number: u64) -> KafkaRecord {
    let device = format!("lock-{}", number % 11);
    KafkaRecord {
        topic: Bytes::from_static(TOPIC.as_bytes()),
        key: Some(device.clone().into()),
        value: Bytes::from(format!("{{\"number\": {number}}}")),
        client_id: device.into(),
        origin_node: Bytes::from_static(b"edge-1"),
        origin_sequence: number,
        timestamp_ms: 1_574_753_026_269 + number,
        ..KafkaRecord::default()
    }
}

fn batch(numbers: std::ops::Range<u64>) -> Vec<KafkaRecord> {
    numbers.map(numbered).collect()
}

/// The same with devices of its own for each lane.
fn lane_batch(lane: u64, numbers: std::ops::Range<u64>) -> Vec<KafkaRecord> {
    let mut items = batch(numbers);
    for item in &mut items {
        item.key = Some(format!("lane-{lane}-{}", item.origin_sequence % 11).into());
    }
    items
}

/// Sends within the deadline.
async fn send(sink: &mut KafkaSink, items: &[KafkaRecord]) -> Vec<Refused> {
    tokio::time::timeout(DEADLINE, sink.send("a:1-1", items))
        .await
        .expect("sent in time")
        .unwrap()
}

/// The number in a record's `lw-seq`.
fn number(record: &ReadRecord) -> u64 {
    let sequence = std::str::from_utf8(record.header("lw-seq").unwrap()).unwrap();
    sequence.split('-').nth(2).unwrap().parse().unwrap()
}

/// Numbers of the first copies, per key, in the order they are stored.
fn by_key(stored: &[ReadRecord]) -> HashMap<Bytes, Vec<u64>> {
    let mut seen = HashSet::new();
    let mut by_key: HashMap<Bytes, Vec<u64>> = HashMap::new();
    for record in stored {
        if seen.insert(number(record)) {
            by_key
                .entry(record.key.clone().unwrap())
                .or_default()
                .push(number(record));
        }
    }
    by_key
}

/// Everything is there, and the first copies are in order per key.
fn assert_complete_and_in_order(stored: &[ReadRecord], numbers: std::ops::Range<u64>) {
    let by_key = by_key(stored);
    let mut all: Vec<u64> = by_key.values().flatten().copied().collect();
    all.sort_unstable();
    assert_eq!(all, numbers.collect::<Vec<_>>(), "something is missing");
    for (key, numbers) in by_key {
        assert!(numbers.is_sorted(), "{key:?} is out of order: {numbers:?}");
    }
}
