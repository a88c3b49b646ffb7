//! A pipeline with an audit, and an audit-notifier that a test starts and kills by itself.

use std::path::Path;
use std::time::Duration;

use audit::{Entry, EntryKind};
use serde_json::Value;
use tokio::time::sleep;

use crate::payloads::unique;
use crate::replica::Replica;
use crate::run_command::{Outcome, latchwork};
use crate::testbed::Testbed;
use crate::waiting::{DEADLINE, until};

/// The stages before the audit.
pub(crate) const ROAD: [&str; 2] = ["mqtt-edge", "transform"];

/// The topics of a test's audit; no other test has them.
pub(crate) struct Topics {
    pub(crate) log: String,
    pub(crate) alerts: String,
    pub(crate) status: String,
}

impl Topics {
    pub(crate) fn new() -> Self {
        Self {
            log: unique("log"),
            alerts: unique("alerts"),
            status: unique("status"),
        }
    }

    /// A pipeline with a contract of states and an audit; `audit` are further lines of its table,
    /// and further tables.
    pub(crate) fn pipeline(&self, audit: &str) -> String {
        let Self {
            log,
            alerts,
            status,
        } = self;
        format!(
            "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
             [streams]\npartitions = 2\n[audit]\n\
             log_topic = \"{log}\"\nalert_topic = \"{alerts}\"\nstatus_topic = \"{status}\"\n{audit}"
        )
    }
}

/// A state; its number is in `process_id`. Odd ones are open, even ones closed.
pub(crate) fn door(lock: &str, number: u64) -> String {
    let is_open = number % 2 == 1;
    let action = if is_open { "unlock" } else { "lock" };
    format!(
        "{{\"process_id\":\"{number}\",\"action\":\"{action}\",\"battery\":83.4,\
         \"lock_state\":{},\"version\":1.1,\"client_id\":\"{lock}\"}}",
        u8::from(is_open)
    )
}

/// An audit-notifier beside the stack, with every flow of the pipeline.
pub(crate) fn notifier(bed: &Testbed, pipeline: &str) -> Replica {
    notifier_of(bed, pipeline, "audit,notify")
}

/// One flow of it, or several with commas in between.
pub(crate) fn notifier_of(bed: &Testbed, pipeline: &str, flow: &str) -> Replica {
    Replica::start(
        bed,
        "audit-notifier",
        Some(pipeline),
        &[("LATCHWORK_FLOW", flow)],
    )
}

/// When the next kill comes: at any moment of the start, or at work.
pub(crate) struct Moments(fastrand::Rng);

impl Moments {
    pub(crate) fn seeded() -> Self {
        let seed = std::env::var("LATCHWORK_TEST_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        eprintln!("LATCHWORK_TEST_SEED={seed}");
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(crate) async fn next(&mut self, notifier: &Replica) {
        if self.0.bool() {
            notifier.ready().await;
            sleep(Duration::from_millis(self.0.u64(0..150))).await;
        } else {
            sleep(Duration::from_millis(self.0.u64(0..500))).await;
        }
    }
}

/// Waits until these streams are empty: their readers are done with everything.
pub(crate) async fn empty(bed: &Testbed, streams: &[&str]) {
    let context = bed.jetstream().await;
    until(&format!("{streams:?} to run empty"), async || {
        for name in streams {
            let Ok(stream) = context.get_stream(name).await else {
                return false;
            };
            if stream.cached_info().state.messages > 0 {
                return false;
            }
        }
        true
    })
    .await;
}

/// An entry of the log, for asking.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) kind: EntryKind,
    pub(crate) lock: String,
    pub(crate) data: Value,
}

impl Logged {
    /// The kind of an alert's entry and what became of the matter, such as `unlocked raised`.
    pub(crate) fn alert(&self) -> String {
        let word = |name: &str| self.data[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("alert"), word("change"))
    }

    /// The number that a state had.
    pub(crate) fn number(&self) -> u64 {
        self.data["process_id"].as_str().unwrap().parse().unwrap()
    }
}

/// Everything in the stream AUDIT, by `latchwork audit export`, which must find it intact.
pub(crate) async fn export(bed: &Testbed, file: &Path) -> Vec<Logged> {
    let path = file.to_str().unwrap();
    let outcome = latchwork(&["audit", "--nats", bed.nats_url(), "export", path]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let text = std::fs::read_to_string(file).unwrap();
    let read = |line: &str| {
        let entry = Entry::read(line.as_bytes()).unwrap();
        Logged {
            kind: entry.kind,
            lock: entry.lock.to_string(),
            data: serde_json::from_str(entry.data).unwrap(),
        }
    };
    text.lines().map(read).collect()
}

/// The log as it is now.
pub(crate) async fn logged(bed: &Testbed) -> Vec<Logged> {
    let folder = tempfile::tempdir().unwrap();
    export(bed, &folder.path().join("log.jsonl")).await
}

/// Waits until the log holds what is asked for, and gives all of it.
pub(crate) async fn logged_until(
    bed: &Testbed,
    what: &str,
    done: impl Fn(&[Logged]) -> bool,
) -> Vec<Logged> {
    let mut entries = Vec::new();
    let found = servers::wait_until(DEADLINE, what, async || {
        entries = logged(bed).await;
        done(&entries)
    });
    if let Err(late) = found.await {
        panic!("{late}; there is only:\n{entries:#?}");
    }
    entries
}

/// Waits for an alert such as `unlocked raised` of a lock.
pub(crate) async fn alerted(bed: &Testbed, lock: &str, alert: &str) -> Vec<Logged> {
    logged_until(bed, &format!("{alert} of {lock}"), |entries| {
        count_alerts(entries, lock, alert) > 0
    })
    .await
}

pub(crate) fn count_alerts(entries: &[Logged], lock: &str, alert: &str) -> usize {
    let alerts = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Alert);
    alerts
        .filter(|entry| entry.lock == lock && entry.alert() == alert)
        .count()
}

/// `latchwork audit verify` on the stream.
pub(crate) async fn verify(bed: &Testbed, more: &[&str]) -> Outcome {
    let arguments = [&["audit", "--nats", bed.nats_url(), "verify"], more].concat();
    latchwork(&arguments).await
}
