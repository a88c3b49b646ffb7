//! Fatal errors.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::{Fixture, assert_complete_and_in_order, batch, lane_batch, send};

/// Scenario: the broker says that a sequence is out of order, which is fatal to the producer;
/// three lanes have records in flight, and it happens twice.
/// Guarantee: a new producer takes over, the lanes go on, everything is there, in order per key.
#[tokio::test]
async fn a_fatal_error_renews_the_producer() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    for lane in 0..3 {
        let items = lane_batch(lane, lane * 1100..lane * 1100 + 110);
        send(&mut producer.sink().unwrap(), &items).await;
    }
    for round in 1..=2 {
        let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        fixture
            .kafka
            .cluster()
            .request_errors(RDKafkaApiKey::Produce, &[fatal]);
        let lanes = (0..3).map(|lane| {
            let mut sink = producer.sink().unwrap();
            let start = lane * 1100 + 110 + (round - 1) * 495;
            async move {
                assert_eq!(
                    send(&mut sink, &lane_batch(lane, start..start + 385)).await,
                    []
                );
                assert_eq!(
                    send(&mut sink, &lane_batch(lane, start + 385..start + 495)).await,
                    []
                );
            }
        });
        futures::future::join_all(lanes).await;
        assert!(
            producer.status().renewed >= round,
            "{:?}",
            producer.status()
        );
    }
    assert!(producer.status().renewed <= 4, "{:?}", producer.status());
    let stored = fixture.stored(3300).await;
    assert_complete_and_in_order(&stored, 0..3300);
}

/// Scenario: a send is dropped while its producer meets a fatal error.
/// Guarantee: the next send of the lane works, on the new producer.
#[tokio::test]
async fn a_dropped_send_survives_the_renewal() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    send(&mut sink, &batch(0..10)).await;
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    fixture
        .kafka
        .cluster()
        .request_errors(RDKafkaApiKey::Produce, &[fatal]);
    let moment = std::time::Duration::from_micros(1500);
    let items = batch(10..500);
    if tokio::time::timeout(moment, send(&mut sink, &items))
        .await
        .is_ok()
    {
        panic!("the send was to be dropped in flight");
    }
    send(&mut sink, &items).await;
    assert_complete_and_in_order(&fixture.stored(500).await, 0..500);
}
