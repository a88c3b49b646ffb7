//! Kafka away, late or hanging.

use std::time::{Duration, Instant};

use super::{DEADLINE, Fixture, assert_complete_and_in_order, batch, send};

/// Scenario: 500 batches are sent one after the other; in the middle all brokers go away for 6 s.
/// Guarantee: sending waits, the status says since when, and afterwards everything is there once
/// and in order.
#[tokio::test]
async fn an_outage_of_six_seconds_loses_nothing() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    send(&mut sink, &batch(0..100)).await;
    assert!(producer.status().up);

    let sending = async {
        for first in 1..50 {
            assert_eq!(
                send(&mut sink, &batch(first * 100..(first + 1) * 100)).await,
                []
            );
        }
    };
    let outage = async {
        fixture.kafka.cluster().broker_down(-1).unwrap();
        let start = Instant::now();
        let mut seen = false;
        while start.elapsed() < Duration::from_secs(6) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let status = producer.status();
            seen |= status.unreachable.is_some() && !status.up && status.in_flight > 0;
        }
        assert!(producer.status().oldest_in_flight > Some(Duration::from_secs(4)));
        fixture.kafka.cluster().broker_up(-1).unwrap();
        seen
    };
    let ((), seen) = tokio::join!(sending, outage);
    assert!(seen, "the status never said that Kafka is away");
    let status = producer.status();
    assert!(status.up && status.unreachable.is_none(), "{status:?}");
    let stored = fixture.stored(5000).await;
    assert_eq!(stored.len(), 5000, "an outage duplicates nothing");
    assert_complete_and_in_order(&stored, 0..5000);
}

/// Scenario: Kafka is away when the process starts, and comes three seconds later.
/// Guarantee: the first batch waits and is stored; readiness comes with Kafka, not before.
#[tokio::test]
async fn starts_without_kafka() {
    let fixture = Fixture::new();
    fixture.kafka.cluster().broker_down(-1).unwrap();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    let items = batch(0..10);
    let mut sending = std::pin::pin!(send(&mut sink, &items));
    let wait = Duration::from_secs(3);
    assert!(tokio::time::timeout(wait, &mut sending).await.is_err());
    assert!(
        tokio::time::timeout(wait, producer.connected())
            .await
            .is_err()
    );
    fixture.kafka.cluster().broker_up(-1).unwrap();
    sending.await;
    tokio::time::timeout(DEADLINE, producer.connected())
        .await
        .unwrap()
        .unwrap();
    assert!(producer.status().up);
    assert_complete_and_in_order(&fixture.stored(10).await, 0..10);
}

/// Scenario: Kafka is away, a send waits and is dropped (a shutdown); flushing has a deadline.
/// Kafka comes back, and the sink is used again, then another sink of the same producer.
/// Guarantee: flushing says what is left; the later sends work, nothing is lost, the first copies
/// are in order.
#[tokio::test]
async fn a_dropped_send_does_not_disturb_the_next() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    send(&mut sink, &batch(0..10)).await;
    fixture.kafka.cluster().broker_down(-1).unwrap();
    for _ in 0..3 {
        let items = batch(10..500);
        let sending = send(&mut sink, &items);
        let moment = Duration::from_millis(200);
        assert!(tokio::time::timeout(moment, sending).await.is_err());
    }
    let error = producer
        .flush(Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("490 records"), "{error}");
    fixture.kafka.cluster().broker_up(-1).unwrap();
    send(&mut sink, &batch(10..500)).await;
    drop(sink);
    send(&mut producer.sink().unwrap(), &batch(500..600)).await;
    producer.flush(DEADLINE).await.unwrap();
    assert_complete_and_in_order(&fixture.stored(600).await, 0..600);
}

/// Scenario: a broker hangs for some seconds: it takes requests and answers late.
/// Guarantee: the age of the oldest record shows it while no connection fails; nothing is lost.
#[tokio::test]
async fn a_hanging_broker_shows_in_the_age_of_the_oldest_record() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    send(&mut sink, &batch(0..10)).await;
    let cluster = fixture.kafka.cluster();
    cluster
        .broker_round_trip_time(-1, Duration::from_secs(3))
        .unwrap();
    let watching = async {
        let start = Instant::now();
        while producer.status().oldest_in_flight < Some(Duration::from_secs(2)) {
            assert!(start.elapsed() < DEADLINE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(producer.status().unreachable.is_none());
    };
    let items = batch(10..100);
    tokio::join!(send(&mut sink, &items), watching);
    cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
    assert_complete_and_in_order(&fixture.stored(100).await, 0..100);
}
