//! How long JetStream takes to store a message, and what time it thinks it is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::Client;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::{Config, StorageType, Stream};
use futures::TryStreamExt;
use settings::Pipeline;
use stage::jetstream_context;

use super::clock;
use super::finding::Finding;
use super::nats::millis;

/// Messages that are stored, one after the other.
const MESSAGES: usize = 9;

/// Prefix of the streams' names; each run has its own.
const PREFIX: &str = "DOCTOR-";

/// A stream of this age was left by a run that was killed.
const LEFT_BEHIND: Duration = Duration::from_mins(10);

/// Storing takes longer than this on no disk that is well.
const SLOW: Duration = Duration::from_millis(50);

/// Hardly any disk writes through faster.
const SUSPICIOUS: Duration = Duration::from_micros(100);

/// One message that was stored.
pub(super) struct Stored {
    sequence: u64,
    sent: SystemTime,
    took: Duration,
}

/// Stores a few messages in a stream that is removed at once. It has as many copies as the streams
/// of the pipeline, so that the time is theirs.
pub(super) async fn examine(client: Client, pipeline: Pipeline, within: Duration) -> Vec<Finding> {
    let context = jetstream_context(&client);
    remove_left_behind(&context).await;
    let copies = pipeline.streams().replicas.unwrap_or(1);
    let name = format!("{PREFIX}{:016x}", fastrand::u64(..));
    let stream = match context.create_stream(config(&name, copies)).await {
        Ok(stream) => stream,
        Err(error) => {
            let fix = "allow the user to make streams, or give JetStream more room";
            return vec![Finding::failed_by("JetStream write", error, fix)];
        }
    };
    // Within a part of the deadline, so that the stream is removed in any case.
    let measured = tokio::time::timeout(within / 2, measure(&context, &stream, &name)).await;
    let removed = context.delete_stream(&name).await;
    let mut findings = match measured {
        Ok(Ok((stored, server_time))) => vec![
            speed(&stored),
            clock::judge("clock of NATS", server_time, clock::allowed(&pipeline)),
        ],
        Ok(Err(error)) => vec![Finding::failed_by(
            "JetStream write",
            error,
            "look at nats-server's log and at its disk",
        )],
        Err(_) => vec![Finding::failed(
            "JetStream write",
            format!(
                "{MESSAGES} messages were not stored within {:?}",
                within / 2
            ),
            "look at nats-server's log and at its disk; --within waits longer",
        )],
    };
    if let Err(error) = removed {
        let fix = format!("remove the stream {name}: `nats stream rm {name}`");
        findings.push(Finding::warning("JetStream write", error.to_string(), fix));
    }
    findings
}

fn config(name: &str, copies: usize) -> Config {
    Config {
        name: name.to_owned(),
        description: Some("Latchwork: a test by `latchwork doctor`, removed at its end".to_owned()),
        subjects: vec![name.to_owned()],
        storage: StorageType::File,
        num_replicas: copies,
        // Whatever becomes of it, it holds next to nothing.
        max_bytes: 64 * 1024,
        max_age: LEFT_BEHIND,
        ..Config::default()
    }
}

/// Streams of runs that were killed. Somebody may not be allowed to look for them; the next one is.
async fn remove_left_behind(context: &Context) {
    let streams: Result<Vec<_>, _> = context.streams().try_collect().await;
    for info in streams.unwrap_or_default() {
        let age = SystemTime::now().duration_since(SystemTime::from(info.created));
        if info.config.name.starts_with(PREFIX) && age.is_ok_and(|age| age > LEFT_BEHIND) {
            drop(context.delete_stream(&info.config.name).await);
        }
    }
}

/// Stores, and gives the server's time of the quickest message beside ours.
async fn measure(
    context: &Context,
    stream: &Stream,
    subject: &str,
) -> anyhow::Result<(Vec<Stored>, clock::Comparison)> {
    let mut stored = Vec::with_capacity(MESSAGES);
    for _ in 0..MESSAGES {
        let (sent, start) = (SystemTime::now(), Instant::now());
        let ack = context
            .publish(subject.to_owned(), "latchwork doctor".into())
            .await?
            .await?;
        stored.push(Stored {
            sequence: ack.sequence,
            sent,
            took: start.elapsed(),
        });
    }
    // The first one made the stream's files.
    stored.remove(0);
    stored.sort_by_key(|message| message.took);
    let Some(quickest) = stored.first() else {
        anyhow::bail!("nothing was stored");
    };
    let message = stream.get_raw_message(quickest.sequence).await?;
    let comparison = clock::Comparison {
        theirs_ms: i64::try_from(message.time.unix_timestamp_nanos() / 1_000_000)?,
        ours_ms: unix_ms(quickest.sent + quickest.took / 2),
        uncertain: quickest.took / 2,
    };
    Ok((stored, comparison))
}

pub(super) fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `stored` is sorted by time.
fn speed(stored: &[Stored]) -> Finding {
    let what = "JetStream write";
    let time = |message: Option<&Stored>| message.map(|message| message.took).unwrap_or_default();
    let (median, slowest) = (time(stored.get(stored.len() / 2)), time(stored.last()));
    let times = format!("median {}, slowest {}", millis(median), millis(slowest));
    if median >= SLOW {
        let fix = "give nats-server a faster disk: every PUBACK waits for it";
        return Finding::warning(what, format!("a message is stored slowly: {times}"), fix);
    }
    let detail = format!("a message is stored and acknowledged: {times}");
    if median < SUSPICIOUS {
        let hint = format!("{detail}; hardly any disk syncs so fast, so look at sync_interval");
        return Finding::ok(what, hint);
    }
    Finding::ok(what, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    /// Scenario: messages that were stored at once, at a disk's pace, and very slowly.
    /// Guarantee: slowness is a warning, and a pace that no disk has is remarked on.
    #[test]
    fn the_pace_is_judged() {
        let at = |took| {
            let stored = |sequence| Stored {
                sequence,
                sent: UNIX_EPOCH,
                took,
            };
            speed(&[stored(1), stored(2), stored(3)])
        };
        assert!(
            at(Duration::from_micros(20))
                .detail
                .contains("sync_interval")
        );
        let disk = at(Duration::from_millis(2));
        assert_eq!(disk.verdict, Verdict::Ok);
        assert!(
            disk.detail.ends_with("median 2.0 ms, slowest 2.0 ms"),
            "{disk:?}"
        );
        assert_eq!(at(Duration::from_millis(60)).verdict, Verdict::Warning);
    }
}
