//! Reads a part of a KV bucket.

use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::Context;
use async_nats::jetstream::message::Message;
use futures::TryStreamExt;

/// How long the values may take to come at the start: 100,000 take about a second.
const READ_DEADLINE: Duration = Duration::from_mins(1);

/// Gives the last message of every key below `keys` (a subject pattern without the bucket).
pub(crate) async fn read(
    context: &Context,
    bucket: &str,
    keys: &str,
    mut take: impl FnMut(&Message),
) -> anyhow::Result<()> {
    let stream = context.get_stream(format!("KV_{bucket}")).await?;
    let ordered = pull::OrderedConfig {
        filter_subject: format!("$KV.{bucket}.{keys}"),
        deliver_policy: DeliverPolicy::LastPerSubject,
        ..pull::OrderedConfig::default()
    };
    let consumer = stream.create_consumer(ordered).await?;
    if consumer.cached_info().num_pending == 0 {
        return Ok(());
    }
    let mut messages = consumer.messages().await?;
    let all = async {
        while let Some(message) = messages.try_next().await? {
            take(&message);
            if message.info().map_err(anyhow::Error::from_boxed)?.pending == 0 {
                break;
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(READ_DEADLINE, all).await?
}
