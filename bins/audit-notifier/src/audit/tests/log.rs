//! Entries, checkpoints and the operator.

use std::sync::Arc;

use audit::{Chain, CheckpointKey, Verification};
use bytes::Bytes;
use record::{Kind, Record, Verdict};
use settings::AuditSettings;

use super::records::{LOCK, LOCKED, command, record};
use super::{Watch, entries_of};
use crate::audit::{AuditHandler, Output};

/// Scenario: 2,500 commands, and then one more and a quiet minute.
/// Guarantee: the log has its checkpoints by number and by time, and is intact under the key.
#[test]
fn the_log_is_signed() {
    let key = CheckpointKey::generate().unwrap();
    let public = key.public().clone();
    let mut watch = Watch::new(AuditSettings::default());
    let handler = AuditHandler::new(Arc::new(AuditSettings::default()), Chain::new(3));
    watch.handler = handler.with_checkpoints(key);
    watch.until(1);
    for _ in 0..2500 {
        watch.take(&command("1", "lock", Verdict::Ok, 2));
    }
    assert_eq!(entries_of(&watch.outputs, "checkpoint").len(), 2);
    watch.until(60);
    assert_eq!(entries_of(&watch.outputs, "checkpoint").len(), 2);
    watch.until(200);
    assert_eq!(
        entries_of(&watch.outputs, "checkpoint").len(),
        3,
        "nothing new, no more"
    );
    let mut verification = Verification::new(Some(&public));
    for output in &watch.outputs {
        if let Output::Entry(record) = output {
            verification.push(&record.value);
        }
    }
    let report = verification.finish();
    assert!(report.is_intact(), "{:?}", report.findings);
}

/// Scenario: an operator's action: an object, something that is no JSON, and about no lock.
/// Guarantee: each is in the log.
#[test]
fn operators_are_logged() {
    let mut watch = Watch::new(AuditSettings::default());
    let operation = |client: &str, payload: &'static [u8]| Record {
        payload: Bytes::from_static(payload),
        username: Bytes::from_static(b"root"),
        ..record(Kind::Operator, client, 1)
    };
    watch.take(&operation(LOCK, br#"{"do":"contacts set","n":1.5}"#));
    watch.take(&operation("", b"no\njson"));
    let entries = entries_of(&watch.outputs, "operator");
    assert_eq!(entries[0]["operation"]["do"], "contacts set");
    assert_eq!(entries[0]["by_user"], "root");
    assert_eq!(entries[1]["operation"], "nojson");
}

/// Scenario: the same batch comes again without a crash between.
/// Guarantee: it is skipped whole.
#[test]
fn what_was_applied_is_skipped() {
    let mut watch = Watch::new(AuditSettings::default());
    assert_ne!(watch.take(&LOCKED.at(1)), []);
    watch.sequence = 0;
    assert_eq!(watch.take(&LOCKED.at(1)), []);
}
