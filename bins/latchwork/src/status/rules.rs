//! What the rules did, over all processes of transform.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::observation::Observation;
use super::rules_answers::{ActionCounts, RuleCounts};

/// A version of the pipeline, and how many processes follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FollowedVersion {
    pub(super) version: String,
    pub(super) replicas: usize,
}

/// One rule. Its counts are sums over the processes that run, each since its start; EMQX's names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct RuleRow {
    pub(super) name: String,
    /// Whether at least one process does nothing with what it gives.
    pub(super) shadow: bool,
    pub(super) matched: u64,
    pub(super) passed: u64,
    pub(super) failed: u64,
    #[serde(rename = "failed.exception")]
    pub(super) failed_exception: u64,
    #[serde(rename = "failed.no_result")]
    pub(super) failed_no_result: u64,
    /// Events a second that it was about; `None` when no process was there before.
    pub(super) matched_per_s: Option<f64>,
    pub(super) actions: Vec<ActionRow>,
    /// Of `failed_exception`, those since the last look.
    #[serde(skip)]
    pub(super) new_exceptions: u64,
}

/// One action of a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct ActionRow {
    /// Its place and kind: `1:kafka`.
    pub(super) name: String,
    pub(super) matched: u64,
    pub(super) success: u64,
    pub(super) failed: u64,
    pub(super) dropped: u64,
    /// Successes a second; `None` when no process was there before.
    pub(super) rate: Option<f64>,
}

/// The versions that processes follow, the most frequent first.
pub(super) fn versions(now: &Observation) -> Vec<FollowedVersion> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let versions = now.rules.iter().map(|answer| answer.version.as_str());
    for version in versions.filter(|version| !version.is_empty()) {
        *counts.entry(version).or_default() += 1;
    }
    let followed = |(version, replicas): (&str, usize)| FollowedVersion {
        version: version.to_owned(),
        replicas,
    };
    let mut versions: Vec<_> = counts.into_iter().map(followed).collect();
    versions.sort_by_key(|followed| Reverse(followed.replicas));
    versions
}

/// `a (2), b (1)`.
pub(super) fn listed(versions: &[FollowedVersion]) -> String {
    let versions = versions.iter();
    let versions: Vec<String> = versions
        .map(|followed| format!("{} ({})", followed.version, followed.replicas))
        .collect();
    versions.join(", ")
}

/// In the order of the rules.
pub(super) fn rows(now: &Observation, before: Option<&Observation>) -> Vec<RuleRow> {
    let elapsed_ms = before.map_or(0, |before| now.at_ms.saturating_sub(before.at_ms));
    let earlier = earlier(before);
    let mut rows: Vec<RuleRow> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for answer in &now.rules {
        for rule in &answer.rules {
            let place = *places.entry(&rule.name).or_insert(rows.len());
            if place == rows.len() {
                rows.push(RuleRow {
                    name: rule.name.clone(),
                    ..RuleRow::default()
                });
            }
            let earlier = earlier.get(&(answer.replica.as_str(), rule.name.as_str()));
            if let Some(row) = rows.get_mut(place) {
                row.add(rule, earlier.copied(), elapsed_ms);
            }
        }
    }
    rows
}

/// What was told at the last look, by process and rule: one that is new has no rate yet.
fn earlier(before: Option<&Observation>) -> HashMap<(&str, &str), &RuleCounts> {
    let answers = before.into_iter().flat_map(|before| &before.rules);
    answers
        .flat_map(|answer| {
            let rules = answer.rules.iter();
            rules.map(|rule| ((answer.replica.as_str(), rule.name.as_str()), rule))
        })
        .collect()
}

impl RuleRow {
    /// Adds what one process counted; `earlier` is what it had so many milliseconds ago.
    fn add(&mut self, counts: &RuleCounts, earlier: Option<&RuleCounts>, elapsed_ms: u64) {
        self.shadow |= counts.shadow;
        self.matched = self.matched.saturating_add(counts.matched);
        self.passed = self.passed.saturating_add(counts.passed);
        self.failed = self.failed.saturating_add(counts.failed);
        self.failed_exception = self
            .failed_exception
            .saturating_add(counts.failed_exception);
        self.failed_no_result = self
            .failed_no_result
            .saturating_add(counts.failed_no_result);
        if let Some(earlier) = earlier {
            let more = counts.failed_exception;
            self.new_exceptions = more
                .saturating_sub(earlier.failed_exception)
                .saturating_add(self.new_exceptions);
            let more = counts.matched.saturating_sub(earlier.matched);
            add_rate(&mut self.matched_per_s, more, elapsed_ms);
        }
        for action in &counts.actions {
            let same = |other: &&ActionCounts| other.name == action.name;
            let earlier = earlier.and_then(|earlier| earlier.actions.iter().find(same));
            self.add_action(action, earlier, elapsed_ms);
        }
    }

    fn add_action(
        &mut self,
        counts: &ActionCounts,
        earlier: Option<&ActionCounts>,
        elapsed_ms: u64,
    ) {
        let known = self.actions.iter();
        let place = known
            .take_while(|action| action.name != counts.name)
            .count();
        if place == self.actions.len() {
            self.actions.push(ActionRow {
                name: counts.name.clone(),
                ..ActionRow::default()
            });
        }
        let Some(row) = self.actions.get_mut(place) else {
            return;
        };
        row.matched = row.matched.saturating_add(counts.matched);
        row.success = row.success.saturating_add(counts.success);
        row.failed = row.failed.saturating_add(counts.failed);
        row.dropped = row.dropped.saturating_add(counts.dropped);
        if let Some(earlier) = earlier {
            let more = counts.success.saturating_sub(earlier.success);
            add_rate(&mut row.rate, more, elapsed_ms);
        }
    }
}

/// Adds so many in so many milliseconds, if any have passed, to a rate a second.
fn add_rate(rate: &mut Option<f64>, more: u64, elapsed_ms: u64) {
    if elapsed_ms == 0 {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let more = more as f64 * 1000.0 / elapsed_ms as f64;
    *rate.get_or_insert_default() += more;
}
