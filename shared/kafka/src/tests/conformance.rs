//! The contract of a sink.

use bytes::Bytes;
use record::KafkaRecord;
use stage::conformance::{self, SinkFixture};

use super::{DEADLINE, Fixture};
use crate::{KafkaReader, KafkaSink, Start};

const TOPIC: &str = "conformance";

struct OnePartition(Fixture);

impl SinkFixture for OnePartition {
    type Sink = KafkaSink;

    async fn open(&mut self) -> KafkaSink {
        self.0.sink()
    }

    async fn stored(&mut self, count: usize) -> Vec<KafkaRecord> {
        let connection = self.0.connection();
        let reader = KafkaReader::open(&connection, &[TOPIC], Start::Beginning, DEADLINE);
        let stored = super::read(&mut reader.await.unwrap(), count).await;
        let record = |stored: crate::ReadRecord| KafkaRecord {
            topic: Bytes::from_static(TOPIC.as_bytes()),
            key: stored.key,
            value: stored.value.unwrap(),
            timestamp_ms: stored.timestamp_ms.unwrap(),
            ..KafkaRecord::default()
        };
        stored.into_iter().map(record).collect()
    }

    fn topic(&self) -> Bytes {
        Bytes::from_static(TOPIC.as_bytes())
    }

    fn too_large(&self) -> usize {
        1_100_000
    }
}

/// Scenario: the conformance suite of all sinks, on the in-memory Kafka.
/// Guarantee: the Kafka sink keeps the contract of a sink.
#[tokio::test]
async fn keeps_the_contract_of_a_sink() {
    conformance::sink(async || {
        let fixture = Fixture::new();
        fixture.kafka.create_topic(TOPIC, 1).unwrap();
        OnePartition(fixture)
    })
    .await;
}
