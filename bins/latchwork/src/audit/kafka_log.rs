//! The log in a Kafka topic: one entry a record.

use std::collections::BTreeMap;
use std::time::Duration;

use ::audit::Position;
use anyhow::bail;
use kafka::{KafkaConnection, KafkaReader, ReadRecord, Start, TopicState, connection_test};

use super::source::Item;

/// How long Kafka may take to answer a question.
const ANSWER: Duration = Duration::from_secs(10);

/// How long the newest record of each partition is waited for. Only an empty partition has none.
const NEWEST: Duration = Duration::from_secs(3);

/// How long Kafka may be silent while records are due.
const PATIENCE: Duration = Duration::from_mins(1);

/// Reads from the topic.
pub(super) struct KafkaLog {
    reader: KafkaReader,
    /// Offset of the last record to be read of each partition that has not come so far.
    ends: BTreeMap<i32, i64>,
    read: u64,
    total: u64,
}

impl KafkaLog {
    pub(super) async fn open(connection: &KafkaConnection, topic: &str) -> anyhow::Result<Self> {
        let connection = connection.clone().with_client_id("audit", "log");
        let ends = ends(&connection, topic).await?;
        let reader = KafkaReader::open(&connection, &[topic], Start::Beginning, ANSWER).await?;
        let count = |end: &i64| u64::try_from(end + 1).unwrap_or(0);
        Ok(Self {
            reader,
            read: 0,
            total: ends.values().map(count).sum(),
            ends,
        })
    }

    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Item>>> {
        if self.ends.is_empty() {
            return Ok(None);
        }
        let Ok(records) = tokio::time::timeout(PATIENCE, self.reader.next()).await else {
            bail!("Kafka gives no more of the audit log, though there is more");
        };
        let records = records?;
        let items = records.iter().filter_map(|record| self.item(record));
        Ok(Some(items.collect()))
    }

    /// `None` for what was stored after the log was opened.
    fn item(&mut self, record: &ReadRecord) -> Option<Item> {
        let ReadRecord {
            partition, offset, ..
        } = *record;
        let end = *self.ends.get(&partition)?;
        if offset >= end {
            self.ends.remove(&partition);
        }
        if offset > end {
            return None;
        }
        self.read += 1;
        let position = Position::Kafka { partition, offset };
        Some(match &record.value {
            Some(entry) => Item::Entry(position, entry.clone()),
            None => Item::Broken(position, "the record has no value".to_owned()),
        })
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read, self.total.max(self.read))
    }
}

/// Offset of the newest record of each partition that has one.
async fn ends(connection: &KafkaConnection, topic: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
    let report = connection_test(connection, &[topic], ANSWER).await?;
    let partitions = report.topics.first().map_or(0, |topic| match topic.state {
        TopicState::Exists { partitions } => partitions,
        _ => 0,
    });
    // Opening tells what is wrong with the topic, if something is.
    let mut reader = KafkaReader::open(connection, &[topic], Start::Last(1), ANSWER).await?;
    let mut ends = BTreeMap::new();
    while ends.len() < partitions {
        match tokio::time::timeout(NEWEST, reader.next()).await {
            Ok(records) => {
                for record in records? {
                    ends.entry(record.partition).or_insert(record.offset);
                }
            }
            Err(_) => break,
        }
    }
    Ok(ends)
}
