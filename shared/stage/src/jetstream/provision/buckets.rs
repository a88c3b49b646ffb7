//! The KV buckets that outlive what writes them.

use std::time::Duration;

use async_nats::jetstream::context::Context;
use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{self, DiscardPolicy, StorageType};
use topology::{LOCK_BUCKET, RETAINED_BUCKET, SESSION_BUCKET};

use super::{StreamSettings, refused};
use crate::error::ProvisionError;

/// How long the word of a deleted or expired retained message stays: an edge that hears nothing from
/// NATS for longer must load all of them again.
const RETAINED_MARKERS: Duration = Duration::from_hours(24);

/// Makes those that this pipeline needs; one that is there stays as it is.
pub(super) async fn make(
    context: &Context,
    settings: &StreamSettings,
) -> Result<(), ProvisionError> {
    if settings.audit {
        make_bucket(context, LOCK_BUCKET, lock_bucket(settings)).await?;
    }
    make_bucket(context, RETAINED_BUCKET, retained_bucket(settings)).await?;
    make_session_bucket(context, settings).await
}

async fn make_bucket(
    context: &Context,
    name: &'static str,
    config: kv::Config,
) -> Result<(), ProvisionError> {
    if context.get_key_value(name).await.is_ok() {
        return Ok(());
    }
    let made = context.create_key_value(config).await;
    made.map(|_bucket| ())
        .map_err(|error| refused(format!("bucket {name}"), &error))
}

fn lock_bucket(settings: &StreamSettings) -> kv::Config {
    kv::Config {
        bucket: LOCK_BUCKET.to_owned(),
        description: "Latchwork: what is known of each lock".to_owned(),
        history: 1,
        num_replicas: settings.replicas.unwrap_or(1),
        ..kv::Config::default()
    }
}

/// Markers let each message have a life of its own, and its end be seen by who watches.
fn retained_bucket(settings: &StreamSettings) -> kv::Config {
    kv::Config {
        bucket: RETAINED_BUCKET.to_owned(),
        description: "Latchwork: retained MQTT messages".to_owned(),
        history: 1,
        num_replicas: settings.replicas.unwrap_or(1),
        limit_markers: Some(RETAINED_MARKERS),
        ..kv::Config::default()
    }
}

/// A bucket whose keys can be deleted without a trace, which the usual configuration denies: the end
/// of a session is the end of one certain revision, and a marker for each would stay for ever.
async fn make_session_bucket(
    context: &Context,
    settings: &StreamSettings,
) -> Result<(), ProvisionError> {
    let config = stream::Config {
        name: format!("KV_{SESSION_BUCKET}"),
        description: Some("Latchwork: MQTT sessions".to_owned()),
        subjects: vec![format!("$KV.{SESSION_BUCKET}.>")],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        allow_direct: true,
        allow_rollup: true,
        num_replicas: settings.replicas.unwrap_or(1),
        ..stream::Config::default()
    };
    let made = context.get_or_create_stream(config).await;
    made.map(|_stream| ())
        .map_err(|error| refused(format!("bucket {SESSION_BUCKET}"), &error))
}
