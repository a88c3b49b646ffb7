//! What the audit makes of locks: the log, the alerts and the last known states in Kafka.

use alert::{Alert, AlertKind};
use audit::{Entry, EntryKind, Verification};
use kafka::ReadRecord;
use latchwork::mqtt_client::MqttClient;
use serde_json::{Value, json};

use crate::audit_bed::{Logged, Topics, count_alerts, door, empty, logged, logged_until};
use crate::clients::{connect, publish};
use crate::kafka_log::KafkaTail;
use crate::payloads::state_topic;
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";
const STAGES: [&str; 4] = ["mqtt-edge", "transform", "kafka-sink", "audit-notifier"];

async fn bed(topics: &Topics, audit: &str) -> Testbed {
    let pipeline = topics.pipeline(audit);
    Setup::new()
        .stages(&STAGES)
        .pipeline(pipeline)
        .start()
        .await
}

/// Scenario: a lock says that it is locked, and then that it is unlocked.
/// Guarantee: the log in Kafka is whole and has both; the alerts have the unlock; the status has the
/// last state.
#[tokio::test]
async fn an_unlock_is_logged_and_told() {
    let topics = Topics::new();
    let bed = bed(&topics, "").await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), door(LOCK, 2)).await;
    publish(&lock, state_topic(LOCK), door(LOCK, 3)).await;

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
        assert!(matches!(entry.kind, EntryKind::Unlock | EntryKind::Alert));
    }
    let report = verification.finish();
    assert!(report.findings.is_empty(), "{report:?}");
}

/// The last status of a lock among these.
fn last_status(records: &[ReadRecord]) -> Value {
    let of_lock = records
        .iter()
        .filter(|record| record.key.as_deref() == Some(LOCK.as_bytes()));
    let value = of_lock.last().and_then(|record| record.value.as_deref());
    value.map_or(Value::Null, |value| serde_json::from_slice(value).unwrap())
}

/// Waits until the lock's last status has these members, and gives it.
async fn status(tail: &mut KafkaTail, members: Value) -> Value {
    let has = |status: &Value| {
        let mut members = members.as_object().unwrap().iter();
        members.all(|(name, value)| status[name] == *value)
    };
    let what = format!("the status {members}");
    let records = tail
        .until(&what, |records| has(&last_status(records)))
        .await;
    last_status(records)
}

fn low_battery(number: u64) -> String {
    door(LOCK, number).replacen("83.4", "12.5", 1)
}

/// Scenario: a lock reports, with less and less battery; its connection breaks; it comes back; the
/// audit is killed and started again; the same report comes once more; then the lock is silent.
/// Guarantee: the last record of its key in `lock_status` tells battery, state, whether it is online
/// and in which session; after the restart the audit knows all of it: nothing is told twice, and the
/// silence is still noticed.
#[tokio::test]
async fn the_status_follows_the_lock() {
    let topics = Topics::new();
    let bed = bed(&topics, "report_interval_s = 2\noffline_after = 2\n").await;
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topics.status]).await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), door(LOCK, 2)).await;
    let members = json!({"battery": 83.4, "lock_state": 0, "action": "lock", "online": true, "process_id": "2"});
    let first = status(&mut tail, members).await;
    publish(&lock, state_topic(LOCK), low_battery(3)).await;
    let members = json!({"battery": 12.5, "lock_state": 1, "alerts": ["unlocked", "battery-low"]});
    let open = status(&mut tail, members).await;
    assert_eq!(open["session_epoch"], first["session_epoch"]);
    break_off(lock);
    status(
        &mut tail,
        json!({"online": false, "lock_state": 1, "battery": 12.5}),
    )
    .await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    let back = status(&mut tail, json!({"online": true, "lock_state": 1})).await;
    assert!(back["session_epoch"].as_u64() > open["session_epoch"].as_u64());

    bed.kill("audit-notifier").await;
    bed.ready().await;
    publish(&lock, state_topic(LOCK), low_battery(3)).await;
    let entries = alerted_after(&bed, &lock).await;
    assert_eq!(
        count_alerts(&entries, LOCK, "unlocked raised"),
        1,
        "{entries:#?}"
    );
    assert_eq!(count_alerts(&entries, LOCK, "battery-low raised"), 1);
    let gone = status(&mut tail, json!({"online": false, "battery": 12.5})).await;
    assert_eq!(gone["session_epoch"], back["session_epoch"]);
}

/// The lock is silent, though connected.
async fn alerted_after(bed: &Testbed, lock: &MqttClient) -> Vec<Logged> {
    empty(bed, &["UP", "EV"]).await;
    let before = count_alerts(&logged(bed).await, LOCK, "offline raised");
    let entries = logged_until(bed, "silence to be noticed", |entries| {
        count_alerts(entries, LOCK, "offline raised") > before
    })
    .await;
    soon("a ping", lock.ping()).await.unwrap();
    entries
}

/// A client that is dropped says no goodbye.
fn break_off(lock: MqttClient) {
    drop(lock);
}
