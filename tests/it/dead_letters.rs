//! What is in the stream DLQ.

use async_nats::jetstream::context::Context;
use bytes::Bytes;
use latchwork::dlq;
use record::{DeadLetter, Original};

use crate::testbed::Testbed;
use crate::waiting::until;

/// More than any test makes.
const ALL: usize = 100_000;

/// Every dead letter of a stage, oldest first.
pub(crate) async fn dead_letters(context: &Context, stage: &str) -> Vec<DeadLetter> {
    let letters = dlq::newest(context, ALL, Some(stage)).await.unwrap();
    letters.into_iter().map(|(_, letter)| letter).collect()
}

/// Waits for so many dead letters of a stage, and gives them, oldest first.
pub(crate) async fn await_dead_letters(
    bed: &Testbed,
    stage: &str,
    count: usize,
) -> Vec<DeadLetter> {
    let context = bed.jetstream().await;
    let mut letters = Vec::new();
    until(&format!("{count} dead letters of {stage}"), async || {
        letters = dead_letters(&context, stage).await;
        letters.len() >= count
    })
    .await;
    letters
}

/// The payload of the MQTT message that a letter keeps.
pub(crate) fn original_payload(letter: &DeadLetter) -> &Bytes {
    match &letter.original {
        Some(Original::Record(record)) => &record.payload,
        other => panic!("no record: {other:?}"),
    }
}
