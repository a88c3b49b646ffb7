//! The articles' exact payloads through everything, compared with the given formats.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka::ReadRecord;
use latchwork::mqtt_client::{AckMode, ClientOptions, Qos, ReasonCode};
use record::TraceContext;

use crate::clients::{connect, publish};
use crate::kafka_log::{KafkaTail, envelope, header, shown};
use crate::payloads::{command_topic, state_topic};
use crate::testbed::{NODE, Setup};
use crate::waiting::soon;

/// The lock of the articles; its id does not fit into a double.
const LOCK: &str = "10083618796833171";

const STATE: &str = r#"{"process_id":"7802441525528958","action":"unlock","battery":83.4,"lock_state":1,"version":1.1,"client_id":"10083618796833171"}"#;

/// The same with white space wherever JSON allows it.
const SPACED_STATE: &str = "\r\n\t{ \"process_id\" :\t\"7802441525528958\",\n \"action\":\"unlock\" ,\
    \"battery\":  83.40 ,\"lock_state\":1,\r\n\"version\":1.10e0,\"client_id\":\"10083618796833171\" }\n \n";

const COMMAND: &str = r#"{"process_id":"7802441525528958","action":"unlock","nonce_str":"u7u4p0n8","ts":1574744434,"sign":"e9f5af7deaa28563"}"#;

/// Scenario: the lock of the articles publishes its state, with and without odd white space, in
/// both versions of MQTT.
/// Guarantee: each Kafka value is the given one byte for byte, with the exact bytes in base64; the
/// key is the client id; the headers are traceparent and lw-seq.
#[tokio::test]
async fn states_arrive_byte_for_byte() {
    let bed = Setup::new().start().await;
    let mut tail = KafkaTail::from_now(&bed.kafka(), &["message_state"]).await;
    let begun = now_ms();
    for options in [bed.client(LOCK), bed.client(LOCK).v5()] {
        let (lock, _) = connect(&options).await;
        for payload in [STATE, SPACED_STATE] {
            assert_eq!(
                publish(&lock, state_topic(LOCK), payload).await,
                ReasonCode::SUCCESS
            );
        }
    }
    let ended = now_ms();
    let records = tail.records(4).await;
    for (record, payload) in records.iter().zip([STATE, SPACED_STATE].iter().cycle()) {
        let ts = envelope(record)["ts"]
            .as_u64()
            .unwrap_or_else(|| panic!("{}", shown(record)));
        assert!(
            (begun..=ended).contains(&ts),
            "{ts}: not the time of the publish"
        );
        let payload = STANDARD.encode(payload);
        let expected = format!(
            r#"{{"client_id":"{LOCK}","username":"","topic":"devices/{LOCK}/state","payload":"{payload}","qos":1,"node":"{NODE}","ts":{ts}}}"#
        );
        assert_eq!(value(record), expected);
        check_key_and_headers(record, ts);
    }
    let sequences: Vec<String> = records
        .iter()
        .map(|record| header(record, "lw-seq"))
        .collect();
    let distinct: std::collections::BTreeSet<_> = sequences.iter().collect();
    assert_eq!(distinct.len(), 4, "lw-seq names one message: {sequences:?}");
}

/// Scenario: an app with a user name sends the articles' command; the lock gets it and
/// acknowledges it a while later.
/// Guarantee: the lock gets the exact bytes at `QoS` 1; the Kafka value is the given one byte for
/// byte, says who sent it, and has the time of the lock's PUBACK, not of the publish.
#[tokio::test]
async fn a_command_is_recorded_when_the_lock_has_it() {
    let bed = Setup::new().start().await;
    let mut states = KafkaTail::from_now(&bed.kafka(), &["message_state"]).await;
    let mut commands = KafkaTail::from_now(&bed.kafka(), &["message_command"]).await;
    let lock = ClientOptions {
        username: Some("lock-user".into()),
        ack_mode: AckMode::Explicit,
        ..bed.client(LOCK)
    };
    let app = ClientOptions {
        username: Some("app-user".into()),
        ..bed.client("app-1").v5()
    };
    let (lock, mut incoming) = connect(&lock).await;
    soon("SUBACK", lock.subscribe([command_topic(LOCK)]))
        .await
        .unwrap();
    let (app, _) = connect(&app).await;
    assert_eq!(
        publish(&app, command_topic(LOCK), COMMAND).await,
        ReasonCode::SUCCESS
    );

    let delivered = soon("the command", incoming.next()).await.unwrap();
    assert_eq!(
        (delivered.qos, &*delivered.topic),
        (Qos::AtLeastOnce, &*command_topic(LOCK))
    );
    assert_eq!(delivered.payload, COMMAND);
    // All of a client takes one road, so an early record would be in front of this state.
    assert_eq!(
        publish(&lock, state_topic(LOCK), STATE).await,
        ReasonCode::SUCCESS
    );
    states.records(1).await;
    let before_puback = now_ms();
    soon("the lock's PUBACK to leave", lock.acknowledge(&delivered))
        .await
        .unwrap();

    let record = commands.records(1).await[0].clone();
    let ts = envelope(&record)["ts"]
        .as_u64()
        .unwrap_or_else(|| panic!("{}", shown(&record)));
    assert!(
        ts >= before_puback,
        "recorded {} ms before the PUBACK",
        before_puback - ts
    );
    let payload = STANDARD.encode(COMMAND);
    let expected = format!(
        r#"{{"client_id":"{LOCK}","username":"lock-user","from":"app-1","topic":"devices/{LOCK}/command","payload":"{payload}","qos":1,"node":"{NODE}","ts":{ts}}}"#
    );
    assert_eq!(value(&record), expected);
    check_key_and_headers(&record, ts);
}

fn value(record: &ReadRecord) -> String {
    String::from_utf8(record.value.as_deref().unwrap_or_default().to_vec()).unwrap()
}

fn check_key_and_headers(record: &ReadRecord, ts: u64) {
    assert_eq!(record.key.as_deref(), Some(LOCK.as_bytes()));
    assert_eq!(record.timestamp_ms, Some(ts));
    let names: Vec<&[u8]> = record.headers.iter().map(|header| &*header.name).collect();
    assert_eq!(names, [&b"traceparent"[..], b"lw-seq"]);
    let traceparent = header(record, "traceparent");
    assert!(
        TraceContext::from_traceparent(&traceparent).is_some(),
        "{traceparent}"
    );
    let sequence = header(record, "lw-seq");
    let numbers = sequence
        .strip_prefix(&format!("{NODE}-"))
        .unwrap_or_else(|| panic!("{sequence}"));
    let numbers: Vec<u64> = numbers
        .split('-')
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(numbers.len(), 3, "{sequence}");
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
