//! `latchwork dlq`: what could not go on, with its cause.

use std::io::Write;

use anyhow::{Context as _, bail};
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::context::Context;
use futures::StreamExt;
use record::{DeadLetter, Frame, KafkaRecord, Original, Record};
use serde_json::{Value, json};
use stage::{NatsArgs, jetstream_context};
use topology::DLQ;

use crate::text::{ellipsis, time, visible};

/// Looks into the dead letters.
#[derive(Clone, Debug, clap::Args)]
pub struct DlqArgs {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// The newest dead letters, one a line.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        last: usize,
        /// Only those of this stage.
        #[arg(long)]
        stage: Option<String>,
        /// One JSON object a line, with everything in it.
        #[arg(long)]
        json: bool,
    },
    /// One dead letter with its cause, its place and its original bytes.
    Show {
        /// Its id, as `dlq list` prints it.
        id: LetterId,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Where a dead letter is: sequence of its frame in DLQ, and index there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterId {
    sequence: u64,
    index: usize,
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.sequence, self.index)
    }
}

impl std::str::FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('.').and_then(|(sequence, index)| {
            Some(Self {
                sequence: sequence.parse().ok()?,
                index: index.parse().ok()?,
            })
        });
        parts.ok_or_else(|| format!("{text:?} is no id like 12.0; `latchwork dlq list` shows them"))
    }
}

/// Runs the command.
pub async fn run(args: DlqArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let context = jetstream_context(&args.nats.connect("dlq").await?);
    match args.action {
        Action::List { last, stage, json } => {
            list(&context, last, stage.as_deref(), json, out).await
        }
        Action::Show { id, json } => show(&context, id, json, out).await,
    }
}

/// The newest dead letters of a stage (or of all), oldest first.
pub async fn newest(
    context: &Context,
    last: usize,
    stage: Option<&str>,
) -> anyhow::Result<Vec<(LetterId, DeadLetter)>> {
    let stream = context.get_stream(DLQ.name).await.context(
        "there is no dead-letter stream here; has a pipeline ever run on this NATS server? \
         (latchwork provision makes the streams)",
    )?;
    // A frame holds at least one letter, so that many frames are enough.
    let state = &stream.cached_info().state;
    let start = (state.last_sequence + 1)
        .saturating_sub(last as u64)
        .max(state.first_sequence);
    if state.messages == 0 {
        return Ok(Vec::new());
    }
    let config = OrderedConfig {
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: start.max(1),
        },
        ..OrderedConfig::default()
    };
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    let mut letters = Vec::new();
    while let Some(message) = messages.next().await {
        let message = message?;
        let (sequence, pending) = message
            .info()
            .map(|info| (info.stream_sequence, info.pending))
            .unwrap_or_default();
        let frame = Frame::<DeadLetter>::read(message.payload.clone())?;
        let wanted = |letter: &DeadLetter| stage.is_none_or(|stage| letter.stage() == stage);
        letters.extend(
            frame
                .items
                .into_iter()
                .enumerate()
                .filter(|(_, letter)| wanted(letter))
                .map(|(index, letter)| (LetterId { sequence, index }, letter)),
        );
        if pending == 0 {
            break;
        }
    }
    let skip = letters.len().saturating_sub(last);
    Ok(letters.split_off(skip))
}

async fn list(
    context: &Context,
    last: usize,
    stage: Option<&str>,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let letters = newest(context, last, stage).await?;
    if json {
        for (id, letter) in &letters {
            writeln!(out, "{}", to_json(*id, letter))?;
        }
        return Ok(());
    }
    if letters.is_empty() {
        writeln!(out, "no dead letters")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<8} {:<24} {:<11} {:<11} {:<20} CAUSE",
        "ID", "REFUSED AT", "STAGE", "CODE", "CLIENT"
    )?;
    for (id, letter) in &letters {
        writeln!(
            out,
            "{:<8} {:<24} {:<11} {:<11} {:<20} {}",
            id.to_string(),
            time(letter.refused_at_ms),
            letter.stage(),
            letter.code(),
            ellipsis(&client(letter), 20),
            ellipsis(&cause(letter), 100),
        )?;
    }
    Ok(())
}

async fn show(
    context: &Context,
    id: LetterId,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let stream = context.get_stream(DLQ.name).await?;
    let message = stream
        .get_raw_message(id.sequence)
        .await
        .with_context(|| format!("there is no dead letter {id}"))?;
    let frame = Frame::<DeadLetter>::read(message.payload)?;
    let Some(letter) = frame.items.get(id.index) else {
        bail!("there is no dead letter {id}")
    };
    if json {
        writeln!(out, "{}", to_json(id, letter))?;
        return Ok(());
    }
    for (name, value) in [
        ("id", id.to_string()),
        ("refused at", time(letter.refused_at_ms)),
        ("by stage", letter.stage().to_owned()),
        ("code", letter.code().to_owned()),
        ("schema", letter.schema().to_owned()),
        ("pointer", letter.pointer().to_owned()),
        ("cause", visible(letter.detail().as_bytes())),
        (
            "read from",
            format!(
                "{} {} index {}",
                stream_of(letter),
                letter.sequence,
                letter.index
            ),
        ),
    ] {
        if !value.is_empty() {
            writeln!(out, "{name:<11} {value}")?;
        }
    }
    for (name, value) in original_fields(letter) {
        writeln!(out, "{name:<11} {value}")?;
    }
    Ok(())
}

fn stream_of(letter: &DeadLetter) -> String {
    visible(&letter.stream)
}

fn cause(letter: &DeadLetter) -> String {
    let place = match (letter.schema(), letter.pointer()) {
        ("", "") => String::new(),
        (schema, "") => format!("{schema}: "),
        (schema, pointer) => format!("{schema} {pointer}: "),
    };
    format!("{place}{}", visible(letter.detail().as_bytes()))
}

fn client(letter: &DeadLetter) -> String {
    match &letter.original {
        Some(
            Original::Record(Record { client_id, .. })
            | Original::KafkaRecord(KafkaRecord { client_id, .. }),
        ) => visible(client_id),
        Some(Original::Bytes(_)) | None => String::new(),
    }
}

fn original_fields(letter: &DeadLetter) -> Vec<(&'static str, String)> {
    match &letter.original {
        Some(Original::Record(record)) => vec![
            ("client id", visible(&record.client_id)),
            ("username", visible(&record.username)),
            ("mqtt topic", visible(&record.topic)),
            ("qos", record.qos.to_string()),
            ("received at", time(record.received_at_ms)),
            ("payload", visible(&record.payload)),
        ],
        Some(Original::KafkaRecord(record)) => vec![
            ("client id", visible(&record.client_id)),
            ("kafka topic", visible(&record.topic)),
            ("value", visible(&record.value)),
        ],
        Some(Original::Bytes(bytes)) => vec![("bytes", visible(bytes))],
        None => Vec::new(),
    }
}

fn to_json(id: LetterId, letter: &DeadLetter) -> Value {
    use base64::Engine;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let original = match &letter.original {
        Some(Original::Record(record)) => json!({
            "client_id": visible(&record.client_id), "username": visible(&record.username),
            "topic": visible(&record.topic), "qos": record.qos,
            "received_at_ms": record.received_at_ms, "payload": base64(&record.payload),
        }),
        Some(Original::KafkaRecord(record)) => json!({
            "client_id": visible(&record.client_id), "kafka_topic": visible(&record.topic),
            "value": base64(&record.value),
        }),
        Some(Original::Bytes(bytes)) => json!({ "bytes": base64(bytes) }),
        None => Value::Null,
    };
    json!({
        "id": id.to_string(), "stage": letter.stage(), "code": letter.code(),
        "schema": letter.schema(), "pointer": letter.pointer(), "detail": letter.detail(),
        "refused_at_ms": letter.refused_at_ms, "stream": stream_of(letter),
        "sequence": letter.sequence, "index": letter.index, "original": original,
    })
}
