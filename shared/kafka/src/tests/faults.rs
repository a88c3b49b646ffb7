//! Errors that the broker answers with.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::{
    Fixture, assert_complete_and_in_order, batch, by_key, lane_batch, number, numbered, send,
};

type Code = RDKafkaRespErr;

/// Scenario: batches make many small message sets, several of them under way per partition; the
/// broker answers some of them that it is not the leader, has too few replicas or timed out, or
/// cuts the connection.
/// Guarantee: everything is stored, in order per key.
#[tokio::test]
async fn retriable_errors_keep_the_order() {
    let fixture = Fixture::new().with("batch.num.messages", "20");
    let mut sink = fixture.sink();
    send(&mut sink, &batch(0..1000)).await;
    let fine = Code::RD_KAFKA_RESP_ERR_NO_ERROR;
    for (error, first) in [
        Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        Code::RD_KAFKA_RESP_ERR__TRANSPORT,
        Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ]
    .into_iter()
    .zip((1000..).step_by(1000))
    {
        let errors = [fine, error, fine, error, error, fine];
        let cluster = fixture.kafka.cluster();
        cluster.request_errors(RDKafkaApiKey::Produce, &errors);
        assert_eq!(send(&mut sink, &batch(first..first + 1000)).await, []);
    }
    assert_complete_and_in_order(&fixture.stored(6000).await, 0..6000);
}

/// Scenario: the broker finds a message set too large; sent alone, one of its records is too large
/// again and again.
/// Guarantee: that record is refused with its index, all others are stored.
#[tokio::test]
async fn a_message_set_that_is_too_large_is_split() {
    let fixture = Fixture::new();
    let mut sink = fixture.sink();
    send(&mut sink, &batch(0..1)).await;
    // All records have one key, so that they share one message set. All errors but the first hit
    // the first record that is sent alone.
    let too_large = Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    let cluster = fixture.kafka.cluster();
    cluster.request_errors(RDKafkaApiKey::Produce, &[too_large; 4]);
    let items: Vec<_> = (0..20).map(|n| numbered(100 + n * 11)).collect();
    let refused = send(&mut sink, &items).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].index, 0);
    assert_eq!(refused[0].reject.code, "kafka-too-large");
    let stored = fixture.stored(20).await;
    let numbers = &by_key(&stored)[&items[0].key.clone().unwrap()];
    let expected: Vec<u64> = (1..20).map(|n| 100 + n * 11).collect();
    assert_eq!(*numbers, expected);
}

/// Scenario: the broker finds a message set too large, and once more a record that is sent alone,
/// because a large record of another lane came into its set.
/// Guarantee: nothing is refused: it takes three times.
#[tokio::test]
async fn a_large_neighbour_from_another_lane_refuses_nothing() {
    let fixture = Fixture::new();
    let mut sink = fixture.sink();
    send(&mut sink, &batch(0..1)).await;
    let too_large = Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    let cluster = fixture.kafka.cluster();
    cluster.request_errors(RDKafkaApiKey::Produce, &[too_large; 3]);
    let items: Vec<_> = (1..20).map(|n| numbered(n * 11)).collect();
    assert_eq!(send(&mut sink, &items).await, []);
    assert_eq!(fixture.stored(20).await.len(), 20);
}

/// Scenario: a record is above `message.max.bytes`, another has a topic that can't be one, a third
/// a header whose name is not UTF-8.
/// Guarantee: these are refused, each with its own code, and the neighbours are stored.
#[tokio::test]
async fn what_can_never_be_stored_is_refused_alone() {
    let fixture = Fixture::new().with("message.max.bytes", "2000");
    let mut items = batch(0..8);
    items[2].value = vec![b'x'; 3000].into();
    items[4].topic = "no topic".into();
    items[6].headers.push(record::Header {
        name: b"\xc3\x28".as_ref().into(),
        value: "x".into(),
    });
    let refused = send(&mut fixture.sink(), &items).await;
    let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
    let expected = [
        (2, "kafka-too-large"),
        (4, "kafka-topic"),
        (6, "kafka-header"),
    ];
    assert_eq!(found, expected);
    let mut stored: Vec<_> = fixture.stored(5).await.iter().map(number).collect();
    stored.sort_unstable();
    assert_eq!(stored, [0, 1, 3, 5, 7]);
}

/// Scenario: the broker calls one record of the set invalid (a null key on a compacted topic).
/// Guarantee: only what is invalid alone as well is refused.
#[tokio::test]
async fn an_invalid_record_is_refused_alone() {
    let fixture = Fixture::new();
    let mut sink = fixture.sink();
    let invalid = Code::RD_KAFKA_RESP_ERR_INVALID_RECORD;
    fixture
        .kafka
        .cluster()
        .request_errors(RDKafkaApiKey::Produce, &[invalid; 4]);
    let items: Vec<_> = (0..5).map(|n| numbered(n * 11)).collect();
    let refused = send(&mut sink, &items).await;
    let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
    assert_eq!(found, [(0, "kafka-invalid-record")]);
    assert_eq!(fixture.stored(4).await.len(), 4);
}

/// Scenario: librdkafka's queue takes only 50 records, and three lanes send 400 each.
/// Guarantee: everything is stored, in order, without anything refused.
#[tokio::test]
async fn a_full_queue_only_slows() {
    let fixture = Fixture::new().with("queue.buffering.max.messages", "50");
    let producer = fixture.producer();
    let lanes = (0..3_u64).map(|lane| {
        let mut sink = producer.sink().unwrap();
        async move { send(&mut sink, &lane_batch(lane, lane * 440..(lane + 1) * 440)).await }
    });
    for refused in futures::future::join_all(lanes).await {
        assert_eq!(refused, []);
    }
    let stored = fixture.stored(1320).await;
    assert_eq!(stored.len(), 1320);
    assert_complete_and_in_order(&stored, 0..1320);
}
