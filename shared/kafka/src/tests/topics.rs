//! Topics that are missing or denied.

use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaRespErr;
use record::KafkaRecord;

use super::{DEADLINE, Fixture, TOPIC, batch, number, numbered, send};
use crate::{HeldFor, KafkaProducer, UnknownTopic};

const OTHER: &str = "message_command";

/// Every second record goes to the other topic.
fn mixed(numbers: std::ops::Range<u64>) -> Vec<KafkaRecord> {
    let topic = |number: u64| {
        if number.is_multiple_of(2) {
            TOPIC
        } else {
            OTHER
        }
    };
    numbers
        .map(|number| KafkaRecord {
            topic: topic(number).into(),
            key: Some("lock-1".into()),
            ..numbered(number)
        })
        .collect()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Scenario: a batch for two topics, one of which does not exist; later somebody makes it.
/// Guarantee: the records of the other topic are stored meanwhile, the status names the missing
/// one, and when it is made its records follow, in order.
#[tokio::test]
async fn an_unknown_topic_heals_when_it_is_made() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    let items = mixed(0..100);
    let healing = async {
        until("the topic is held", || {
            !producer.status().held_topics.is_empty()
        })
        .await;
        assert_eq!(fixture.stored(50).await.len(), 50);
        let held = producer.status().held_topics;
        assert_eq!(
            (held[0].topic.as_str(), held[0].why),
            (OTHER, HeldFor::Unknown)
        );
        fixture.kafka.create_topic(OTHER, 2).unwrap();
    };
    let (refused, ()) = tokio::join!(send(&mut sink, &items), healing);
    assert_eq!(refused, []);
    assert!(producer.status().held_topics.is_empty());
    let stored = fixture.stored_in(OTHER, 50).await;
    let numbers: Vec<_> = stored.iter().map(number).collect();
    assert_eq!(numbers, (0..50).map(|n| n * 2 + 1).collect::<Vec<_>>());
}

/// Scenario: the same, with the option to give records of unknown topics up after 200 ms.
/// Guarantee: those records are refused, the others are stored; the next batch needs no wait.
#[tokio::test]
async fn an_unknown_topic_can_be_given_up() {
    let fixture = Fixture::new();
    let after = Duration::from_millis(200);
    let unknown_topic = UnknownTopic::DeadLetter { after };
    let producer = KafkaProducer::new(&fixture.connection(), unknown_topic).unwrap();
    let mut sink = producer.sink().unwrap();
    for first in [0, 10] {
        let refused = send(&mut sink, &mixed(first..first + 10)).await;
        let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
        assert_eq!(found, [1, 3, 5, 7, 9].map(|index| (index, "unknown-topic")));
    }
    assert_eq!(fixture.stored(10).await.len(), 10);
}

/// Scenario: Kafka denies one of two topics, then allows it.
/// Guarantee: its records wait and the others pass; nothing is refused; when it is allowed they
/// follow in order.
#[tokio::test]
async fn a_denied_topic_waits_until_it_is_allowed() {
    let fixture = Fixture::new();
    let cluster = fixture.kafka.cluster();
    fixture.kafka.create_topic(OTHER, 2).unwrap();
    let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.topic_error(OTHER, denied).unwrap();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    let items = mixed(0..20);
    let healing = async {
        until("the topic is held", || {
            !producer.status().held_topics.is_empty()
        })
        .await;
        assert_eq!(producer.status().held_topics[0].why, HeldFor::Denied);
        assert_eq!(fixture.stored(10).await.len(), 10);
        let fine = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        cluster.topic_error(OTHER, fine).unwrap();
    };
    let (refused, ()) = tokio::join!(send(&mut sink, &items), healing);
    assert_eq!(refused, []);
    let stored = fixture.stored_in(OTHER, 10).await;
    let numbers: Vec<_> = stored.iter().map(number).collect();
    assert_eq!(numbers, (0..10).map(|n| n * 2 + 1).collect::<Vec<_>>());
}

/// Scenario: writing is denied although the topic can be seen: the broker refuses the records
/// themselves, three times.
/// Guarantee: they wait, and are stored in order once the broker takes them.
#[tokio::test]
async fn denied_writing_waits_too() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    send(&mut sink, &batch(0..10)).await;
    let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    fixture
        .kafka
        .cluster()
        .request_errors(rdkafka::types::RDKafkaApiKey::Produce, &[denied; 3]);
    assert_eq!(send(&mut sink, &batch(10..200)).await, []);
    super::assert_complete_and_in_order(&fixture.stored(200).await, 0..200);
}
