//! What is written, and when.

use record::StageItem;
use settings::AuditSettings;

use super::Watch;
use super::records::{LOCK, LOCKED, OPEN, State};
use crate::audit::Output;

fn values(outputs: &[Output]) -> (Vec<&[u8]>, Vec<&[u8]>) {
    let status = outputs.iter().filter_map(|output| match output {
        Output::Status(record) => Some(record.value.as_ref()),
        _ => None,
    });
    let states = outputs.iter().filter_map(|output| match output {
        Output::State { value, .. } => Some(value.as_ref()),
        _ => None,
    });
    (status.collect(), states.collect())
}

/// Scenario: a lock reports the same each minute for an hour, its battery falling slowly.
/// Guarantee: written at first, by each whole percent, and each quarter of an hour; never else.
#[test]
fn steady_reports_write_seldom() {
    let mut watch = Watch::new(AuditSettings::default());
    for minute in 1..=61_u32 {
        let report = State {
            battery: Some(80.0 - f64::from(minute) * 0.01),
            ..LOCKED
        };
        watch.take(&report.at(u64::from(minute) * 60));
    }
    let (status, states) = values(&watch.outputs);
    assert_eq!(
        (status.len(), states.len()),
        (5, 5),
        "0, 15, 30, 45, 60 minutes"
    );
    let drop = State {
        battery: Some(78.3),
        ..LOCKED
    };
    assert_eq!(watch.take(&drop.at(3660)).len(), 2);
}

/// Scenario: statuses of an ordinary lock, an open one and one without most fields.
/// Guarantee: each fits the published schema, and says what the lock said.
#[test]
fn status_fits_its_schema() {
    let mut watch = Watch::new(AuditSettings::default());
    watch.take(&LOCKED.at(1));
    watch.take(&OPEN.at(2));
    let mut bare = LOCKED.of("bare", 3);
    bare.payload = bytes::Bytes::from_static(b"{}");
    watch.take(&bare);
    let schemas = schema::Schemas::builtin().unwrap();
    let (statuses, _) = values(&watch.outputs);
    assert_eq!(statuses.len(), 3);
    for status in &statuses {
        schemas.get("lock-status").unwrap().check(status).unwrap();
    }
    let open: serde_json::Value = serde_json::from_slice(statuses[1]).unwrap();
    assert_eq!(open["lock_state"], 1);
    assert_eq!(open["alerts"][0], "unlocked");
    assert_eq!(open["last_seen"], 2000);
    assert_eq!(open["online"], true);
}

/// Scenario: all outputs of an unlock.
/// Guarantee: every alert and entry fits its schema; all name the lock, and an entry's key is its
/// chain, so that Kafka keeps the chain's order.
#[test]
fn outputs_fit_their_schemas() {
    let mut watch = Watch::new(AuditSettings::default());
    watch.take(&LOCKED.at(1));
    watch.take(&OPEN.at(2));
    watch.until(1000);
    let schemas = schema::Schemas::builtin().unwrap();
    for output in &watch.outputs {
        let name = match output {
            Output::Entry(_) => "lock-audit",
            Output::Alert(_) => "lock-alert",
            Output::Status(_) => "lock-status",
            Output::State { key, .. } => {
                assert_eq!(key, LOCK);
                continue;
            }
        };
        let record = output.kafka().unwrap();
        schemas.get(name).unwrap().check(&record.value).unwrap();
        let key = if name == "lock-audit" { "0" } else { LOCK };
        assert_eq!(record.key.as_deref(), Some(key.as_bytes()));
        assert_eq!(record.client_id, LOCK);
        assert!(output.trace().is_empty());
    }
}

/// Scenario: a lock is offline for more than a month.
/// Guarantee: it leaves the memory after its last state was written.
#[test]
fn long_gone_locks_leave_the_memory() {
    let mut watch = Watch::new(AuditSettings::default());
    watch.take(&LOCKED.at(1));
    watch.take(&LOCKED.at(61));
    for day in 1..=31 {
        watch.until(day * 86_400);
    }
    assert_eq!(watch.handler.locks(), 0);
    let (_, states) = values(&watch.outputs);
    let last: serde_json::Value = serde_json::from_slice(states.last().unwrap()).unwrap();
    assert_eq!(last["seen_ms"], 61_000);
}
