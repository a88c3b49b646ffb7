//! What arrives in Kafka during the demo.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka::{KafkaConnection, KafkaReader, ReadRecord, Start};
use serde::Deserialize;

use super::account::{Account, Stream};
use crate::simulate::MessageId;
use crate::tail::to_text;

/// How long Kafka may take to answer the first question.
const ANSWER: Duration = Duration::from_secs(10);

/// The topics that the built-in pipeline writes, and whose messages are in them.
pub(super) const TOPICS: [(&str, Stream); 2] = [
    ("message_state", Stream::State),
    ("message_command", Stream::Command),
];

pub(super) async fn open(connection: &KafkaConnection) -> anyhow::Result<KafkaReader> {
    let names = TOPICS.map(|(name, _)| name);
    Ok(KafkaReader::open(connection, &names, Start::End, ANSWER).await?)
}

/// Books a record, and shows it in one line.
pub(super) fn book(account: &mut Account, record: &ReadRecord, now: Instant) -> String {
    let stream = TOPICS
        .iter()
        .find(|(name, _)| *name == &*record.topic)
        .map(|(_, stream)| *stream);
    if let (Some(stream), Some(id)) = (stream, identity(record)) {
        account.in_kafka(stream, id, now);
    }
    to_text(record)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    client_id: &'a str,
    payload: &'a str,
}

/// Which message it is.
fn identity(record: &ReadRecord) -> Option<MessageId> {
    let envelope: Envelope<'_> = serde_json::from_slice(record.value.as_deref()?).ok()?;
    let payload = STANDARD.decode(envelope.payload).ok()?;
    message_id(envelope.client_id.as_bytes(), &payload)
}

/// Which message it is, also when its payload is broken: the process id can be read in all of them.
pub(super) fn message_id(client_id: &[u8], payload: &[u8]) -> Option<MessageId> {
    const BEFORE: &[u8] = b"\"process_id\":\"";
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
    let at = payload
        .windows(BEFORE.len())
        .position(|window| window == BEFORE)?
        + BEFORE.len();
    let digits = payload.get(at..)?.split(|byte| *byte == b'"').next()?;
    Some(MessageId {
        lock: number(client_id)?,
        process_id: number(digits)?,
    })
}
