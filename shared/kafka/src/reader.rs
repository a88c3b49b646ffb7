//! Every record of some topics, without a consumer group.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError as NativeError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use record::Header;
use tokio::sync::{mpsc, oneshot};

use crate::client_log::ClientLog;
use crate::connection_test::{TopicReport, TopicState, connection_test};
use crate::error::KafkaError;
use crate::settings::{KafkaConnection, client_error};

/// Records that are handed over together at most.
const BATCH: usize = 1000;

/// Batches that wait for the caller; past that, reading pauses.
const BATCHES: usize = 8;

/// How soon the thread notices that nobody reads any more.
const POLL: Duration = Duration::from_millis(100);

/// Records share blocks of memory of this size: one kept record keeps its block.
const BLOCK: usize = 64 * 1024;

/// Where reading begins, in every partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// With the oldest record that is kept.
    Beginning,
    /// Behind the newest: everything that is stored after [`KafkaReader::open`] returned is read.
    End,
    /// With the newest so many records.
    Last(u32),
    /// With this offset; with the oldest record if that offset is not kept any more.
    Offset(i64),
}

/// A record as Kafka holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadRecord {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, if the record has a time.
    pub timestamp_ms: Option<u64>,
    /// Key, if any.
    pub key: Option<Bytes>,
    /// Value; `None` deletes the key from a compacted topic.
    pub value: Option<Bytes>,
    /// Headers, in order; a header without a value has an empty one.
    pub headers: Vec<Header>,
}

impl ReadRecord {
    /// Value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|header| header.name == name.as_bytes())
            .map(|header| header.value.as_ref())
    }
}

/// Reads all partitions of some topics on a thread of its own, in order per partition. It
/// commits nothing and disturbs no group. Outages are waited for.
#[derive(Debug)]
pub struct KafkaReader {
    batches: mpsc::Receiver<Result<Vec<ReadRecord>, KafkaError>>,
}

impl KafkaReader {
    /// Finds the topics and goes to the start. `within` bounds the wait for Kafka.
    pub async fn open(
        connection: &KafkaConnection,
        topics: &[&str],
        start: Start,
        within: Duration,
    ) -> Result<Self, KafkaError> {
        let report = connection_test(connection, topics, within).await?;
        let partitions = partitions(&report.topics)?;
        let (batch_sender, batches) = mpsc::channel(BATCHES);
        let (ready_sender, ready) = oneshot::channel();
        let connection = connection.clone();
        let read = move || match assign(&connection, &partitions, start, within) {
            Ok(consumer) => {
                if ready_sender.send(Ok(())).is_ok() {
                    read(&consumer, &batch_sender);
                }
            }
            // Nobody to tell: the caller gave up.
            Err(error) => drop(ready_sender.send(Err(error))),
        };
        std::thread::Builder::new()
            .name("kafka-reader".into())
            .spawn(read)
            .map_err(|error| KafkaError::Read(error.to_string()))?;
        ready.await.map_err(|_| KafkaError::ShuttingDown)??;
        Ok(Self { batches })
    }

    /// The next records, at least one and at most 1,000. Cancel-safe. After an error there is
    /// nothing more.
    pub async fn next(&mut self) -> Result<Vec<ReadRecord>, KafkaError> {
        match self.batches.recv().await {
            Some(batch) => batch,
            None => Err(KafkaError::Read("the reader has ended".into())),
        }
    }
}

fn partitions(topics: &[TopicReport]) -> Result<Vec<(String, i32)>, KafkaError> {
    let mut partitions = Vec::new();
    for TopicReport { topic, state } in topics {
        let topic = topic.clone();
        match state {
            TopicState::Exists { partitions: count } => {
                let count = i32::try_from(*count).unwrap_or(i32::MAX);
                partitions.extend((0..count).map(|number| (topic.clone(), number)));
            }
            TopicState::Denied => return Err(KafkaError::DeniedTopic { topic }),
            TopicState::Unclear => {
                return Err(KafkaError::Read(format!(
                    "the partitions of topic {topic:?} have no leader now"
                )));
            }
            TopicState::Missing | TopicState::Invalid => {
                return Err(KafkaError::UnknownTopic { topic });
            }
        }
    }
    Ok(partitions)
}

fn assign(
    connection: &KafkaConnection,
    partitions: &[(String, i32)],
    start: Start,
    within: Duration,
) -> Result<BaseConsumer<ReaderEvents>, KafkaError> {
    let consumer: BaseConsumer<ReaderEvents> = connection
        .reader()
        .create_with_context(ReaderEvents::default())
        .map_err(client_error)?;
    let mut assignment = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        // The names "beginning" and "end" are looked up later: half a second for the first, and for
        // the second what is stored meanwhile would be skipped.
        let watermarks = || {
            consumer
                .fetch_watermarks(topic, *partition, within)
                .map_err(|error| read_error(&error))
        };
        let offset = match start {
            Start::Beginning => watermarks()?.0,
            Start::Offset(offset) => offset,
            Start::End => watermarks()?.1,
            Start::Last(count) => {
                let (low, high) = watermarks()?;
                (high - i64::from(count)).max(low)
            }
        };
        let offset = Offset::Offset(offset);
        assignment
            .add_partition_offset(topic, *partition, offset)
            .map_err(|error| read_error(&error))?;
    }
    consumer
        .assign(&assignment)
        .map_err(|error| read_error(&error))?;
    Ok(consumer)
}

fn read_error(error: &NativeError) -> KafkaError {
    KafkaError::Read(error.to_string())
}

/// Hands over what is there, as soon as something is there.
fn read(
    consumer: &BaseConsumer<ReaderEvents>,
    batches: &mpsc::Sender<Result<Vec<ReadRecord>, KafkaError>>,
) {
    let mut copy = Copy::default();
    while !batches.is_closed() {
        let mut batch = Vec::new();
        let mut patience = POLL;
        while batch.len() < BATCH {
            match consumer.poll(patience) {
                Some(Ok(message)) => batch.push(copy.record(&message)),
                Some(Err(error)) if is_final(&error) => {
                    // Nobody to tell: the caller went away.
                    drop(batches.blocking_send(Err(read_error(&error))));
                    return;
                }
                Some(Err(error)) => tracing::debug!(%error, "reading from Kafka"),
                None => break,
            }
            patience = Duration::ZERO;
        }
        if !batch.is_empty() && batches.blocking_send(Ok(batch)).is_err() {
            return;
        }
    }
}

fn is_final(error: &NativeError) -> bool {
    use RDKafkaErrorCode::{
        Fatal, TopicAuthorizationFailed, UnknownTopic, UnknownTopicOrPartition,
    };
    matches!(error, NativeError::MessageConsumptionFatal(_))
        || matches!(
            error.rdkafka_error_code(),
            Some(Fatal | TopicAuthorizationFailed | UnknownTopic | UnknownTopicOrPartition)
        )
}

/// Copies records out of librdkafka's memory, many into one block.
#[derive(Default)]
struct Copy {
    block: BytesMut,
    topics: Vec<Arc<str>>,
}

impl Copy {
    fn record(&mut self, message: &BorrowedMessage<'_>) -> ReadRecord {
        ReadRecord {
            topic: self.topic(message.topic()),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message
                .timestamp()
                .to_millis()
                .and_then(|ms| u64::try_from(ms).ok()),
            key: message.key().map(|key| self.bytes(key)),
            value: message.payload().map(|value| self.bytes(value)),
            headers: self.headers(message),
        }
    }

    fn headers(&mut self, message: &BorrowedMessage<'_>) -> Vec<Header> {
        let Some(headers) = message.headers() else {
            return Vec::new();
        };
        let header = |header: rdkafka::message::Header<'_, &[u8]>| Header {
            name: self.bytes(header.key.as_bytes()),
            value: self.bytes(header.value.unwrap_or_default()),
        };
        headers.iter().map(header).collect()
    }

    fn bytes(&mut self, bytes: &[u8]) -> Bytes {
        if self.block.capacity() < bytes.len() {
            self.block = BytesMut::with_capacity(BLOCK.max(bytes.len()));
        }
        self.block.extend_from_slice(bytes);
        self.block.split().freeze()
    }

    fn topic(&mut self, name: &str) -> Arc<str> {
        if let Some(topic) = self.topics.iter().find(|topic| ***topic == *name) {
            return Arc::clone(topic);
        }
        let topic: Arc<str> = name.into();
        self.topics.push(Arc::clone(&topic));
        topic
    }
}

#[derive(Default)]
struct ReaderEvents(ClientLog);

impl ClientContext for ReaderEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.line(level, facility, text);
    }

    fn error(&self, _: NativeError, reason: &str) {
        // librdkafka has written it to its log too.
        tracing::debug!(target: "librdkafka", "{reason}");
    }
}

impl ConsumerContext for ReaderEvents {}
