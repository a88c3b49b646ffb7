//! What NATS told at one moment.

use stage::lease::Snapshot;

use super::rules_answers::RulesAnswer;

/// Everything that a view is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Observation {
    /// When it was told, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// Replicas and owners of lanes.
    pub(super) leases: Snapshot,
    /// The streams that are there, in the order of the data.
    pub(super) streams: Vec<StreamFigures>,
    /// The lanes that there are, owned or not, in the order of the data.
    pub(super) lanes: Vec<LaneFigures>,
    /// What each process of transform told of its rules, in order of their ids.
    pub(super) rules: Vec<RulesAnswer>,
    /// The newest dead letters, oldest first.
    pub(super) letters: Vec<Letter>,
    /// The newest alerts of the audit log, newest first.
    pub(super) alerts: Vec<Alert>,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamFigures {
    pub(super) name: &'static str,
    /// Frames in it.
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// `None` without a limit.
    pub(super) max_bytes: Option<u64>,
    /// Whether it refuses what is new when it is full, instead of forgetting what is old.
    pub(super) refuses: bool,
}

/// What waits for the owner of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LaneFigures {
    pub(super) flow: &'static str,
    /// Number of the partition, or the channel.
    pub(super) token: String,
    /// A channel that the settings leave out has nobody, and needs nobody while nothing waits.
    pub(super) needs_owner: bool,
    /// Frames that were not delivered yet.
    pub(super) pending: u64,
    /// Frames that were delivered and are not settled.
    pub(super) unsettled: u64,
    /// Of these, the ones that were delivered before.
    pub(super) redelivered: u64,
}

/// Why something became a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) stage: String,
    pub(super) code: String,
    pub(super) refused_at_ms: u64,
}

/// One alert, as the audit log has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Alert {
    /// When it happened, in milliseconds since 1970.
    pub(super) ts_ms: u64,
    pub(super) severity: String,
    /// What is the matter.
    pub(super) kind: String,
    /// Whether it began, lasts or is over.
    pub(super) change: String,
    pub(super) lock: String,
    pub(super) message: String,
}
