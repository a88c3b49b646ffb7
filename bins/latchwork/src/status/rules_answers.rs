//! What the processes of transform tell of their rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_nats::{Client, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use stage::lease::Snapshot;
use tokio::time::{Instant, timeout_at};
use topology::TRANSFORM;
use transform::RULES_ADDRESS;

/// How long is waited for answers: a process of an older build gives none, and neither does one that
/// has just died.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// The answer of one process. What a process of another build does not tell is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct RulesAnswer {
    /// Its id among the replicas.
    pub(super) replica: String,
    /// Version of the pipeline that is in force there.
    #[serde(default)]
    pub(super) version: String,
    /// In their order.
    #[serde(default)]
    pub(super) rules: Vec<RuleCounts>,
    /// Rules that there was no room for.
    #[serde(default)]
    pub(super) left_out: usize,
}

/// The counts of a rule since the process began, under EMQX's names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct RuleCounts {
    pub(super) name: String,
    /// It is counted, and nothing is done with what it gives.
    pub(super) shadow: bool,
    pub(super) matched: u64,
    pub(super) passed: u64,
    pub(super) failed: u64,
    #[serde(rename = "failed.exception")]
    pub(super) failed_exception: u64,
    #[serde(rename = "failed.no_result")]
    pub(super) failed_no_result: u64,
    pub(super) actions: Vec<ActionCounts>,
}

/// The same of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ActionCounts {
    /// Its place and kind: `1:kafka`.
    pub(super) name: String,
    pub(super) matched: u64,
    pub(super) success: u64,
    pub(super) failed: u64,
    pub(super) dropped: u64,
}

/// Asks every process of transform, until those that hold leases have answered; in order of their
/// ids. Nobody is asked where none holds one.
pub(super) async fn ask(client: &Client, leases: &Snapshot) -> anyhow::Result<Vec<RulesAnswer>> {
    let replicas = leases.replicas.iter();
    let mut awaited: BTreeSet<&str> = replicas
        .filter(|replica| replica.flow == TRANSFORM.name)
        .map(|replica| replica.id.as_str())
        .collect();
    let mut answers = BTreeMap::new();
    if awaited.is_empty() {
        return Ok(Vec::new());
    }
    let inbox = client.new_inbox();
    let mut told = client.subscribe(inbox.clone()).await?;
    client
        .publish_with_reply(RULES_ADDRESS, inbox, Bytes::new())
        .await?;
    let deadline = Instant::now() + ANSWERS_WITHIN;
    while !awaited.is_empty() {
        let Ok(Some(message)) = timeout_at(deadline, told.next()).await else {
            break;
        };
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            break;
        }
        // What can't be read is of a build that this one does not know.
        if let Ok(answer) = serde_json::from_slice::<RulesAnswer>(&message.payload) {
            awaited.remove(answer.replica.as_str());
            answers.insert(answer.replica.clone(), answer);
        }
    }
    Ok(answers.into_values().collect())
}
