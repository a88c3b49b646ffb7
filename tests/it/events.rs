//! Every hook of the articles, switched on.

use kafka::ReadRecord;
use latchwork::mqtt_client::{Publish, ReasonCode};
use serde_json::Value;

use crate::clients::{connect, publish};
use crate::kafka_log::{KafkaTail, envelope};
use crate::payloads::{command, command_topic, state, state_topic, unique};
use crate::raw_mqtt::{Level, RawClient};
use crate::testbed::{NODE, Setup};
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";

/// Every event into one topic, so that their order can be seen.
fn all_hooks(topic: &str) -> String {
    let hooks = [
        ("client.connected", ""),
        ("client.disconnected", ""),
        ("session.subscribed", "#"),
        ("session.unsubscribed", "#"),
        ("message.publish", "devices/+/state"),
        ("message.deliver", "#"),
        ("message.acked", "devices/+/command"),
    ];
    let hook = |(event, filter): (&str, &str)| {
        let filter = if filter.is_empty() {
            ""
        } else {
            &format!("filter = \"{filter}\"\n")
        };
        format!("[[hook]]\nevent = \"{event}\"\n{filter}kafka_topic = \"{topic}\"\n")
    };
    hooks.map(hook).join("")
}

/// Scenario: with every hook on, a lock connects, subscribes, publishes, gets a command and
/// acknowledges it, unsubscribes and leaves.
/// Guarantee: Kafka has each event once, in the order in which it happened, with the given fields
/// in the given order.
#[tokio::test]
async fn the_life_of_a_lock() {
    let topic = unique("events");
    let bed = Setup::new().pipeline(all_hooks(&topic)).start().await;
    let (lock, mut incoming) = connect(&bed.client(LOCK)).await;
    soon("SUBACK", lock.subscribe([command_topic(LOCK)]))
        .await
        .unwrap();
    assert_eq!(
        publish(&lock, state_topic(LOCK), state(LOCK, 1)).await,
        ReasonCode::SUCCESS
    );
    let (app, _) = connect(&bed.client("app")).await;
    assert_eq!(
        publish(&app, command_topic(LOCK), command(2)).await,
        ReasonCode::SUCCESS
    );
    soon("the command", incoming.next()).await.unwrap();
    soon("UNSUBACK", lock.unsubscribe([command_topic(LOCK)]))
        .await
        .unwrap();
    soon("the end", lock.disconnect()).await.unwrap();

    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    let records = tail.until("the lock's disconnect", |records| {
        records
            .iter()
            .map(envelope)
            .any(|value| value["reason"] == "normal")
    });
    let records = records.await;
    let of_lock = records
        .iter()
        .filter(|record| envelope(record)["client_id"] == LOCK);
    let shapes: Vec<String> = of_lock.map(shape).collect();
    let (state_topic, command_topic) = (state_topic(LOCK), command_topic(LOCK));
    let message = "payload=* qos=1";
    assert_eq!(
        shapes,
        [
            String::new(),
            format!("topic={command_topic} qos=1"),
            format!("username= topic={state_topic} {message}"),
            format!("username= from=app topic={command_topic} {message}"),
            format!("username= from=app topic={command_topic} {message}"),
            format!("topic={command_topic} qos=0"),
            "reason=normal".to_owned(),
        ]
    );
    for record in records {
        let value = envelope(record);
        assert_eq!(
            record.key.as_deref(),
            value["client_id"].as_str().map(str::as_bytes)
        );
        assert_eq!(value["node"], NODE);
        assert!(value["ts"].is_u64(), "{value}");
    }
}

/// What is between `client_id` and `node`, in order; payloads as stars.
fn shape(record: &ReadRecord) -> String {
    let text = std::str::from_utf8(record.value.as_deref().unwrap_or_default()).unwrap();
    let fields: Vec<&str> = text.trim_matches(['{', '}']).split(',').collect();
    let (first, rest) = fields.split_first().unwrap();
    assert!(first.starts_with("\"client_id\":"), "{text}");
    let (middle, last) = rest.split_at(rest.len() - 2);
    assert!(
        last[0].starts_with("\"node\":") && last[1].starts_with("\"ts\":"),
        "{text}"
    );
    let shown = middle.iter().map(|field| {
        let (name, value) = field.split_once(':').unwrap();
        let value = if name == "\"payload\"" {
            "*"
        } else {
            value.trim_matches('"')
        };
        format!("{}={value}", name.trim_matches('"'))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Scenario: clients end in every way: they say goodbye, break off, send nonsense, fall silent, are
/// taken over, and at last the edge stops.
/// Guarantee: each client.disconnected says why, and is behind its client.connected.
#[tokio::test]
async fn every_end_has_its_reason() {
    let topic = unique("ends");
    let mut bed = Setup::new().pipeline(all_hooks(&topic)).start().await;
    let raw = async |name: &str| RawClient::connected(bed.mqtt(), Level::V5, name).await;
    let mut polite = raw("polite").await;
    polite.send(&[0xE0, 0]).await;
    drop(raw("broken").await);
    raw("clumsy").await.send(&[0x00, 0]).await;
    let (silent, _) = {
        let connect = crate::raw_mqtt::RawConnect {
            keep_alive_secs: 1,
            ..crate::raw_mqtt::RawConnect::new(Level::V5, "silent")
        };
        RawClient::connect(bed.mqtt(), &connect).await
    };
    let older = raw("twice").await;
    let _newer = raw("twice").await;
    older.closed_with(0x8E).await;
    silent.closed_with(0x8D).await;
    let (lock, _) = connect(&bed.client("publisher")).await;
    let acknowledged = lock
        .publish(Publish::new(state_topic(LOCK), state(LOCK, 1)))
        .await
        .unwrap();
    soon("PUBACK", acknowledged).await.unwrap();
    bed.stop().await;
    bed.start().await;

    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    for (client, reason) in [
        ("polite", "normal"),
        ("broken", "tcp_closed"),
        ("clumsy", "protocol_error"),
        ("silent", "keepalive_timeout"),
        ("twice", "takenover"),
        ("publisher", "server_shutdown"),
    ] {
        let what = format!("{client} ended by {reason}");
        let ended = |value: &Value| value["client_id"] == client && value.get("reason").is_some();
        let records = tail.until(&what, |records| {
            records.iter().map(envelope).any(|v| ended(&v))
        });
        let values: Vec<Value> = records.await.iter().map(envelope).collect();
        let of_client: Vec<&Value> = values.iter().filter(|v| v["client_id"] == client).collect();
        assert!(
            of_client[0].get("reason").is_none(),
            "{client}: first of all it connected"
        );
        let first = of_client.iter().find(|value| ended(value)).unwrap();
        assert_eq!(first["reason"], reason, "{client}");
    }
}
