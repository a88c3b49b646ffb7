//! Partitions that a record names or that are any.

use std::collections::HashMap;

use record::KafkaRecord;

use super::{Fixture, TOPIC, batch, number, numbered, send};

/// For this partition.
fn given(partition: i32, number: u64) -> KafkaRecord {
    KafkaRecord {
        partition: Some(partition),
        ..numbered(number)
    }
}

/// Scenario: records of one key name each of the four partitions.
/// Guarantee: each lands on its own, in order, whatever the key.
#[tokio::test]
async fn a_given_partition_is_kept() {
    let fixture = Fixture::new();
    let record = |number: u64| KafkaRecord {
        key: Some("lock-1".into()),
        ..given(i32::try_from(number % 4).unwrap(), number)
    };
    let items: Vec<_> = (0..100).map(record).collect();
    assert_eq!(send(&mut fixture.sink(), &items).await, []);
    let mut last = HashMap::new();
    for stored in fixture.stored(100).await {
        let number = number(&stored);
        assert_eq!(
            u64::try_from(stored.partition).unwrap(),
            number % 4,
            "{number}"
        );
        assert!(last.insert(stored.partition, number) < Some(number));
    }
}

/// Scenario: two batches, the first before anything is known of the topic, with records of one
/// key for partition 99, 4 and -1 of four among others.
/// Guarantee: those are refused with partition, topic and how many it has; the others arrive, in
/// order; nothing is held.
#[tokio::test]
async fn a_partition_that_is_not_there_is_refused() {
    let fixture = Fixture::new();
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    for first in [0, 8] {
        let mut items = batch(first..first + 8);
        for item in &mut items {
            item.key = Some("lock-1".into());
        }
        for (index, partition) in [(1, 99), (3, 4), (6, -1)] {
            items[index].partition = Some(partition);
        }
        let refused = send(&mut sink, &items).await;
        let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
        assert_eq!(found, [1, 3, 6].map(|index| (index, "unknown-partition")));
        let detail = &refused[0].reject.detail;
        assert!(
            detail.contains("no partition 99: it has 4") && detail.contains(TOPIC),
            "{detail}"
        );
    }
    assert_eq!(producer.status().held_topics.len(), 0);
    let stored: Vec<_> = fixture.stored(10).await.iter().map(number).collect();
    assert_eq!(stored, [0, 2, 4, 5, 7, 8, 10, 12, 13, 15]);
}

/// Scenario: 400 records of one key go to random partitions, then 400 without a key.
/// Guarantee: the first are on all four partitions; all are stored once.
#[tokio::test]
async fn random_partitions_are_spread() {
    let fixture = Fixture::new();
    let mut sink = fixture.sink();
    let random = |key: Option<&'static str>, number| KafkaRecord {
        key: key.map(Into::into),
        random_partition: true,
        ..numbered(number)
    };
    let keyed: Vec<_> = (0..400).map(|n| random(Some("lock-1"), n)).collect();
    assert_eq!(send(&mut sink, &keyed).await, []);
    let mut counts = [0; 4];
    for record in fixture.stored(400).await {
        counts[usize::try_from(record.partition).unwrap()] += 1;
    }
    // Less than 60 of 100 expected has a chance below one in a million.
    assert!(counts.iter().all(|count| *count > 60), "{counts:?}");
    let keyless: Vec<_> = (400..800).map(|n| random(None, n)).collect();
    assert_eq!(send(&mut sink, &keyless).await, []);
    let mut stored: Vec<_> = fixture.stored(800).await.iter().map(number).collect();
    stored.sort_unstable();
    assert_eq!(stored, (0..800).collect::<Vec<_>>());
}
