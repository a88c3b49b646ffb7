//! The contract of a sink, kept on a real Kafka.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use kafka::{
    KafkaConnection, KafkaProducer, KafkaReader, KafkaSink, ReadRecord, Start, TopicSpec,
    UnknownTopic, ensure_topics,
};
use record::KafkaRecord;
use servers::{KafkaOptions, KafkaServer};
use stage::conformance::{self, SinkFixture};

const DEADLINE: Duration = Duration::from_mins(1);

/// A topic of one partition.
struct OnePartition {
    connection: KafkaConnection,
    topic: String,
}

impl SinkFixture for OnePartition {
    type Sink = KafkaSink;

    async fn open(&mut self) -> KafkaSink {
        KafkaProducer::new(&self.connection, UnknownTopic::Wait)
            .unwrap()
            .sink()
            .unwrap()
    }

    async fn stored(&mut self, count: usize) -> Vec<KafkaRecord> {
        let topics = [self.topic.as_str()];
        let opened = KafkaReader::open(&self.connection, &topics, Start::Beginning, DEADLINE);
        let mut reader = opened.await.unwrap();
        let mut stored = Vec::new();
        while stored.len() < count {
            let batch = tokio::time::timeout(DEADLINE, reader.next()).await;
            let batch = batch.unwrap().unwrap();
            stored.extend(batch.into_iter().map(|read| self.record(read)));
        }
        stored
    }

    fn topic(&self) -> Bytes {
        self.topic.clone().into()
    }

    fn too_large(&self) -> usize {
        1_100_000
    }
}

impl OnePartition {
    fn record(&self, read: ReadRecord) -> KafkaRecord {
        KafkaRecord {
            topic: self.topic(),
            key: read.key,
            value: read.value.unwrap(),
            ..KafkaRecord::default()
        }
    }
}

/// Scenario: the conformance suite of all sinks, on a real Kafka, a topic for each check.
/// Guarantee: the Kafka sink keeps the contract of a sink.
#[tokio::test]
async fn keeps_the_contract_of_a_sink() {
    let data = tempfile::tempdir().unwrap();
    let server = KafkaServer::start(KafkaOptions::new(data.path()))
        .await
        .unwrap();
    let connection = KafkaConnection::new(&server.address()).unwrap();
    let mut checks = 0;
    conformance::sink(async || {
        checks += 1;
        let topic = TopicSpec {
            name: format!("check-{checks}"),
            partitions: 1,
            replication: 1,
            compacted: false,
        };
        let topics = std::slice::from_ref(&topic);
        ensure_topics(&connection, topics, DEADLINE).await.unwrap();
        OnePartition {
            connection: connection.clone(),
            topic: topic.name,
        }
    })
    .await;
}
