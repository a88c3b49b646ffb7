//! Topics whose name a message had a part in.

use std::time::{Duration, Instant};

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use record::KafkaRecord;

use super::{DEADLINE, Fixture, batch, number, numbered, send};
use crate::{KafkaProducer, UnknownTopic};

const OTHER: &str = "message_command";

const DENIED: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;

fn dynamic(topic: &'static str, number: u64) -> KafkaRecord {
    KafkaRecord {
        topic: topic.into(),
        topic_is_dynamic: true,
        ..numbered(number)
    }
}

/// Scenario: records for missing topics that messages have named, among others, while missing
/// topics are waited for; and one for such a topic that is there.
/// Guarantee: those are refused at once and nothing is held; all others are stored.
#[tokio::test]
async fn nobody_waits_for_a_dynamic_topic() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic(OTHER, 1).unwrap();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    for first in [0, 5] {
        let mut items = batch(first..first + 5);
        items[1] = dynamic("missing-1", first + 1);
        items[2] = dynamic(OTHER, first + 2);
        items[3] = dynamic("missing-2", first + 3);
        let refused = send(&mut sink, &items).await;
        let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
        assert_eq!(found, [(1, "unknown-topic"), (3, "unknown-topic")]);
        assert!(refused[0].reject.detail.contains("missing-1"));
    }
    assert_eq!(producer.status().held_topics.len(), 0);
    assert_eq!(fixture.stored(4).await.len(), 4);
    let stored: Vec<_> = fixture.stored_in(OTHER, 2).await;
    assert_eq!(stored.iter().map(number).collect::<Vec<_>>(), [2, 7]);
}

/// Scenario: one missing topic is wanted by a record that waits for it and by one that may not;
/// then somebody makes it.
/// Guarantee: only the second is refused, the first is stored.
#[tokio::test]
async fn who_may_wait_still_waits() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    let patient = KafkaRecord {
        topic_is_dynamic: false,
        ..dynamic(OTHER, 0)
    };
    let items = [patient, dynamic(OTHER, 1)];
    let healing = async {
        while producer.status().held_topics.is_empty() {
            tokio::task::yield_now().await;
        }
        fixture.kafka.create_topic(OTHER, 1).unwrap();
    };
    let (refused, ()) = tokio::join!(send(&mut sink, &items), healing);
    let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
    assert_eq!(found, [(1, "unknown-topic")]);
    assert_eq!(number(&fixture.stored_in(OTHER, 1).await[0]), 0);
}

/// Scenario: Kafka denies a topic that a message has named.
/// Guarantee: its records are refused and nothing is held; the others are stored.
#[tokio::test]
async fn a_denied_dynamic_topic_is_refused() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic(OTHER, 1).unwrap();
    let cluster = fixture.kafka.cluster();
    cluster.topic_error(OTHER, DENIED).unwrap();
    let producer = fixture.producer();
    let items = [numbered(0), dynamic(OTHER, 1), numbered(2)];
    let refused = send(&mut producer.sink().unwrap(), &items).await;
    let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
    assert_eq!(found, [(1, "denied-topic")]);
    assert_eq!(producer.status().held_topics.len(), 0);
    assert_eq!(fixture.stored(2).await.len(), 2);
}

/// Scenario: a topic that a message has named can be seen, but writing to it is denied.
/// Guarantee: its record is refused and nothing is held; what is allowed afterwards is stored.
#[tokio::test]
async fn a_dynamic_topic_that_denies_writing_is_refused() {
    let fixture = Fixture::new();
    fixture.kafka.create_topic(OTHER, 1).unwrap();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    assert_eq!(send(&mut sink, &[dynamic(OTHER, 0)]).await, []);
    let cluster = fixture.kafka.cluster();
    cluster.request_errors(RDKafkaApiKey::Produce, &[DENIED]);
    let refused = send(&mut sink, &[dynamic(OTHER, 1)]).await;
    let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
    assert_eq!(found, [(0, "denied-topic")]);
    assert_eq!(producer.status().held_topics.len(), 0);
    assert_eq!(send(&mut sink, &[dynamic(OTHER, 2)]).await, []);
    assert_eq!(fixture.stored_in(OTHER, 2).await.len(), 2);
}

/// Scenario: a topic that was open before, and then one that the pipeline names, is missing for a
/// moment: Kafka says so, and takes it back once a record waits.
/// Guarantee: the record that a message sent there is stored; nothing is refused.
#[tokio::test]
async fn an_expected_dynamic_topic_may_be_missing_for_a_moment() {
    let fixture = Fixture::new();
    let cluster = fixture.kafka.cluster();
    fixture.kafka.create_topic(OTHER, 1).unwrap();
    let producer = fixture.producer();
    let items = [dynamic(OTHER, 0)];
    assert_eq!(send(&mut producer.sink().unwrap(), &items).await, []);
    let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    cluster.topic_error(OTHER, unknown).unwrap();
    let named = "named";
    producer.expect_topics([named.to_owned()]);
    let both_missing = async {
        while producer.gate().expected().missing() < 2 {
            tokio::task::yield_now().await;
        }
    };
    let healing = async {
        tokio::time::timeout(DEADLINE, both_missing).await.unwrap();
        assert_eq!(producer.status().held_topics.len(), 0);
        let fine = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        cluster.topic_error(OTHER, fine).unwrap();
        fixture.kafka.create_topic(named, 1).unwrap();
    };
    let items = [numbered(1), dynamic(OTHER, 2), dynamic(named, 3)];
    let mut sink = producer.sink().unwrap();
    let (refused, ()) = tokio::join!(send(&mut sink, &items), healing);
    assert_eq!(refused, []);
    let stored = fixture.stored_in(OTHER, 2).await;
    assert_eq!(stored.iter().map(number).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(number(&fixture.stored_in(named, 1).await[0]), 3);
    assert_eq!(producer.gate().expected().missing(), 0);
}

/// Scenario: a topic that the pipeline names does not come within the 300 ms that it may be missing;
/// a second record for it follows, and one for a topic that nobody knows.
/// Guarantee: the first record is refused after that time, the others at once; nothing is held.
#[tokio::test]
async fn an_expected_dynamic_topic_is_given_up_once() {
    let fixture = Fixture::new();
    let after = Duration::from_millis(300);
    let unknown_topic = UnknownTopic::DeadLetter { after };
    let producer = KafkaProducer::new(&fixture.connection(), unknown_topic).unwrap();
    producer.expect_topics([OTHER.to_owned()]);
    let mut sink = producer.sink().unwrap();
    let start = Instant::now();
    let refused = send(&mut sink, &[dynamic(OTHER, 0), numbered(1)]).await;
    assert_eq!((refused.len(), refused[0].index), (1, 0));
    assert!(start.elapsed() >= after);
    // A new wait would show here as one more topic that is missing, with a start of its own.
    let refused = send(&mut sink, &[dynamic(OTHER, 2), dynamic("nobody", 3)]).await;
    assert_eq!(refused.len(), 2);
    assert_eq!(producer.gate().expected().missing(), 1);
    assert_eq!(producer.status().held_topics.len(), 0);
    assert_eq!(fixture.stored(1).await.len(), 1);
}
