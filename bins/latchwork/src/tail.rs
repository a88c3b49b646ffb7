//! `latchwork tail`: what arrives in Kafka, decoded.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka::{KafkaArgs, KafkaReader, ReadRecord, Start};
use serde_json::{Value, json};
use settings::Pipeline;
use stage::stop_signal;

use crate::text::{time, visible};

/// How long Kafka may take to answer the first question.
const ANSWER: Duration = Duration::from_secs(10);

/// Shows what arrives in Kafka, with the envelope's payload decoded. Ctrl-C ends it.
#[derive(Clone, Debug, clap::Args)]
pub struct TailArgs {
    #[command(flatten)]
    kafka: KafkaArgs,
    /// The pipeline file; its [kafka.librdkafka] table says how to connect, its hooks which topics
    /// there are.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Topics to show; all of the pipeline's without it.
    #[arg(long, value_delimiter = ',', value_name = "TOPICS")]
    topic: Vec<String>,
    /// From the oldest record on, instead of from now on.
    #[arg(long, conflicts_with = "last")]
    from_beginning: bool,
    /// The newest N of each partition first.
    #[arg(long, value_name = "N")]
    last: Option<u32>,
    /// End after this many records.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// One JSON object a line, with headers, partition and offset.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: TailArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.config.as_deref())?;
    let connection = args.kafka.connection(pipeline.librdkafka())?;
    let topics = if args.topic.is_empty() {
        pipeline.kafka_topics()
    } else {
        args.topic.clone()
    };
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let start = match (args.from_beginning, args.last) {
        (true, _) => Start::Beginning,
        (false, Some(last)) => Start::Last(last),
        (false, None) => Start::End,
    };
    let mut reader = KafkaReader::open(&connection, &topics, start, ANSWER).await?;
    let stop = stop_signal();
    let mut left = args.count.unwrap_or(usize::MAX);
    while left > 0 {
        let records = tokio::select! {
            records = reader.next() => records?,
            () = stop.cancelled() => break,
        };
        for record in records.iter().take(left) {
            let line = if args.json {
                to_json(record).to_string()
            } else {
                to_text(record)
            };
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        left = left.saturating_sub(records.len());
    }
    Ok(())
}

/// One line for people: topic, key, time, who, and the payload as it was published.
pub fn to_text(record: &ReadRecord) -> String {
    let key = record.key.as_deref().map(visible).unwrap_or_default();
    let value = record.value.as_deref().unwrap_or_default();
    let Some((envelope, payload)) = decoded(value) else {
        return format!("{:<16} {key:<20} {}", record.topic, visible(value));
    };
    let field = |name: &str| {
        envelope
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let at = envelope
        .get("ts")
        .and_then(Value::as_u64)
        .map(time)
        .unwrap_or_default();
    let from = match field("from") {
        "" => String::new(),
        from => format!(" from {}", visible(from.as_bytes())),
    };
    let what = if payload.is_empty() {
        visible(field("reason").as_bytes())
    } else {
        visible(&payload)
    };
    format!(
        "{:<16} {key:<20} {at} {}{from} {what}",
        record.topic,
        visible(field("topic").as_bytes())
    )
}

fn to_json(record: &ReadRecord) -> Value {
    let headers: serde_json::Map<_, _> = record
        .headers
        .iter()
        .map(|header| (visible(&header.name), Value::from(visible(&header.value))))
        .collect();
    let value = record.value.as_deref().unwrap_or_default();
    let (envelope, payload) = decoded(value).unwrap_or_else(|| (json!(visible(value)), Vec::new()));
    let payload = serde_json::from_slice(&payload).unwrap_or_else(|_| json!(visible(&payload)));
    json!({
        "topic": &*record.topic, "partition": record.partition, "offset": record.offset,
        "key": record.key.as_deref().map(visible), "timestamp_ms": record.timestamp_ms,
        "headers": headers, "value": envelope, "payload": payload,
    })
}

/// The envelope, and its payload's bytes.
fn decoded(value: &[u8]) -> Option<(Value, Vec<u8>)> {
    let envelope: Value = serde_json::from_slice(value).ok()?;
    envelope.as_object()?;
    let payload = envelope.get("payload").and_then(Value::as_str);
    let payload = payload
        .and_then(|text| STANDARD.decode(text).ok())
        .unwrap_or_default();
    Some((envelope, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: &'static str) -> ReadRecord {
        ReadRecord {
            topic: "message_state".into(),
            partition: 0,
            offset: 7,
            timestamp_ms: Some(1_574_753_026_269),
            key: Some("10083618796833171".into()),
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }

    /// Scenario: an envelope whose payload has an escape sequence in it, and a value that is none.
    /// Guarantee: the payload is shown as it was published, in one harmless line.
    #[test]
    fn envelopes_are_decoded() {
        let line = to_text(&record(
            r#"{"client_id":"1","topic":"devices/1/state","payload":"eyJhIjoiG1sifQ==","ts":1574753026269}"#,
        ));
        assert!(
            line.contains("2019-11-26T07:23:46.269Z devices/1/state {\"a\":\"\\u{1b}[\"}"),
            "{line}"
        );
        assert!(to_text(&record("plain")).ends_with("plain"));
        let json = to_json(&record(r#"{"client_id":"1","payload":"eyJhIjoxfQ=="}"#));
        assert_eq!(json["payload"]["a"], 1);
    }
}
