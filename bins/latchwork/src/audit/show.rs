//! `latchwork audit show`.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::audit::Entry;
use serde_json::{Map, Value};
use stage::NatsArgs;

use super::Verdict;
use super::source::KafkaLogArgs;
use crate::simulate::parse_duration;
use crate::text::{time, visible};

/// Which entries to show.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Only those about this lock.
    #[arg(long, value_name = "LOCK")]
    lock: Option<String>,
    /// Only those younger than this, e.g. 1h.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    since: Option<Duration>,
    /// The entries themselves, one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kafka: KafkaLogArgs,
}

/// Runs the command. What is no sound entry can't be shown as one, and makes the log faulty.
pub(super) async fn run(
    args: ShowArgs,
    nats: &NatsArgs,
    out: &mut impl Write,
) -> anyhow::Result<Verdict> {
    let since_ms = args.since.map(|since| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let start = now.unwrap_or_default().saturating_sub(since);
        u64::try_from(start.as_millis()).unwrap_or(0)
    });
    let mut source = args.kafka.open(nats, since_ms).await?;
    let is_wanted = |entry: &Entry<'_>| {
        entry.ts_ms >= since_ms.unwrap_or(0)
            && args.lock.as_ref().is_none_or(|lock| entry.lock == *lock)
    };
    let mut verdict = Verdict::Intact;
    while let Some(items) = source.next().await? {
        for item in &items {
            let bytes = item.entry().unwrap_or_default();
            match Entry::read(bytes) {
                Ok(entry) if !is_wanted(&entry) => {}
                Ok(_) if args.json => {
                    out.write_all(bytes)?;
                    out.write_all(b"\n")?;
                }
                Ok(entry) => writeln!(out, "{}", to_text(&entry))?,
                Err(error) => {
                    if verdict == Verdict::Intact {
                        tracing::warn!("{error}; `latchwork audit verify` says where");
                    }
                    verdict = Verdict::Faulty;
                }
            }
        }
    }
    Ok(verdict)
}

/// One harmless line.
fn to_text(entry: &Entry<'_>) -> String {
    let data: Map<String, Value> = serde_json::from_str(entry.data).unwrap_or_default();
    let word = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => visible(text.as_bytes()),
            other => visible(other.to_string().as_bytes()),
        };
        format!(" {}={value}", visible(name.as_bytes()))
    };
    let words: String = data.iter().map(word).collect();
    format!(
        "{} {:<10} {:<20}{words}",
        time(entry.ts_ms),
        entry.kind.name(),
        visible(entry.lock.as_bytes())
    )
}
