//! Observations for tests.

use stage::lease::{About, Counts, LaneOwner, Replica, Snapshot};

use super::observation::{Alert, LaneFigures, Letter, Observation, StreamFigures};
use super::rules_answers::{ActionCounts, RuleCounts, RulesAnswer};

/// When the tests play: the article's time.
pub(super) const NOW_MS: u64 = 1_574_753_026_269;

/// An edge and a transform, which owns both of its lanes; nothing waits.
pub(super) fn healthy() -> Observation {
    Observation {
        at_ms: NOW_MS,
        leases: Snapshot {
            replicas: vec![
                replica("mqtt-edge", "edge-1"),
                replica("transform", "one-2"),
            ],
            lanes: vec![
                owner("transform", "0", "one-2"),
                owner("transform", "1", "one-2"),
            ],
        },
        streams: vec![stream("UP", 0), stream("DLQ", 0)],
        lanes: vec![lane("0"), lane("1")],
        ..Observation::default()
    }
}

/// The same, a second earlier and with fewer records taken.
pub(super) fn a_second_before(now: &Observation) -> Observation {
    let mut before = now.clone();
    before.at_ms -= 1000;
    for replica in &mut before.leases.replicas {
        let counts = &mut replica.about.counts;
        counts.taken = counts.taken.saturating_sub(500);
        counts.stored = counts.stored.saturating_sub(400);
    }
    before
}

pub(super) fn replica(flow: &str, id: &str) -> Replica {
    Replica {
        flow: flow.to_owned(),
        id: id.to_owned(),
        about: About {
            host: "one".to_owned(),
            pid: 42,
            version: "0.1.0".to_owned(),
            started_ms: NOW_MS - 180_000,
            counts: Counts {
                taken: 10_000,
                stored: 9_000,
                ..Counts::default()
            },
        },
    }
}

pub(super) fn owner(flow: &str, token: &str, replica: &str) -> LaneOwner {
    LaneOwner {
        flow: flow.to_owned(),
        token: token.to_owned(),
        replica: replica.to_owned(),
    }
}

/// A lane of transform without anything in it.
pub(super) fn lane(token: &str) -> LaneFigures {
    LaneFigures {
        flow: "transform",
        token: token.to_owned(),
        needs_owner: true,
        pending: 0,
        unsettled: 0,
        redelivered: 0,
    }
}

/// A stream of 1000 bytes.
pub(super) fn stream(name: &'static str, bytes: u64) -> StreamFigures {
    StreamFigures {
        name,
        messages: bytes,
        bytes,
        max_bytes: Some(1000),
        refuses: name != "DLQ",
    }
}

/// Dead letters of so many milliseconds ago.
pub(super) fn letters(code: &str, ages_ms: &[u64]) -> Vec<Letter> {
    let letter = |age: &u64| Letter {
        stage: "kafka-sink".to_owned(),
        code: code.to_owned(),
        refused_at_ms: NOW_MS - age,
    };
    ages_ms.iter().map(letter).collect()
}

pub(super) fn alert(message: &str) -> Alert {
    Alert {
        ts_ms: NOW_MS,
        severity: "critical".to_owned(),
        kind: "unlocked".to_owned(),
        change: "raised".to_owned(),
        lock: "10083618796833171".to_owned(),
        message: message.to_owned(),
    }
}

/// What a replica tells of its rules.
pub(super) fn answer(replica: &str, version: &str, rules: &[RuleCounts]) -> RulesAnswer {
    RulesAnswer {
        replica: replica.to_owned(),
        version: version.to_owned(),
        rules: rules.to_vec(),
        left_out: 0,
    }
}

/// A rule that was about so many messages: half of them passed, one had an exception, the others no
/// result. Its only action made a record of each that passed, but for two.
pub(super) fn rule(name: &str, matched: u64) -> RuleCounts {
    let passed = matched / 2;
    RuleCounts {
        name: name.to_owned(),
        shadow: false,
        matched,
        passed,
        failed: matched - passed,
        failed_exception: 1,
        failed_no_result: matched - passed - 1,
        actions: vec![ActionCounts {
            name: "1:kafka".to_owned(),
            matched: passed,
            success: passed - 2,
            failed: 1,
            dropped: 1,
        }],
    }
}
