//! The sink, topics and reader on a real Kafka that is killed, paused and limited.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use kafka::{
    KafkaConnection, KafkaError, KafkaProducer, KafkaReader, KafkaSink, ReadRecord, Start,
    TopicSpec, TopicState, UnknownTopic, connection_test, ensure_topics,
};
use record::KafkaRecord;
use servers::{KafkaOptions, KafkaServer};
use stage::{Refused, Sink};

const DEADLINE: Duration = Duration::from_mins(2);
const TOPIC: &str = "message_state";

struct Fixture {
    kafka: KafkaServer,
    connection: KafkaConnection,
    _data: tempfile::TempDir,
}

impl Fixture {
    /// A Kafka with one topic of four partitions.
    async fn new(extra_config: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut options = KafkaOptions::new(data.path());
        options.extra_config = extra_config.into();
        let kafka = KafkaServer::start(options).await.unwrap();
        let connection = KafkaConnection::new(&kafka.address()).unwrap();
        ensure_topics(&connection, &[topic(TOPIC)], DEADLINE)
            .await
            .unwrap();
        Self {
            kafka,
            connection,
            _data: data,
        }
    }

    fn producer(&self) -> KafkaProducer {
        KafkaProducer::new(&self.connection, UnknownTopic::Wait).unwrap()
    }

    async fn stored(&self, count: usize) -> Vec<ReadRecord> {
        let opened = KafkaReader::open(&self.connection, &[TOPIC], Start::Beginning, DEADLINE);
        let mut reader = opened.await.unwrap();
        let mut records = Vec::new();
        while records.len() < count {
            let batch = tokio::time::timeout(DEADLINE, reader.next()).await;
            let batch = batch.unwrap_or_else(|_| panic!("{} of {count}", records.len()));
            records.extend(batch.unwrap());
        }
        records
    }
}

fn topic(name: &str) -> TopicSpec {
    TopicSpec {
        name: name.into(),
        partitions: 4,
        replication: -1,
        compacted: false,
    }
}

/// Record `number` of one of seven devices of a lane.
fn record(lane: u64, number: u64) -> KafkaRecord {
    let device = format!("lock-{lane}-{}", number % 7);
    KafkaRecord {
        topic: Bytes::from_static(TOPIC.as_bytes()),
        key: Some(device.clone().into()),
        value: format!("{{\"number\": {number}}}").into(),
        client_id: device.into(),
        origin_node: Bytes::from_static(b"edge"),
        origin_sequence: number,
        timestamp_ms: 1_574_753_026_269,
        ..KafkaRecord::default()
    }
}

async fn send(sink: &mut KafkaSink, items: &[KafkaRecord]) -> Vec<Refused> {
    let sent = tokio::time::timeout(DEADLINE, sink.send("a:1-1", items)).await;
    sent.expect("sent in time").unwrap()
}

/// Numbers of the first copies per key, in the order they are stored, and the number of repeats.
fn by_key(stored: &[ReadRecord]) -> (HashMap<Bytes, Vec<u64>>, usize) {
    let mut seen = HashSet::new();
    let mut by_key: HashMap<Bytes, Vec<u64>> = HashMap::new();
    for record in stored {
        let key = record.key.clone().unwrap();
        let sequence = std::str::from_utf8(record.header("lw-seq").unwrap()).unwrap();
        let number = sequence.split('-').nth(1).unwrap().parse().unwrap();
        if seen.insert((key.clone(), number)) {
            by_key.entry(key).or_default().push(number);
        }
    }
    (by_key, stored.len() - seen.len())
}

/// Scenario: three lanes send batches without a pause; Kafka is killed (SIGKILL) and restarted
/// twice, and once it stands still for two seconds.
/// Guarantee: the lanes go on by themselves; every record is there, in order per key.
#[tokio::test]
async fn nothing_is_lost_when_kafka_is_killed() {
    const BATCH: u64 = 200;
    let mut fixture = Fixture::new("").await;
    let producer = fixture.producer();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let lanes = (0..3_u64).map(|lane| {
        let mut sink = producer.sink().unwrap();
        let stopped = stopped.clone();
        tokio::spawn(async move {
            let mut next = 0;
            while !*stopped.borrow() {
                let items: Vec<_> = (next..next + BATCH).map(|n| record(lane, n)).collect();
                assert_eq!(send(&mut sink, &items).await, []);
                next += BATCH;
            }
            next
        })
    });
    let lanes: Vec<_> = lanes.collect();
    let a_while = || tokio::time::sleep(Duration::from_secs(1));
    for _ in 0..2 {
        a_while().await;
        fixture.kafka.kill().await.unwrap();
        a_while().await;
        fixture.kafka.restart().await.unwrap();
    }
    a_while().await;
    fixture.kafka.pause().await.unwrap();
    a_while().await;
    a_while().await;
    fixture.kafka.resume().await.unwrap();
    a_while().await;
    stop.send(true).unwrap();
    let mut counts = Vec::new();
    for lane in lanes {
        counts.push(lane.await.unwrap());
    }
    assert!(counts.iter().all(|count| *count > BATCH), "{counts:?}");

    let total = counts.iter().sum::<u64>();
    let stored = fixture.stored(usize::try_from(total).unwrap()).await;
    let (by_key, repeats) = by_key(&stored);
    println!(
        "{total} records, {repeats} repeats, {:?}",
        producer.status()
    );
    for (lane, count) in counts.iter().enumerate() {
        for device in 0..7_u64 {
            let key = Bytes::from(format!("lock-{lane}-{device}"));
            let expected: Vec<u64> = (0..*count).filter(|n| n % 7 == device).collect();
            assert!(
                by_key[&key] == expected,
                "{key:?} has gaps or is out of order"
            );
        }
    }
}

/// Scenario: the broker takes message sets of 100,000 bytes; a batch of one key makes a set of
/// 450,000, and one of its records alone has 150,000.
/// Guarantee: that record is refused as too large, everything else is stored.
#[tokio::test]
async fn a_smaller_limit_of_the_broker_refuses_only_what_is_larger() {
    let fixture = Fixture::new("message.max.bytes=100000\n").await;
    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    let noise = |length: usize| -> Bytes {
        let byte = |_| fastrand::alphanumeric() as u8;
        (0..length).map(byte).collect::<Vec<u8>>().into()
    };
    let large = 40;
    let items: Vec<_> = (0..100)
        .map(|number| KafkaRecord {
            key: Some("lock-1".into()),
            value: noise(if number == large { 150_000 } else { 4500 }),
            ..record(0, number)
        })
        .collect();
    let refused = send(&mut sink, &items).await;
    let found: Vec<_> = refused.iter().map(|r| (r.index, r.reject.code)).collect();
    assert_eq!(found, [(40, "kafka-too-large")]);
    let (by_key, repeats) = by_key(&fixture.stored(99).await);
    let mut numbers = by_key[&Bytes::from("lock-1")].clone();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (0..100).filter(|n| *n != large).collect::<Vec<_>>()
    );
    assert_eq!(repeats, 0);
    // The producer is as good as new.
    assert_eq!(send(&mut sink, &[record(1, 1)]).await, []);
    assert_eq!(producer.status().renewed, 0);
}

/// Scenario: topics are made, wanted again by two replicas at once, and one asks for more copies
/// than there are brokers; a batch goes to a topic that is only made later.
/// Guarantee: repeats are fine, the impossible one is named with the reason, and the late topic
/// heals.
#[tokio::test]
async fn topics_are_made_once_and_heal() {
    let fixture = Fixture::new("").await;
    let connection = &fixture.connection;
    let topics = ["a", "b", TOPIC].map(topic);
    let (one, two) = tokio::join!(
        ensure_topics(connection, &topics, DEADLINE),
        ensure_topics(connection, &topics, DEADLINE)
    );
    one.unwrap();
    two.unwrap();
    let report = connection_test(connection, &["a", "c"], DEADLINE)
        .await
        .unwrap();
    assert_eq!(report.topics[0].state, TopicState::Exists { partitions: 4 });
    assert_eq!(report.topics[1].state, TopicState::Missing);

    let mut copies = topic("copies");
    copies.replication = 3;
    let error = ensure_topics(connection, &[copies], DEADLINE)
        .await
        .unwrap_err();
    assert!(matches!(error, KafkaError::CreateTopic { .. }), "{error}");
    assert!(error.to_string().contains("fewer brokers"), "{error}");

    let producer = fixture.producer();
    let mut sink = producer.sink().unwrap();
    let items = [KafkaRecord {
        topic: "late".into(),
        ..record(0, 0)
    }];
    let late = [topic("late")];
    let healing = async {
        while producer.status().held_topics.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ensure_topics(connection, &late, DEADLINE).await.unwrap();
    };
    let (refused, ()) = tokio::join!(send(&mut sink, &items), healing);
    assert_eq!(refused, []);
}

/// Scenario: a client that wants TLS, and one that wants to log in, meet a broker that offers
/// neither.
/// Guarantee: the check says which of the two it is.
#[tokio::test]
async fn the_check_tells_a_wrong_protocol() {
    let fixture = Fixture::new("").await;
    let check = async |entries: &[(&str, &str)]| {
        let entry = |(key, value): &(&str, &str)| ((*key).into(), (*value).into());
        let table: BTreeMap<String, String> = entries.iter().map(entry).collect();
        let connection = fixture.connection.clone().with_librdkafka(table).unwrap();
        connection_test(&connection, &[], Duration::from_secs(3))
            .await
            .unwrap_err()
    };
    let error = check(&[("security.protocol", "ssl")]).await;
    assert!(matches!(error, KafkaError::Tls { .. }), "{error}");
    let error = check(&[
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "latchwork"),
        ("sasl.password", "geheim"),
    ])
    .await;
    assert!(
        matches!(error, KafkaError::Authentication { .. }),
        "{error}"
    );
}
