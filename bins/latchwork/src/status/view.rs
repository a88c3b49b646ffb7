//! What people see: made of two observations, without asking anybody.

use std::collections::BTreeMap;

use serde::Serialize;
use stage::lease::{Counts, Replica};

use super::observation::{Alert, LaneFigures, Observation, StreamFigures};
use super::observer::place;
use super::remarks::{Remark, remarks};
use super::rules::{self, FollowedVersion, RuleRow};

/// How the pipeline fares.
#[derive(Clone, Debug, Serialize)]
pub(super) struct View {
    /// As of when, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// What needs somebody, the worst first; nothing when all is well.
    pub(super) remarks: Vec<Remark>,
    pub(super) replicas: Vec<ReplicaRow>,
    pub(super) lanes: Vec<LaneRow>,
    pub(super) streams: Vec<StreamRow>,
    /// Which versions of the pipeline the processes of transform follow.
    pub(super) rules_versions: Vec<FollowedVersion>,
    pub(super) rules: Vec<RuleRow>,
    /// Rules that an answer had no room for.
    pub(super) rules_left_out: usize,
    pub(super) rejects: Rejects,
    /// Newest first.
    pub(super) alerts: Vec<Alert>,
}

/// One replica of a flow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ReplicaRow {
    pub(super) flow: String,
    pub(super) id: String,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) version: String,
    /// Since when it runs, in milliseconds since 1970.
    pub(super) started_ms: u64,
    /// Lanes that it owns.
    pub(super) lanes: usize,
    /// Records a second that it took; `None` when it was not there before.
    pub(super) taken_per_s: Option<f64>,
    /// Records a second that it gave on.
    pub(super) stored_per_s: Option<f64>,
    pub(super) counts: Counts,
    /// Whether it had to send something again since the last look.
    pub(super) retrying: bool,
}

/// One lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LaneRow {
    pub(super) flow: &'static str,
    pub(super) lane: String,
    /// Id of the replica that owns it and is there.
    pub(super) owner: Option<String>,
    /// Nobody owns it although somebody should.
    pub(super) orphaned: bool,
    /// Frames that wait.
    pub(super) pending: u64,
    /// Frames that the owner has and has not settled.
    pub(super) unsettled: u64,
    pub(super) redelivered: u64,
    /// More wait than at the last look, and more than the owner could hold.
    pub(super) growing: bool,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct StreamRow {
    pub(super) name: &'static str,
    /// Frames in it.
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// `None` without a limit.
    pub(super) max_bytes: Option<u64>,
    /// How full it is, when it has a limit.
    pub(super) percent: Option<u64>,
    /// Whether it refuses what is new when it is full.
    pub(super) refuses: bool,
}

/// The dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Rejects {
    /// Frames of dead letters that are kept.
    pub(super) frames: u64,
    /// How many of the newest letters the causes are counted of.
    pub(super) of_latest: usize,
    /// The most frequent first.
    pub(super) causes: Vec<Cause>,
    /// When the newest was refused, in milliseconds since 1970.
    pub(super) newest_ms: Option<u64>,
    /// Of these letters, those of the last five minutes.
    pub(super) recent: usize,
}

/// Why letters are dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cause {
    pub(super) stage: String,
    pub(super) code: String,
    pub(super) count: usize,
}

/// Dead letters of this age are new.
const RECENT_MS: u64 = 5 * 60 * 1000;

/// Frames that an owner may hold unsettled: fewer that wait are no lag.
const FRAMES_HELD: u64 = 64;

impl View {
    /// `before` is an earlier observation; without it there are no rates.
    pub(super) fn new(now: &Observation, before: Option<&Observation>) -> Self {
        let left_out = now.rules.iter().map(|answer| answer.left_out);
        let mut view = Self {
            at_ms: now.at_ms,
            remarks: Vec::new(),
            replicas: replicas(now, before),
            lanes: now
                .lanes
                .iter()
                .map(|lane| lane_row(lane, now, before))
                .collect(),
            streams: now.streams.iter().map(stream_row).collect(),
            rules_versions: rules::versions(now),
            rules: rules::rows(now, before),
            rules_left_out: left_out.max().unwrap_or_default(),
            rejects: rejects(now),
            alerts: now.alerts.clone(),
        };
        view.remarks = remarks(&view);
        view
    }
}

/// In the order of the data.
fn replicas(now: &Observation, before: Option<&Observation>) -> Vec<ReplicaRow> {
    let mut replicas: Vec<&Replica> = now.leases.replicas.iter().collect();
    replicas.sort_by_key(|replica| place(&replica.flow));
    let earlier = |replica: &Replica| {
        let before = before?;
        let same = |other: &&Replica| other.flow == replica.flow && other.id == replica.id;
        let counts = before.leases.replicas.iter().find(same)?.about.counts;
        Some((counts, now.at_ms.saturating_sub(before.at_ms)))
    };
    replicas
        .into_iter()
        .map(|replica| replica_row(replica, now, earlier(replica)))
        .collect()
}

/// `earlier` are its counts at the last look, so many milliseconds ago.
fn replica_row(replica: &Replica, now: &Observation, earlier: Option<(Counts, u64)>) -> ReplicaRow {
    let about = &replica.about;
    let owned =
        |lane: &&stage::lease::LaneOwner| lane.flow == replica.flow && lane.replica == replica.id;
    let rate = |count: fn(&Counts) -> u64| {
        let (counts, elapsed_ms) = earlier.filter(|(_, elapsed_ms)| *elapsed_ms > 0)?;
        let more = count(&about.counts).saturating_sub(count(&counts));
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        Some(more as f64 * 1000.0 / elapsed_ms as f64)
    };
    ReplicaRow {
        flow: replica.flow.clone(),
        id: replica.id.clone(),
        host: about.host.clone(),
        pid: about.pid,
        version: about.version.clone(),
        started_ms: about.started_ms,
        lanes: now.leases.lanes.iter().filter(owned).count(),
        taken_per_s: rate(|counts| counts.taken),
        stored_per_s: rate(|counts| counts.stored),
        counts: about.counts,
        retrying: earlier.is_some_and(|(counts, _)| about.counts.retries > counts.retries),
    }
}

fn lane_row(lane: &LaneFigures, now: &Observation, before: Option<&Observation>) -> LaneRow {
    let is_there = |id: &str| {
        let mut replicas = now.leases.replicas.iter();
        replicas.any(|replica| replica.flow == lane.flow && replica.id == id)
    };
    let mut leases = now.leases.lanes.iter();
    let lease = leases.find(|lease| lease.flow == lane.flow && lease.token == lane.token);
    // A lease outlives its owner by seconds.
    let owner = lease
        .map(|lease| lease.replica.clone())
        .filter(|id| is_there(id));
    let same = |other: &&LaneFigures| other.flow == lane.flow && other.token == lane.token;
    let earlier = before.and_then(|before| before.lanes.iter().find(same));
    LaneRow {
        flow: lane.flow,
        lane: lane.token.clone(),
        orphaned: owner.is_none() && (lane.needs_owner || lane.pending + lane.unsettled > 0),
        owner,
        pending: lane.pending,
        unsettled: lane.unsettled,
        redelivered: lane.redelivered,
        growing: lane.pending > FRAMES_HELD
            && earlier.is_some_and(|earlier| lane.pending > earlier.pending),
    }
}

fn stream_row(stream: &StreamFigures) -> StreamRow {
    let percent = |limit: u64| stream.bytes.saturating_mul(100) / limit.max(1);
    StreamRow {
        name: stream.name,
        messages: stream.messages,
        bytes: stream.bytes,
        max_bytes: stream.max_bytes,
        percent: stream.max_bytes.map(percent),
        refuses: stream.refuses,
    }
}

fn rejects(now: &Observation) -> Rejects {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for letter in &now.letters {
        *counts.entry((&letter.stage, &letter.code)).or_default() += 1;
    }
    let mut causes: Vec<Cause> = counts
        .into_iter()
        .map(|((stage, code), count)| Cause {
            stage: stage.to_owned(),
            code: code.to_owned(),
            count,
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    let dlq = now
        .streams
        .iter()
        .find(|stream| stream.name == topology::DLQ.name);
    let oldest_recent = now.at_ms.saturating_sub(RECENT_MS);
    let times = now.letters.iter().map(|letter| letter.refused_at_ms);
    Rejects {
        frames: dlq.map_or(0, |dlq| dlq.messages),
        of_latest: now.letters.len(),
        causes,
        newest_ms: times.clone().max(),
        recent: times.filter(|time| *time >= oldest_recent).count(),
    }
}
