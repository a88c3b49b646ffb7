//! What rules ask of kafka-sink: partitions, headers, and topics that messages name.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka::{TopicSpec, ensure_topics};
use record::{FrameBuilder, Header, KafkaRecord, Original};
use topology::REC;

use crate::dead_letters::await_dead_letters;
use crate::kafka_log::KafkaTail;
use crate::payloads::unique;
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

const PARTITIONS: i32 = 3;

/// kafka-sink alone, with a topic of three partitions. Missing topics are waited for.
async fn start(topic: &str) -> Testbed {
    let bed = Setup::new()
        .stages(&["kafka-sink"])
        .pipeline("[kafka]\nunknown_topic = \"wait\"\n")
        .start()
        .await;
    let topic = TopicSpec {
        name: topic.to_owned(),
        partitions: PARTITIONS,
        replication: 1,
        compacted: false,
    };
    let made = ensure_topics(&bed.kafka(), &[topic], Duration::from_secs(20)).await;
    made.unwrap();
    bed
}

/// All records of one lock, so that all have the same key.
fn record(topic: &str, number: u64) -> KafkaRecord {
    KafkaRecord {
        topic: topic.to_owned().into(),
        key: Some("lock-1".into()),
        value: number.to_string().into(),
        client_id: "lock-1".into(),
        origin_node: "edge".into(),
        origin_sequence: number,
        timestamp_ms: 1_574_753_026_269,
        ..KafkaRecord::default()
    }
}

/// One frame into REC.
async fn put(bed: &Testbed, records: &[KafkaRecord]) {
    let mut frame = FrameBuilder::new();
    for record in records {
        frame.push(record);
    }
    let context = bed.jetstream().await;
    let subject = REC.partition_subject(0);
    let stored = context.publish(subject, frame.take()).await.unwrap();
    soon("REC to store a frame", stored.into_future())
        .await
        .unwrap();
}

/// The numbers of a topic's records with the partition of each, in the order of the numbers.
async fn placed(tail: &mut KafkaTail, count: usize) -> Vec<(u64, i32)> {
    let records = tail.records(count).await;
    let number = |value: &[u8]| std::str::from_utf8(value).unwrap().parse().unwrap();
    let mut placed: Vec<(u64, i32)> = records
        .iter()
        .map(|record| (number(record.value.as_deref().unwrap()), record.partition))
        .collect();
    placed.sort_unstable();
    placed
}

/// Scenario: records of one key name each partition of a topic; later ones go to any, later ones
/// again to that of their key.
/// Guarantee: the first are where they were to be, the second on all partitions, the third on one.
#[tokio::test]
async fn records_go_to_the_partitions_that_rules_ask_for() {
    let topic = unique("partitions");
    let bed = start(&topic).await;
    let given: Vec<_> = (0..30)
        .map(|number| KafkaRecord {
            partition: Some(i32::try_from(number).unwrap() % PARTITIONS),
            ..record(&topic, number)
        })
        .collect();
    let random: Vec<_> = (30..130)
        .map(|number| KafkaRecord {
            random_partition: true,
            ..record(&topic, number)
        })
        .collect();
    let by_key: Vec<_> = (130..150).map(|number| record(&topic, number)).collect();
    for records in [&given, &random, &by_key] {
        put(&bed, records).await;
    }
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    let placed = placed(&mut tail, 150).await;
    assert_eq!(placed.len(), 150);
    for (number, partition) in &placed[..30] {
        assert_eq!(i32::try_from(*number).unwrap() % PARTITIONS, *partition);
    }
    let partitions = |placed: &[(u64, i32)]| -> BTreeSet<i32> {
        placed.iter().map(|(_, partition)| *partition).collect()
    };
    assert_eq!(partitions(&placed[30..130]), (0..PARTITIONS).collect());
    assert_eq!(partitions(&placed[130..]).len(), 1);
}

/// Scenario: a record has headers of its own, one of them binary, two of one name, one that calls
/// itself `lw-seq`.
/// Guarantee: readers see ours first and once, then the record's own, in order, byte for byte.
#[tokio::test]
async fn headers_keep_their_order_and_bytes() {
    let topic = unique("headers");
    let bed = start(&topic).await;
    let header = |name: &'static str, value: &'static [u8]| Header {
        name: name.into(),
        value: value.into(),
    };
    let own = [
        header("model", b"\x00\xff\xfe"),
        header("a", b""),
        header("model", b"second"),
    ];
    let mut headers = own.to_vec();
    headers.insert(1, header("lw-seq", b"forged"));
    let with_headers = KafkaRecord {
        headers,
        ..record(&topic, 7)
    };
    put(&bed, &[with_headers]).await;
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    let stored = &tail.records(1).await[0].headers;
    assert_eq!(stored[0], header("lw-seq", b"edge-7-0-0"));
    assert_eq!(stored[1..], own);
}

/// Scenario: one frame holds records of one lock, one of them for partition 99 of three; then the
/// same again, when the topic is known.
/// Guarantee: each such record becomes a dead letter that says which partition of which topic and
/// how many there are; its neighbours arrive, in order.
#[tokio::test]
async fn a_partition_that_is_not_there_makes_a_dead_letter() {
    let topic = unique("no-partition");
    let bed = start(&topic).await;
    for first in [0, 5] {
        let mut records: Vec<_> = (first..first + 5).map(|n| record(&topic, n)).collect();
        records[2].partition = Some(99);
        put(&bed, &records).await;
    }
    let letters = await_dead_letters(&bed, "kafka-sink", 2).await;
    for (letter, value) in letters.iter().zip(["2", "7"]) {
        assert_eq!(letter.code(), "unknown-partition");
        let detail = letter.detail();
        let says_all = [topic.as_str(), "no partition 99", "it has 3"]
            .iter()
            .all(|word| detail.contains(word));
        assert!(says_all, "{detail}");
        let Some(Original::KafkaRecord(original)) = &letter.original else {
            panic!("{letter:?}")
        };
        assert_eq!(original.value, value);
        assert_eq!(original.partition, Some(99));
    }
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    let stored = tail.records(8).await;
    let values: Vec<_> = stored.iter().filter_map(|one| one.value.clone()).collect();
    assert_eq!(values, ["0", "1", "3", "4", "5", "6", "8", "9"]);
}

/// Scenario: missing topics are waited for, but these two were named by messages; behind them come
/// records for a topic that is there.
/// Guarantee: the two become dead letters, the others arrive, and nothing of the lane waits.
#[tokio::test]
async fn a_dynamic_topic_stalls_nobody() {
    let topic = unique("dynamic");
    let bed = start(&topic).await;
    let missing = unique("nobody-makes-this");
    let dynamic = |topic: &str, number| KafkaRecord {
        topic_is_dynamic: true,
        ..record(topic, number)
    };
    let frame = [
        record(&topic, 0),
        dynamic(&missing, 1),
        dynamic("no topic at all", 2),
        dynamic(&topic, 3),
    ];
    put(&bed, &frame).await;
    put(&bed, &[record(&topic, 4)]).await;
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    let numbers: Vec<u64> = placed(&mut tail, 3)
        .await
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [0, 3, 4]);
    let letters = await_dead_letters(&bed, "kafka-sink", 2).await;
    let codes: Vec<_> = letters.iter().map(record::DeadLetter::code).collect();
    assert_eq!(codes, ["unknown-topic", "kafka-topic"]);
    assert!(letters[0].detail().contains(&missing));
    bed.drained().await;
}
