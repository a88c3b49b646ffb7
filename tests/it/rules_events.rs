//! Rules about what happens to clients, sessions and messages.

use latchwork::mqtt_client::{ClientOptions, ReasonCode};
use serde_json::{Value, json};

use crate::clients::{connect, publish};
use crate::kafka_log::{KafkaTail, envelope, shown};
use crate::payloads::{broken_state, command, command_topic, state_topic, unique};
use crate::rules_bed::{action, key, rule, topic};
use crate::testbed::{NODE, Setup};
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";

/// Both spellings of each event, and its hook's name.
const EVENTS: [(&str, &str, &str); 7] = [
    ("client_connected", "client/connected", "client.connected"),
    (
        "client_disconnected",
        "client/disconnected",
        "client.disconnected",
    ),
    (
        "session_subscribed",
        "session/subscribed",
        "session.subscribed",
    ),
    (
        "session_unsubscribed",
        "session/unsubscribed",
        "session.unsubscribed",
    ),
    (
        "message_delivered",
        "message/delivered",
        "message.delivered",
    ),
    ("message_acked", "message/acked", "message.acked"),
    (
        "schema_validation_failed",
        "schema_validation/failed",
        "schema.validation_failed",
    ),
];

/// Two rules for each event, one for each spelling, with all fields into one topic.
fn pipeline(kafka_topic: &str) -> String {
    let one = |name: &str, version: u32| {
        let sql = format!("SELECT *, {version} as spelling FROM \"$events/{name}\"");
        let kafka = action(&format!("kafka = {{ topic = \"{kafka_topic}\" }}"));
        rule(&name.replace('/', "-"), &sql, &kafka)
    };
    let rules = EVENTS.map(|(old, new, _)| one(old, 5) + &one(new, 6));
    let contract = "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n";
    contract.to_owned() + &topic(kafka_topic, 1) + &rules.concat()
}

/// The events of a client until its last, checked to be there once in either spelling.
async fn events_of(tail: &mut KafkaTail, client: &str, last: usize) -> Vec<Value> {
    let is_end = |value: &Value| value["event"] == "client.disconnected" && value["spelling"] == 6;
    let of_client = |value: &Value| value["clientid"] == client;
    let records = tail.until("the last end", |records| {
        let values = records.iter().map(envelope);
        values.filter(|v| of_client(v) && is_end(v)).count() == last
    });
    let mut old = Vec::new();
    let mut new = Vec::new();
    for record in records.await {
        let mut value = envelope(record);
        assert_eq!(
            key(record),
            value["clientid"].as_str().unwrap(),
            "{}",
            shown(record)
        );
        if of_client(&value) {
            let spelling = value.as_object_mut().unwrap().remove("spelling");
            let spelled = if spelling == Some(json!(5)) {
                &mut old
            } else {
                &mut new
            };
            spelled.push(value);
        }
    }
    assert_eq!(old, new, "the two spellings tell different things");
    old
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

/// Fields that an event must have with these values.
fn assert_fields(event: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&event[name], value, "{name} of {event:#}");
    }
}

/// Scenario: rules are about every event in both spellings, and no hook is; a lock connects, subscribes,
/// gets a command, acknowledges it, publishes a broken state, unsubscribes and leaves.
/// Guarantee: Kafka has each event once for each rule, in the order in which it happened, under the
/// lock's key and with its fields.
#[tokio::test]
async fn the_life_of_a_lock_in_rules() {
    let kafka_topic = unique("rule-events");
    let bed = Setup::new().pipeline(pipeline(&kafka_topic)).start().await;
    let with_name = |id: &str, username: &str| ClientOptions {
        username: Some(username.into()),
        ..bed.client(id).v5()
    };
    let (lock, mut incoming) = connect(&with_name(LOCK, "door")).await;
    let command_topic = command_topic(LOCK);
    soon("SUBACK", lock.subscribe([command_topic.clone()]))
        .await
        .unwrap();
    let (app, _) = connect(&with_name("app", "owner")).await;
    let sent = command(2);
    assert_eq!(
        publish(&app, &*command_topic, sent.clone()).await,
        ReasonCode::SUCCESS
    );
    soon("the command", incoming.next()).await.unwrap();
    let broken = broken_state(LOCK, 3);
    publish(&lock, state_topic(LOCK), broken.clone()).await;
    soon("UNSUBACK", lock.unsubscribe([command_topic.clone()]))
        .await
        .unwrap();
    soon("the end", lock.disconnect()).await.unwrap();

    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&kafka_topic]).await;
    let events = events_of(&mut tail, LOCK, 1).await;
    let order = [
        "client.connected",
        "session.subscribed",
        "message.delivered",
        "message.acked",
        "schema.validation_failed",
        "session.unsubscribed",
        "client.disconnected",
    ];
    assert_eq!(names(&events), order);
    for event in &events {
        assert_fields(
            event,
            &json!({"clientid": LOCK, "username": "door", "node": NODE, "peerhost": "127.0.0.1"}),
        );
        let peer = event["peername"].as_str().unwrap();
        assert!(peer.starts_with("127.0.0.1:"), "{event:#}");
        assert!(event["timestamp"].is_u64(), "{event:#}");
    }
    assert_messages(&events[2..5], &command_topic, &sent, &broken);
    let topics = [&events[1], &events[5]].map(|event| &event["topic"]);
    assert_eq!(topics, [command_topic.as_str(); 2]);
    assert_eq!(events[1]["qos"], 1);
    assert_connection(&events[0], &events[6]);
}

/// What was delivered, what was acknowledged, and what broke its contract.
fn assert_messages(events: &[Value], topic: &str, sent: &str, broken: &str) {
    let message = json!({"topic": topic, "payload": sent, "qos": 1});
    let from = json!({"from_clientid": "app", "from_username": "owner"});
    for event in &events[..2] {
        assert_fields(event, &message);
        assert_fields(event, &from);
    }
    let invalid = &events[2];
    let expected = json!({"topic": state_topic(LOCK), "payload": broken});
    assert_fields(invalid, &expected);
    let reason = invalid["reason"].as_str().unwrap();
    assert!(reason.contains("lock-state"), "{reason}");
}

/// The beginning and the end of one connection.
fn assert_connection(connected: &Value, gone: &Value) {
    for event in [connected, gone] {
        assert_fields(event, &json!({"proto_name": "MQTT", "proto_ver": 5}));
    }
    assert!(connected["keepalive"].is_u64(), "{connected:#}");
    assert_eq!(connected["connected_at"], connected["timestamp"]);
    assert_eq!(gone["reason"], "normal");
    assert_eq!(gone["disconnected_at"], gone["timestamp"]);
    let at = |event: &Value, name: &str| event[name].as_u64().unwrap();
    let (began, ended) = (at(gone, "connected_at"), at(gone, "disconnected_at"));
    let near = began.abs_diff(at(connected, "connected_at")) < 1000;
    assert!(near && began <= ended, "{gone:#}");
}

/// Scenario: one client comes and goes ten times at once after another, in turn politely and by breaking
/// off.
/// Guarantee: the rules' topic has its beginnings and ends in turn, with the reason of each end.
#[tokio::test]
async fn connections_keep_their_order() {
    let kafka_topic = unique("rule-presence");
    let bed = Setup::new().pipeline(pipeline(&kafka_topic)).start().await;
    for round in 0..10 {
        let (client, _) = connect(&bed.client("coming-and-going")).await;
        if round % 2 == 0 {
            soon("the end", client.disconnect()).await.unwrap();
        }
    }
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&kafka_topic]).await;
    let events = events_of(&mut tail, "coming-and-going", 10).await;
    assert_eq!(events.len(), 20);
    for (round, pair) in events.chunks(2).enumerate() {
        assert_eq!(names(pair), ["client.connected", "client.disconnected"]);
        let reason = pair[1]["reason"].as_str().unwrap();
        let expected: &[_] = if round % 2 == 0 {
            &["normal"]
        } else {
            &["tcp_closed", "takenover"]
        };
        assert!(expected.contains(&reason), "{reason}");
    }
}
