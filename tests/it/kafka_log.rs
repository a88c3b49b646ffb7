//! What Kafka holds.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka::{KafkaConnection, KafkaError, KafkaReader, ReadRecord, Start};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataPartition;
use serde_json::Value;

use crate::waiting::{DEADLINE, soon, until};

/// How long Kafka may take to answer one question.
const ANSWER: Duration = Duration::from_secs(20);

/// Follows some topics.
pub(crate) struct KafkaTail {
    reader: KafkaReader,
    records: Vec<ReadRecord>,
}

impl KafkaTail {
    /// Everything that is stored after this returned.
    pub(crate) async fn from_now(kafka: &KafkaConnection, topics: &[&str]) -> Self {
        Self::open(kafka, topics, Start::End).await
    }

    /// Everything.
    pub(crate) async fn from_beginning(kafka: &KafkaConnection, topics: &[&str]) -> Self {
        Self::open(kafka, topics, Start::Beginning).await
    }

    /// Waits for topics that are still being made.
    async fn open(kafka: &KafkaConnection, topics: &[&str], start: Start) -> Self {
        let mut reader = None;
        until(&format!("the Kafka topics {topics:?}"), async || {
            match KafkaReader::open(kafka, topics, start, ANSWER).await {
                Ok(opened) => reader = Some(opened),
                Err(KafkaError::UnknownTopic { .. } | KafkaError::Read(_)) => {}
                Err(error) => panic!("cannot read {topics:?}: {error}"),
            }
            reader.is_some()
        })
        .await;
        Self {
            reader: reader.expect("waited for"),
            records: Vec::new(),
        }
    }

    /// Reads on until the records so far are what is waited for, and gives all of them.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        mut done: impl FnMut(&[ReadRecord]) -> bool,
    ) -> &[ReadRecord] {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while !done(&self.records) {
            let Ok(batch) = tokio::time::timeout_at(deadline, self.reader.next()).await else {
                let seen: Vec<_> = self.records.iter().map(shown).collect();
                panic!(
                    "waited {DEADLINE:?} in vain for {what} in Kafka; there is only:\n{seen:#?}"
                );
            };
            self.records.extend(batch.unwrap());
        }
        &self.records
    }

    /// Reads on until there are so many records.
    pub(crate) async fn records(&mut self, count: usize) -> &[ReadRecord] {
        self.until(&format!("{count} records"), |records| {
            records.len() >= count
        })
        .await
    }
}

/// Every record that a topic holds now, in the order of each partition.
pub(crate) async fn everything(kafka: &KafkaConnection, topic: &str) -> Vec<ReadRecord> {
    let (address, name) = (kafka.brokers().to_owned(), topic.to_owned());
    let ends = tokio::task::spawn_blocking(move || ends(&address, &name))
        .await
        .unwrap();
    let mut tail = KafkaTail::from_beginning(kafka, &[topic]).await;
    let mut read: HashMap<i32, i64> = HashMap::new();
    let mut seen = 0;
    tail.until("the end of the topic", |records| {
        for record in &records[seen..] {
            read.insert(record.partition, record.offset + 1);
        }
        seen = records.len();
        ends.iter()
            .all(|(partition, end)| read.get(partition).unwrap_or(&0) >= end)
    })
    .await;
    tail.records
}

/// The offset behind the last record of each partition.
fn ends(address: &str, topic: &str) -> Vec<(i32, i64)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "it")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).unwrap();
    let partitions = metadata.topics()[0]
        .partitions()
        .iter()
        .map(MetadataPartition::id);
    partitions
        .map(|id| (id, consumer.fetch_watermarks(topic, id, ANSWER).unwrap().1))
        .collect()
}

/// A record's value, which must be JSON.
pub(crate) fn envelope(record: &ReadRecord) -> Value {
    let value = record.value.as_deref().expect("a record without a value");
    serde_json::from_slice(value).unwrap_or_else(|error| panic!("{error}: {}", shown(record)))
}

/// The payload that a record's envelope carries.
pub(crate) fn payload(record: &ReadRecord) -> Vec<u8> {
    let envelope = envelope(record);
    let text = envelope["payload"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", shown(record)));
    STANDARD
        .decode(text)
        .unwrap_or_else(|error| panic!("{error}: {}", shown(record)))
}

/// A header, which must be there and be text.
pub(crate) fn header(record: &ReadRecord, name: &str) -> String {
    let value = record
        .header(name)
        .unwrap_or_else(|| panic!("no {name} in {}", shown(record)));
    String::from_utf8(value.to_vec()).unwrap()
}

/// A record for people.
pub(crate) fn shown(record: &ReadRecord) -> String {
    let value = record
        .value
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let value: String = value.chars().take(300).collect();
    format!(
        "{} {}/{}: {value}",
        record.topic, record.partition, record.offset
    )
}

/// A new topic; `config` are settings of the topic such as `max.message.bytes`.
pub(crate) async fn make_topic(kafka: &KafkaConnection, name: &str, config: &[(&str, &str)]) {
    use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
    use rdkafka::client::DefaultClientContext;
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", kafka.brokers())
        .create()
        .unwrap();
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1));
    let topic = config
        .iter()
        .fold(topic, |topic, (key, value)| topic.set(key, value));
    let options = AdminOptions::new();
    let made = soon(
        "Kafka to make a topic",
        admin.create_topics([&topic], &options),
    )
    .await;
    made.unwrap()[0].clone().unwrap();
}
