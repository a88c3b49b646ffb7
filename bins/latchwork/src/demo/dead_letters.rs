//! Dead letters that appear during the demo.

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use futures::StreamExt;
use record::{DeadLetter, Frame, Original};
use stage::{NatsArgs, jetstream_context};
use topology::DLQ;

use super::kafka_side::message_id;
use crate::simulate::MessageId;
use crate::text::visible;

/// Follows the stream DLQ from its start: the demo has a server of its own, and a consumer that the
/// client makes again after a missed heartbeat must not skip what came meanwhile.
pub(super) struct DeadLetters {
    messages: Ordered,
}

impl DeadLetters {
    pub(super) async fn open(nats_url: &str) -> anyhow::Result<Self> {
        let context = jetstream_context(&NatsArgs::at(nats_url).connect("demo").await?);
        let stream = context.get_stream(DLQ.name).await?;
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::All,
            ..OrderedConfig::default()
        };
        Ok(Self {
            messages: stream.create_consumer(config).await?.messages().await?,
        })
    }

    /// The next frame of letters. Cancel-safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<DeadLetter>> {
        match self.messages.next().await {
            Some(message) => Ok(Frame::read(message?.payload.clone())?.items),
            None => anyhow::bail!("the dead-letter stream can't be read any more"),
        }
    }
}

/// Which message it was.
pub(super) fn identity(letter: &DeadLetter) -> Option<MessageId> {
    match letter.original.as_ref()? {
        Original::Record(record) => message_id(&record.client_id, &record.payload),
        Original::KafkaRecord(_) | Original::Bytes(_) => None,
    }
}

/// One line for people.
pub(super) fn to_text(letter: &DeadLetter) -> String {
    let client = match &letter.original {
        Some(Original::Record(record)) => visible(&record.client_id),
        _ => String::new(),
    };
    let pointer = if letter.pointer().is_empty() {
        ""
    } else {
        " at "
    };
    format!(
        "{:<16} {client:<20} {}{pointer}{}: {}",
        "dead letter",
        letter.schema(),
        letter.pointer(),
        letter.detail(),
    )
}
