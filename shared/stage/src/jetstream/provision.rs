//! Makes the streams and durables, before anyone publishes.

mod buckets;
mod settings;

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{Context, GetStreamErrorKind};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use topology::{FLOWS, MAX_PARTITIONS, PARTITIONS_KEY, Retention, STREAMS, StreamSpec, Token};

use crate::error::ProvisionError;

pub use settings::StreamSettings;

/// How long an unsettled frame waits before it is delivered again. Long: a dead process is noticed
/// by other means, and a slow batch says that it is in progress.
pub(crate) const ACK_WAIT: Duration = Duration::from_mins(1);

/// How often a batch that takes long says that it is in progress.
pub(crate) const PROGRESS_EVERY: Duration = Duration::from_secs(20);

/// Repeats of a publish within this time are stored once. Ids live in the server's memory: with
/// frames these are a few hundred a second.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(5);

/// Frames that may be delivered and unsettled per partition.
const FRAMES_PENDING: i64 = 64;

/// Deliveries to people that may be, without a limit: those that wait for their hour count too, and
/// must not hold up the others.
const DELIVERIES_PENDING: i64 = -1;

/// What was made, or found as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durables {
    /// Partitions of every stream, fixed for its life.
    pub partitions: u16,
    /// Names of the durables.
    pub names: Vec<String>,
}

/// Makes every stream and durable of the table; idempotent, and safe when several stages do it at
/// once. Refuses a number of partitions that differs from the stored one.
pub async fn provision(
    context: &Context,
    settings: &StreamSettings,
) -> Result<Durables, ProvisionError> {
    let partitions = partitions(context, settings.partitions).await?;
    for spec in STREAMS.iter().filter(|spec| settings.has(spec.part)) {
        make_stream(context, spec, partitions, settings).await?;
    }
    let mut names = Vec::new();
    for flow in FLOWS.iter().filter(|flow| settings.has(flow.part)) {
        let Some(spec) = flow.source() else { continue };
        for token in spec.token.all(partitions) {
            let name = flow.durable(&token);
            make_durable(context, &spec, &name, spec.subject_of(&token)).await?;
            names.push(name);
        }
    }
    buckets::make(context, settings).await?;
    Ok(Durables { partitions, names })
}

/// The stored number of partitions, checked against the wanted one.
async fn partitions(context: &Context, wanted: Option<u16>) -> Result<u16, ProvisionError> {
    if let Some(wanted) = wanted.filter(|wanted| !(1..=MAX_PARTITIONS).contains(wanted)) {
        return Err(ProvisionError::OutOfRange(wanted));
    }
    for spec in STREAMS {
        if let Some(stored) = stored_partitions(context, spec).await? {
            return match wanted {
                Some(wanted) if wanted != stored => Err(ProvisionError::Partitions {
                    stream: spec.name,
                    stored,
                    wanted,
                }),
                _ => Ok(stored),
            };
        }
    }
    Ok(wanted.unwrap_or(1))
}

/// Partitions of a stream, as they were fixed when it was made; `None` when it is not there.
pub async fn stored_partitions(
    context: &Context,
    spec: &StreamSpec,
) -> Result<Option<u16>, ProvisionError> {
    let found = match context.get_stream(spec.name).await {
        Ok(found) => found,
        Err(error) => {
            return match error.kind() {
                GetStreamErrorKind::JetStream(cause) if cause.code() == 404 => Ok(None),
                _ => Err(refused(spec.name, &error)),
            };
        }
    };
    let stored = found.cached_info().config.metadata.get(PARTITIONS_KEY);
    let stored = stored.and_then(|text| text.parse().ok());
    stored
        .map(Some)
        .ok_or(ProvisionError::Foreign { stream: spec.name })
}

/// Makes a stream, or brings what the settings say into one that is there. Whatever else an
/// operator has set on it stays.
async fn make_stream(
    context: &Context,
    spec: &StreamSpec,
    partitions: u16,
    settings: &StreamSettings,
) -> Result<(), ProvisionError> {
    let what = || format!("stream {}", spec.name);
    let found = context
        .get_or_create_stream(config(spec, partitions, settings))
        .await;
    let mut found = found.map_err(|error| refused(what(), &error))?;
    let stored = &found
        .info()
        .await
        .map_err(|error| refused(what(), &error))?
        .config;
    let changed = as_set(spec, stored, settings);
    if changed == *stored {
        return Ok(());
    }
    let updated = context.update_stream(changed).await;
    updated
        .map(|_info| ())
        .map_err(|error| refused(what(), &error))
}

/// The stored configuration, with what the settings say.
fn as_set(spec: &StreamSpec, stored: &stream::Config, settings: &StreamSettings) -> stream::Config {
    let mut config = stored.clone();
    config.max_bytes = settings.max_bytes(spec).unwrap_or(stored.max_bytes);
    config.num_replicas = settings.replicas.unwrap_or(stored.num_replicas);
    if spec.queue.is_some() {
        let queue = stored.max_messages_per_subject;
        config.max_messages_per_subject = settings.queue.unwrap_or(queue);
        config.max_age = settings.queue_max_age.unwrap_or(stored.max_age);
        config.duplicate_window = duplicate_window(config.max_age);
    }
    config
}

fn config(spec: &StreamSpec, partitions: u16, settings: &StreamSettings) -> stream::Config {
    let (retention, discard, max_age) = match spec.retention {
        Retention::WorkQueue => (
            RetentionPolicy::WorkQueue,
            DiscardPolicy::New,
            Duration::ZERO,
        ),
        Retention::Interest => (
            RetentionPolicy::Interest,
            DiscardPolicy::New,
            Duration::ZERO,
        ),
        Retention::Limits { max_age } if spec.queue.is_some() => {
            let max_age = settings.queue_max_age.unwrap_or(max_age);
            (RetentionPolicy::Limits, DiscardPolicy::New, max_age)
        }
        Retention::Limits { max_age } => (RetentionPolicy::Limits, DiscardPolicy::Old, max_age),
        Retention::Log => (RetentionPolicy::Limits, DiscardPolicy::New, Duration::ZERO),
    };
    stream::Config {
        name: spec.name.into(),
        description: Some(format!("Latchwork: {}", spec.holds)),
        subjects: vec![spec.subjects()],
        retention,
        discard,
        max_age,
        max_bytes: settings.max_bytes(spec).unwrap_or(spec.max_bytes),
        storage: StorageType::File,
        num_replicas: settings.replicas.unwrap_or(1),
        duplicate_window: duplicate_window(max_age),
        metadata: [(PARTITIONS_KEY.to_owned(), partitions.to_string())].into(),
        ..queues(spec, settings)
    }
}

/// nats-server takes no window that is longer than messages are kept.
fn duplicate_window(max_age: Duration) -> Duration {
    if max_age.is_zero() {
        return DUPLICATE_WINDOW;
    }
    DUPLICATE_WINDOW.min(max_age)
}

/// What a stream of queues has besides.
fn queues(spec: &StreamSpec, settings: &StreamSettings) -> stream::Config {
    let Some(entries) = spec.queue else {
        return stream::Config::default();
    };
    stream::Config {
        max_messages_per_subject: settings.queue.unwrap_or(entries),
        discard_new_per_subject: true,
        allow_message_ttl: true,
        allow_direct: true,
        ..stream::Config::default()
    }
}

async fn make_durable(
    context: &Context,
    spec: &StreamSpec,
    name: &str,
    filter_subject: String,
) -> Result<(), ProvisionError> {
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        deliver_policy: DeliverPolicy::All,
        ack_wait: ACK_WAIT,
        max_ack_pending: match spec.token {
            Token::Word(_) => DELIVERIES_PENDING,
            Token::Partition | Token::Flow | Token::Client => FRAMES_PENDING,
        },
        filter_subject,
        ..pull::Config::default()
    };
    let made = context.create_consumer_on_stream(config, spec.name).await;
    made.map(|_consumer| ())
        .map_err(|error| refused(format!("durable {name}"), &error))
}

fn refused(what: impl Into<String>, error: &dyn std::error::Error) -> ProvisionError {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        source = cause.source();
    }
    ProvisionError::Refused {
        what: what.into(),
        reason,
    }
}
