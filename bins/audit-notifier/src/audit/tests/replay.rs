//! Crashes at every moment: nothing is lost, nothing comes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alert::Alert;
use audit::{Chain, Place, Verification};
use bytes::Bytes;
use proptest::prelude::*;
use record::{Kind, Origin, Record, Verdict};
use serde_json::Value;
use settings::AuditSettings;
use stage::{Handler, Outputs};

use super::records::{LOCKED, OPEN, State, command_to, record, taken};
use crate::audit::{AuditHandler, Output};

const LOCKS: [&str; 3] = ["a", "b", "c"];

/// What one batch or tick does, as numbers: which lock, what, with which figures.
type Choice = (usize, u8, u8);

/// A batch a while after the one before, and how storing its outputs ends: as it should, or in a
/// crash after so many of them.
#[derive(Clone, Debug)]
struct Step {
    after_s: u64,
    choices: Vec<Choice>,
    crash: Option<usize>,
    tick_crash: Option<usize>,
}

/// What is stored outside of the handler.
#[derive(Default)]
struct Stored {
    /// Frames of the stream AUDIT.
    log: Vec<Vec<Bytes>>,
    alerts: Vec<Alert>,
    states: BTreeMap<Bytes, Bytes>,
}

impl Stored {
    /// Stores outputs as the sinks do: entries first, states last. A `crash` ends it after so many
    /// of them; false then. Entries of a tick are one frame.
    fn store(&mut self, outputs: &[Output], crash: Option<usize>, is_tick: bool) -> bool {
        let mut left = crash.unwrap_or(usize::MAX);
        let mut frame = Vec::new();
        for output in outputs {
            if let Output::Entry(record) = output {
                if left == 0 && !is_tick {
                    break;
                }
                left = left.saturating_sub(1);
                frame.push(record.value.clone());
            }
        }
        if !frame.is_empty() && (crash != Some(0)) {
            self.log.push(frame);
        }
        for output in outputs {
            if let Output::Alert(record) = output {
                if left == 0 {
                    return false;
                }
                left -= 1;
                self.alerts.push(Alert::read(&record.value).unwrap());
            }
        }
        let states = outputs.iter().filter_map(|output| match output {
            Output::State { key, value } => Some((key.clone(), value.clone())),
            _ => None,
        });
        for (key, value) in states.collect::<BTreeMap<_, _>>() {
            if left == 0 {
                return false;
            }
            left -= 1;
            if value.is_empty() {
                self.states.remove(&key);
            } else {
                self.states.insert(key, value);
            }
        }
        left > 0
    }

    /// Starts again from what is stored.
    fn start(&mut self, settings: &Arc<AuditSettings>) -> AuditHandler {
        let last = self.log.last().and_then(|frame| frame.last());
        let chain = last.map_or_else(|| Chain::new(0), |entry| Chain::resume(entry).unwrap());
        let mut handler = AuditHandler::new(Arc::clone(settings), chain);
        for (key, value) in &self.states {
            let lock = std::str::from_utf8(key).unwrap();
            handler.restore(lock, value).unwrap();
        }
        let mut out = Outputs::default();
        let frame = self.log.last().cloned().unwrap_or_default();
        handler.recover(frame.iter().map(AsRef::as_ref), &mut out);
        self.store(out.items(), None, true);
        handler
    }

    /// Per lock, without what a crash may change: numbers in the chain, and who found it.
    fn entries(&self) -> BTreeMap<String, Vec<Value>> {
        let mut entries: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for entry in self.log.iter().flatten() {
            let mut entry: Value = serde_json::from_slice(entry).unwrap();
            entry["data"].as_object_mut().unwrap().remove("clock");
            // An operator's action is not about the lock's own timers, and may come before them.
            let about = if entry["kind"] == "operator" {
                "operator"
            } else {
                "lock"
            };
            let lock = format!("{about} {}", entry["lock"]);
            let essence = serde_json::json!([entry["kind"], entry["ts"], entry["data"]]);
            entries.entry(lock).or_default().push(essence);
        }
        entries
    }

    /// Without the place of the last record, as one that changed nothing may not be remembered,
    /// and without times that no rule asks for any more: they are forgotten at the next writing.
    fn locks(&self) -> BTreeMap<&Bytes, Value> {
        let essence = |value: &Bytes| {
            let mut state: Value = serde_json::from_slice(value).unwrap();
            let rare = state["rare"].take();
            for passing in ["place", "touched_ms", "rare"] {
                state.as_object_mut().unwrap().remove(passing);
            }
            for lasting in [
                "matters",
                "commands",
                "batteries_missing",
                "failed",
                "told_open",
            ] {
                state[lasting] = rare[lasting].clone();
            }
            state
        };
        let states = self.states.iter();
        states.map(|(key, value)| (key, essence(value))).collect()
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.alerts.iter().map(|alert| alert.id.as_str()).collect()
    }
}

/// A record, made of numbers. `epochs` counts the connections.
fn record_of((lock, what, figure): Choice, second: u64, epochs: &mut [u64; 3]) -> Record {
    let (name, epoch) = (LOCKS[lock % 3], &mut epochs[lock % 3]);
    let process = ["1", "2", "3", "4"][usize::from(figure % 4)];
    let battery = [None, Some(5.0), Some(12.0), Some(17.0), Some(50.0)];
    let base = if figure % 2 == 0 { LOCKED } else { OPEN };
    let report = State {
        process,
        battery: battery[usize::from(figure / 8 % 5)],
        version: f64::from(figure / 64),
        action: if figure % 16 == 15 {
            "lock"
        } else {
            base.action
        },
        ..base
    };
    let verdicts = [
        Verdict::Ok,
        Verdict::Unchecked,
        Verdict::Stale,
        Verdict::Replayed,
    ];
    let action = if figure % 2 == 0 { "lock" } else { "unlock" };
    let verdict = verdicts[usize::from(figure / 4 % 4)];
    let command = command_to(name, process, action, verdict, second);
    let plain = |kind| record(kind, name, second);
    let mut made = match what % 11 {
        0..=3 => report.of(name, second),
        4 => command,
        5 => taken(&command, second),
        6 => {
            *epoch += 1;
            plain(Kind::Connected)
        }
        7 => Record {
            reason: Bytes::from_static(if figure % 2 == 0 {
                b"normal"
            } else {
                b"tcp_closed"
            }),
            ..plain(Kind::Disconnected)
        },
        8 => plain(Kind::LoginFailed),
        9 => Record {
            topic: Bytes::from(format!("devices/{name}/state")),
            reason: Bytes::from_static(b"json lock-state : no"),
            ..record(
                Kind::Rejected,
                if figure % 3 == 0 { "x" } else { name },
                second,
            )
        },
        _ => Record {
            payload: Bytes::from_static(b"{}"),
            ..plain(Kind::Operator)
        },
    };
    made.session_epoch = epoch.saturating_sub(u64::from(figure % 7 == 6));
    made
}

/// Runs the steps, with or without their crashes, and then lets all timers run out.
fn run(steps: &[Step], settings: &Arc<AuditSettings>, crashes: bool) -> Stored {
    let mut stored = Stored::default();
    let mut handler = stored.start(settings);
    let (mut second, mut epochs) = (1000, [1; 3]);
    for (sequence, step) in (1..).zip(steps) {
        second += step.after_s;
        let records: Vec<_> = (step.choices.iter())
            .map(|choice| record_of(*choice, second, &mut epochs))
            .collect();
        let mut crash = step.crash.filter(|_| crashes);
        loop {
            let mut out = Outputs::default();
            for (index, record) in (0..).zip(&records) {
                let origin = Origin { sequence, index };
                handler.handle(record, origin, &mut out).unwrap();
            }
            if stored.store(out.items(), crash, false) {
                break;
            }
            crash = None;
            handler = stored.start(settings);
        }
        let mut out = Outputs::default();
        handler.tick(second * 1000, &mut out);
        if !stored.store(out.items(), step.tick_crash.filter(|_| crashes), true) {
            handler = stored.start(settings);
        }
    }
    for second in (second..second + 4000).step_by(4) {
        let mut out = Outputs::default();
        handler.tick(second * 1000, &mut out);
        stored.store(out.items(), None, true);
    }
    stored
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let choice = (0..3_usize, any::<u8>(), any::<u8>());
    let after = prop_oneof![4 => 0..20_u64, 2 => 20..100_u64, 1 => 100..400_u64];
    let crash = || proptest::option::weighted(0.4, 0..12_usize);
    let step = (
        after,
        proptest::collection::vec(choice, 1..6),
        crash(),
        crash(),
    );
    let step = step.prop_map(|(after_s, choices, crash, tick_crash)| Step {
        after_s,
        choices,
        crash,
        tick_crash,
    });
    proptest::collection::vec(step, 1..30)
}

/// Settings under which much happens, and under which a lock's last report is stored exactly.
fn settings() -> Arc<AuditSettings> {
    Arc::new(AuditSettings {
        status_interval_s: 0,
        battery_missing_reports: 2,
        jammed_after: 2,
        flapping_connects: 2,
        attack_refusals: 2,
        login_failures: 2,
        // Longer than crashes may last here: a repeat that is missed is not told late.
        repeat_s: 3000,
        ..AuditSettings::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario: random records of three locks, with crashes before, within and after the storing
    /// of a batch's or a tick's outputs.
    /// Guarantee: each lock's entries are those of a run without a crash, none lost and none twice;
    /// no alert is missing and none has a new id; the chain is intact; the stored states are equal.
    #[test]
    fn a_crash_changes_nothing(steps in steps()) {
        let settings = settings();
        let (calm, rough) = (run(&steps, &settings, false), run(&steps, &settings, true));
        prop_assert_eq!(calm.entries(), rough.entries());
        prop_assert_eq!(calm.ids(), rough.ids());
        prop_assert_eq!(calm.locks(), rough.locks());
        let mut verification = Verification::new(None);
        let mut last = Place::default();
        for entry in rough.log.iter().flatten() {
            verification.push(entry);
            let origin = audit::Entry::read(entry).unwrap().origin;
            prop_assert!(origin > last, "{:?} after {:?}", origin, last);
            last = origin;
        }
        let report = verification.finish();
        prop_assert!(report.is_intact(), "{:?}", report.findings);
    }
}
