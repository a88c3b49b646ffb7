//! What the audit makes of locks and commands.

use alert::{Alert, AlertKind};
use audit::{Entry, EntryKind, Verification};

use crate::clients::{connect, publish};
use crate::kafka_log::KafkaTail;
use crate::payloads::{state_topic, unique};
use crate::testbed::Setup;

const LOCK: &str = "10083618796833171";

/// A pipeline with an audit whose topics no other test has.
struct Topics {
    log: String,
    alerts: String,
    status: String,
}

impl Topics {
    fn new() -> Self {
        Self {
            log: unique("log"),
            alerts: unique("alerts"),
            status: unique("status"),
        }
    }

    fn pipeline(&self) -> String {
        let Self {
            log,
            alerts,
            status,
        } = self;
        format!(
            "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n[audit]\n\
             log_topic = \"{log}\"\nalert_topic = \"{alerts}\"\nstatus_topic = \"{status}\"\n"
        )
    }
}

fn state(action: &str, lock_state: u8, number: u64) -> String {
    format!(
        "{{\"process_id\":\"{number}\",\"action\":\"{action}\",\"battery\":83.4,\
         \"lock_state\":{lock_state},\"version\":1.1,\"client_id\":\"{LOCK}\"}}"
    )
}

/// Scenario: a lock says that it is locked, and then that it is unlocked.
/// Guarantee: the log in Kafka is whole and has both; the alerts have the unlock; the status has the
/// last state.
#[tokio::test]
async fn an_unlock_is_logged_and_told() {
    let topics = Topics::new();
    let stages = ["mqtt-edge", "transform", "kafka-sink", "audit-notifier"];
    let bed = Setup::new()
        .stages(&stages)
        .pipeline(topics.pipeline())
        .start()
        .await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), state("lock", 0, 1)).await;
    publish(&lock, state_topic(LOCK), state("unlock", 1, 2)).await;

    let mut log = KafkaTail::from_beginning(&bed.kafka(), &[&topics.alerts]).await;
    let records = log.records(1).await;
    let alert = Alert::read(records[0].value.as_deref().unwrap()).unwrap();
    assert_eq!(
        (alert.kind, alert.lock.as_str()),
        (AlertKind::Unlocked, LOCK)
    );

    let mut log = KafkaTail::from_beginning(&bed.kafka(), &[&topics.log]).await;
    let records = log.records(3).await;
    let mut verification = Verification::new(None);
    for record in records {
        let value = record.value.as_deref().unwrap();
        verification.push(value);
        let entry = Entry::read(value).unwrap();
        eprintln!("{}", String::from_utf8_lossy(value));
        assert!(matches!(entry.kind, EntryKind::Unlock | EntryKind::Alert));
    }
    let report = verification.finish();
    assert!(report.findings.is_empty(), "{report:?}");
}
