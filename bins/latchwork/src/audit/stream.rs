//! The log in the stream AUDIT: frames of Kafka records, each with one entry.

use std::time::Duration;

use ::audit::Position;
use anyhow::{Context as _, bail};
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use futures::StreamExt;
use record::{Frame, KafkaRecord};
use stage::{NatsArgs, jetstream_context};
use topology::AUDIT;

use super::source::Item;

/// How long the server may be silent while entries are due.
const PATIENCE: Duration = Duration::from_secs(30);

/// An entry has the time of the edge that took the message; the stream has the server's. So much
/// may the edge's clock be ahead.
const CLOCKS: Duration = Duration::from_hours(1);

/// Reads from the stream.
pub(super) struct StreamLog {
    /// `None` when there is nothing (more) to read.
    messages: Option<Ordered>,
    first: u64,
    read: u64,
    last: u64,
}

impl StreamLog {
    /// Reads from its oldest entry, or from those of this time on (and some older ones).
    pub(super) async fn open(nats: &NatsArgs, since_ms: Option<u64>) -> anyhow::Result<Box<Self>> {
        let context = jetstream_context(&nats.connect("audit").await?);
        let stream = context.get_stream(AUDIT.name).await.context(
            "there is no audit log here; it is kept where the pipeline file has an [audit] table",
        )?;
        let state = &stream.cached_info().state;
        let (first, last) = (state.first_sequence, state.last_sequence);
        let is_empty = state.messages == 0;
        let config = OrderedConfig {
            deliver_policy: start(since_ms)?,
            ..OrderedConfig::default()
        };
        let consumer = stream.create_consumer(config).await?;
        let messages = match consumer.cached_info().num_pending {
            0 => None,
            _ if is_empty => None,
            _ => Some(consumer.messages().await?),
        };
        let read = first.saturating_sub(1);
        Ok(Box::new(Self {
            messages,
            first,
            read,
            last,
        }))
    }

    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Item>>> {
        let Some(messages) = &mut self.messages else {
            return Ok(None);
        };
        let message = match tokio::time::timeout(PATIENCE, messages.next()).await {
            Ok(Some(message)) => message.context("the audit log can't be read to its end")?,
            Ok(None) => bail!("the audit log can't be read to its end"),
            Err(_) => bail!("nats-server gives no more of the audit log, though there is more"),
        };
        let info = message.info().map_err(|error| {
            anyhow::anyhow!("a message of the audit log does not say where it is: {error}")
        })?;
        let (sequence, pending) = (info.stream_sequence, info.pending);
        if sequence > self.last {
            // Everything that was there has been read.
            self.messages = None;
            return Ok(None);
        }
        self.read = sequence;
        if sequence == self.last || pending == 0 {
            self.messages = None;
        }
        Ok(Some(items(sequence, message.payload.clone())))
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        let before = self.first.saturating_sub(1);
        (
            self.read.saturating_sub(before),
            self.last.saturating_sub(before),
        )
    }
}

fn start(since_ms: Option<u64>) -> anyhow::Result<DeliverPolicy> {
    let Some(since_ms) = since_ms else {
        return Ok(DeliverPolicy::All);
    };
    let since = Duration::from_millis(since_ms).saturating_sub(CLOCKS);
    let nanos = i128::try_from(since.as_nanos())?;
    let start_time = async_nats::datetime::from_nanos(nanos)
        .map_err(|error| anyhow::anyhow!("that is too long ago: {error}"))?;
    Ok(DeliverPolicy::ByStartTime { start_time })
}

fn items(sequence: u64, payload: bytes::Bytes) -> Vec<Item> {
    let position = |index: usize| Position::Stream {
        sequence,
        index: u32::try_from(index).unwrap_or(u32::MAX),
    };
    match Frame::<KafkaRecord>::read(payload) {
        Ok(frame) => frame
            .items
            .into_iter()
            .enumerate()
            .map(|(index, record)| Item::Entry(position(index), record.value))
            .collect(),
        Err(error) => vec![Item::Broken(position(0), error.to_string())],
    }
}
