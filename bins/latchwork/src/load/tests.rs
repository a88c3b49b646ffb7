//! The load against a small server, and against Kafka in memory.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka::{InMemoryKafka, KafkaConnection};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio_util::sync::CancellationToken;

use super::malformed::KINDS;
use super::message::{FIRST_CLIENT_ID, NUMBER, RUN_DIGITS, SEQUENCE_DIGITS, packet_id};
use super::{LoadError, LoadReport, LoadSettings, run};
use crate::mqtt_client::Version;
use crate::mqtt_client::stub::{Seen, Stub};

/// 2,000 messages a second from 20 clients: 100 in the warm-up, 1,900 measured.
fn settings(stub: &Stub) -> LoadSettings {
    LoadSettings {
        clients: 20,
        rate: 2_000,
        warmup: Duration::from_millis(50),
        duration: Duration::from_millis(950),
        connect: Duration::from_secs(20),
        drain: Duration::from_secs(20),
        ..LoadSettings::new(&stub.address)
    }
}

async fn load(settings: LoadSettings) -> Result<LoadReport, LoadError> {
    let load = run(settings, CancellationToken::new(), |_| {});
    tokio::time::timeout(Duration::from_mins(1), load)
        .await
        .expect("it never ended")
}

/// Client and sequence of each PUBLISH, in order.
fn seen(stub: &Stub) -> Vec<(u64, u64, bool)> {
    let message = |seen: &Seen| {
        let client: u64 = seen.client_id.parse().unwrap();
        let start = NUMBER.len() + RUN_DIGITS;
        let digits = std::str::from_utf8(&seen.payload[start..start + SEQUENCE_DIGITS]).unwrap();
        let sequence = digits.parse().unwrap();
        assert_eq!(seen.packet_id.unwrap().get(), packet_id(sequence));
        (client - FIRST_CLIENT_ID, sequence, seen.dup)
    };
    stub.read(|state| state.published.iter().map(message).collect())
}

/// Scenario: a short load in both versions, with one thread and with two.
/// Guarantee: every message of the schedule arrives once, in order per client, is acknowledged and
/// measured; the tables and the JSON show it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_due_message_is_sent() {
    for (version, threads) in [(Version::V311, 1), (Version::V5, 2)] {
        let stub = Stub::start().await;
        let report = load(LoadSettings {
            version,
            threads,
            ..settings(&stub)
        })
        .await
        .unwrap();
        assert_eq!(
            (report.audit.sent, report.audit.acknowledged),
            (2_000, 2_000)
        );
        assert_eq!(report.publish_to_puback.count, 1_900);
        assert_eq!(report.due_to_write.count, 1_900);
        assert!(report.processes.last().unwrap().us_per_message.is_some());

        let mut next: HashMap<u64, u64> = HashMap::new();
        for (client, sequence, dup) in seen(&stub) {
            let next = next.entry(client).or_default();
            assert_eq!((sequence, dup), (*next, false));
            *next += 1;
        }
        assert!(
            next.len() == 20 && next.values().all(|count| *count == 100),
            "{next:?}"
        );
        assert!(report.to_string().contains("\nsustained: "), "{report}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["audit"]["sent"], 2_000);
    }
}

/// Scenario: the server stops acknowledging in the middle of the load, and later breaks all
/// connections and is well again.
/// Guarantee: what was not acknowledged is sent again in order, as a repeat; the stall shows in the
/// latencies from the due time; and the run is not called sustained.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_is_not_hidden() {
    let stub = Stub::start().await;
    let settings = LoadSettings {
        window: 5,
        ..settings(&stub)
    };
    let (report, ()) = tokio::join!(load(settings), async {
        stub.until("half the load", |state| state.published.len() > 1_000)
            .await;
        stub.change(|state| state.withhold = true);
        // All windows are full, and stay so until more than 200 ms of load are due.
        stub.until("full windows", |state| state.published.len() >= 1_080)
            .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stub.change(|state| state.withhold = false);
        stub.break_connections();
    });
    let report = report.unwrap();
    assert_eq!(
        (report.audit.sent, report.audit.acknowledged),
        (2_000, 2_000)
    );
    assert_eq!(report.audit.broken_connections, 20);
    assert!(report.publish_to_puback.max_ms >= 200.0, "{report}");
    assert!(
        !report.sustained && report.objections.iter().any(|o| o.contains("broke")),
        "{report}"
    );

    let mut next: HashMap<u64, u64> = HashMap::new();
    let mut repeats = 0;
    for (client, sequence, dup) in seen(&stub) {
        let next = next.entry(client).or_default();
        assert!(
            sequence == *next || (dup && sequence < *next),
            "{client} {sequence}"
        );
        *next = sequence + 1;
        repeats += u64::from(dup);
    }
    assert!(next.values().all(|count| *count == 100) && repeats > 0);
}

/// Scenario: nobody listens; a server refuses.
/// Guarantee: one line says how many could connect, where, and why not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_is_told() {
    let stub = Stub::start().await;
    let settings = LoadSettings {
        connect: Duration::from_millis(300),
        ..settings(&stub)
    };
    stub.change(|state| state.connack = Some(rmqtt_codec::v5::ConnectAckReason::NotAuthorized));
    let error = load(settings.clone()).await.unwrap_err().to_string();
    assert!(
        error.contains("only 0 of 20") && error.contains("not authorized"),
        "{error}"
    );
    drop(stub);
    let error = load(settings.clone()).await.unwrap_err().to_string();
    assert!(error.contains("cannot reach MQTT at 127.0.0.1"), "{error}");
    let nonsense = LoadSettings {
        mqtt: "nonsense".into(),
        ..settings
    };
    assert!(
        load(nonsense)
            .await
            .unwrap_err()
            .to_string()
            .contains("--mqtt")
    );
}

/// Scenario: the server closes all connections while idle ones stand.
/// Guarantee: the idle ones are counted as gone, and the run is not called sustained.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_break_are_told() {
    let stub = Stub::start().await;
    let settings = LoadSettings {
        idle: 70,
        ..settings(&stub)
    };
    let (report, ()) = tokio::join!(load(settings), async {
        stub.until("half the load", |state| state.published.len() > 1_000)
            .await;
        stub.break_connections();
    });
    let report = report.unwrap();
    let idle = report.idle.as_ref().unwrap();
    assert_eq!((idle.handshake.count, idle.gone), (70, 70));
    let objection = "70 idle connections were closed".to_owned();
    assert!(report.objections.contains(&objection), "{report}");
}

/// Scenario: malformed packets go to a server that minds some of them, but not a second CONNECT.
/// Guarantee: just that one is told by its name, and the run is not called sustained.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lenient_server_is_told() {
    let stub = Stub::start().await;
    // The last of so many begins with a second CONNECT, and the others mind their turn.
    let second_connect = KINDS.iter().position(|kind| kind.name == "second CONNECT");
    let report = load(LoadSettings {
        hostile: second_connect.unwrap() + 1,
        rate: 200,
        hostile_rate: 5,
        slice: Duration::from_millis(500),
        duration: Duration::from_secs(4),
        ..settings(&stub)
    });
    let report = report.await.unwrap();
    let hostile = report.hostile.as_ref().unwrap();
    assert!(hostile.left_open.contains_key("second CONNECT"), "{report}");
    assert!(!hostile.left_open.contains_key("packet type 0"), "{report}");
    assert!(hostile.closed > 0 && !report.sustained, "{report}");
}

/// Carries what the server took to Kafka, and makes three mistakes on the way.
async fn faulty_bridge(stub: &Stub, kafka: &InMemoryKafka) {
    let mut config = ClientConfig::new();
    let producer: FutureProducer = config
        .set("bootstrap.servers", kafka.address())
        .set("linger.ms", "1")
        .create()
        .unwrap();
    let mut carried = 0;
    while carried < 2_000 {
        stub.until("more", |state| state.published.len() > carried)
            .await;
        let new: Vec<_> = stub.read(|state| state.published[carried..].to_vec());
        for seen in new {
            carried += 1;
            let id = &seen.client_id;
            let payload = STANDARD.encode(&seen.payload);
            let value = format!(
                r#"{{"client_id":"{id}","username":"","topic":"{}","payload":"{payload}","qos":1,"node":"n","ts":1}}"#,
                seen.topic
            );
            let copies = match carried {
                500 => 0,
                600 => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let record = FutureRecord::to("message_state").key(&**id).payload(&value);
                drop(producer.send_result(record).unwrap());
            }
        }
    }
    let record = FutureRecord::to("message_state")
        .key("x")
        .payload("not of this run");
    producer
        .send(record, Duration::from_secs(20))
        .await
        .unwrap();
}

/// Scenario: everything is acknowledged; on the way to Kafka one message is lost and one doubled.
/// Guarantee: exactly that is reported, and the latency to Kafka of all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losses_and_duplicates_are_found() {
    let stub = Stub::start().await;
    let kafka = InMemoryKafka::start().unwrap();
    kafka.create_topic("message_state", 2).unwrap();
    let connection = KafkaConnection::new(kafka.address()).unwrap();
    let settings = LoadSettings {
        kafka: Some((connection, "message_state".into())),
        drain: Duration::from_secs(5),
        ..settings(&stub)
    };
    let (report, ()) = tokio::join!(load(settings), faulty_bridge(&stub, &kafka));
    let report = report.unwrap();
    let audit = report.audit;
    assert_eq!(
        (audit.acknowledged, audit.lost, audit.duplicates),
        (2_000, Some(1), Some(1))
    );
    assert_eq!(
        (audit.out_of_order, audit.other_records),
        (Some(0), Some(1))
    );
    assert_eq!(report.publish_to_kafka.unwrap().count, 1_899);
    assert!(!report.sustained, "{report}");
}
