//! Does Kafka take a record as kafka-sink writes it, and what time does it think it is?

use std::time::{Duration, Instant, SystemTime};

use ::kafka::{
    KafkaConnection, KafkaError, KafkaProducer, KafkaReader, ReadRecord, Start, UnknownTopic,
    topic_safety,
};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use record::KafkaRecord;
use stage::{Sink, now_ms};

use super::clock::{self, Comparison};
use super::finding::Finding;
use super::kafka::Looked;
use super::nats::millis;
use super::storing::unix_ms;

const WHAT: &str = "Kafka write";

/// A record that was written and read again.
struct Written {
    took: Duration,
    sent: SystemTime,
    read: ReadRecord,
}

/// Nothing is written into the topics of the pipeline: whoever reads them would take it for real.
pub(super) fn untried() -> Finding {
    Finding::skipped(WHAT, "nothing is written without a topic for it")
        .with_fix("name a topic that nobody reads with --kafka-probe: one record goes there")
}

/// Writes one record with the producer of kafka-sink, and reads it again.
pub(super) async fn examine(
    looked: Looked,
    connection: KafkaConnection,
    topic: String,
    (within, allowed): (Duration, Duration),
) -> Vec<Finding> {
    if looked.await.is_err() {
        return vec![Finding::skipped(WHAT, "Kafka can't be reached")];
    }
    let fix = "allow this user to write to and read from the topic; see the broker's log";
    let written = match tokio::time::timeout(within, write(&connection, &topic, within)).await {
        Ok(Ok(written)) => written,
        Ok(Err(error)) => return vec![Finding::failed_by(WHAT, format!("{error:#}"), fix)],
        Err(_) => {
            let detail = format!("topic {topic} did not take a record within {within:?}");
            return vec![Finding::failed(WHAT, detail, fix)];
        }
    };
    let detail = format!(
        "topic {topic} took a record from an idempotent producer with acks=all in {}",
        millis(written.took)
    );
    let mut findings = vec![Finding::ok(WHAT, detail)];
    findings.push(match broker_time(&connection, &topic, within).await {
        Ok(true) => clock::judge("clock of Kafka", compare(&written), allowed),
        Ok(false) => Finding::skipped(
            "clock of Kafka",
            format!("the topic {topic} keeps the producer's time (message.timestamp.type)"),
        ),
        Err(error) => Finding::failed_by("clock of Kafka", error, fix),
    });
    findings
}

async fn write(
    connection: &KafkaConnection,
    topic: &str,
    within: Duration,
) -> anyhow::Result<Written> {
    let mut reader = KafkaReader::open(connection, &[topic], Start::End, within).await?;
    let producer = KafkaProducer::new(connection, UnknownTopic::Wait)?;
    producer.connected().await?;
    let key = format!("latchwork-doctor-{:016x}", fastrand::u64(..));
    let record = KafkaRecord {
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        key: Some(Bytes::from(key.clone())),
        value: Bytes::from_static(b"a test by `latchwork doctor`"),
        timestamp_ms: now_ms(),
        ..KafkaRecord::default()
    };
    let mut sink = producer.sink()?;
    // The first one looks the topic up and gets the producer its id.
    let (sent, start) = (SystemTime::now(), Instant::now());
    let refused = sink.send("doctor", &[record]).await?;
    let took = start.elapsed();
    if let Some(refused) = refused.first() {
        bail!(
            "topic {topic} refuses the record: {}",
            refused.reject.detail
        );
    }
    loop {
        let records = reader
            .next()
            .await
            .context("the record can't be read again")?;
        let ours = |record: &ReadRecord| record.key.as_deref() == Some(key.as_bytes());
        if let Some(read) = records.into_iter().find(ours) {
            return Ok(Written { took, sent, read });
        }
    }
}

async fn broker_time(
    connection: &KafkaConnection,
    topic: &str,
    within: Duration,
) -> Result<bool, KafkaError> {
    let safety = topic_safety(connection, &[topic], within).await?;
    Ok(safety.first().is_some_and(|topic| topic.broker_time))
}

fn compare(written: &Written) -> Comparison {
    let theirs = written.read.timestamp_ms.unwrap_or_default();
    Comparison {
        theirs_ms: i64::try_from(theirs).unwrap_or(i64::MAX),
        ours_ms: unix_ms(written.sent + written.took / 2),
        uncertain: written.took / 2,
    }
}
