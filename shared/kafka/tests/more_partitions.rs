//! A topic of a real Kafka that gets more partitions while it is written to.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use kafka::{
    KafkaConnection, KafkaProducer, KafkaReader, KafkaSink, Start, TopicSpec, TopicState,
    UnknownTopic, connection_test, ensure_topics,
};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use record::KafkaRecord;
use servers::{KafkaOptions, KafkaServer};
use stage::{Refused, Sink};

const DEADLINE: Duration = Duration::from_mins(1);
const TOPIC: &str = "growing";

/// Adds partitions, and returns when the broker tells of them.
async fn grow(connection: &KafkaConnection, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", connection.brokers())
        .create()
        .unwrap();
    let more = NewPartitions::new(TOPIC, usize::try_from(partitions).unwrap());
    let grown = admin.create_partitions([&more], &AdminOptions::new()).await;
    assert_eq!(grown.unwrap(), [Ok(TOPIC.to_owned())]);
    let start = Instant::now();
    loop {
        let report = connection_test(connection, &[TOPIC], DEADLINE).await;
        let told = TopicState::Exists {
            partitions: usize::try_from(partitions).unwrap(),
        };
        if report
            .unwrap()
            .topics
            .iter()
            .all(|topic| topic.state == told)
        {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "it does not grow");
    }
}

fn record(partition: i32) -> KafkaRecord {
    KafkaRecord {
        topic: TOPIC.into(),
        key: Some("lock-1".into()),
        value: partition.to_string().into(),
        partition: Some(partition),
        timestamp_ms: 1_574_753_026_269,
        ..KafkaRecord::default()
    }
}

async fn send(sink: &mut KafkaSink, partitions: &[i32]) -> Vec<Refused> {
    let items: Vec<_> = partitions.iter().copied().map(record).collect();
    let sent = tokio::time::timeout(DEADLINE, sink.send("a:1-1", &items)).await;
    sent.expect("sent in time").unwrap()
}

/// Scenario: records for partition 4 of a topic of three are refused; the topic gets more
/// partitions, and records for them follow at once, from two lanes, twice.
/// Guarantee: what was there when a record came is written to, although the client's own
/// metadata are older; nothing that is there is refused.
#[tokio::test]
async fn new_partitions_are_written_to_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = KafkaServer::start(KafkaOptions::new(data.path()));
    let server = server.await.unwrap();
    let connection = KafkaConnection::new(&server.address()).unwrap();
    let topic = TopicSpec {
        name: TOPIC.into(),
        partitions: 3,
        replication: -1,
        compacted: false,
    };
    ensure_topics(&connection, &[topic], DEADLINE)
        .await
        .unwrap();
    let producer = KafkaProducer::new(&connection, UnknownTopic::Wait).unwrap();
    let mut lanes = [producer.sink().unwrap(), producer.sink().unwrap()];
    for lane in &mut lanes {
        let refused = send(lane, &[0, 4, 2]).await;
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].reject.detail.contains("it has 3"), "{refused:?}");
    }
    let mut last = 2;
    for partitions in [5, 8] {
        grow(&connection, partitions).await;
        for lane in &mut lanes {
            assert_eq!(send(lane, &[last, partitions - 1, 0]).await, []);
        }
        last = partitions - 1;
    }

    let opened = KafkaReader::open(&connection, &[TOPIC], Start::Beginning, DEADLINE);
    let mut reader = opened.await.unwrap();
    let mut stored = Vec::new();
    while stored.len() < 16 {
        let batch = tokio::time::timeout(DEADLINE, reader.next()).await;
        stored.extend(batch.unwrap().unwrap());
    }
    for record in stored {
        assert_eq!(record.value, Some(record.partition.to_string().into()));
    }
}
