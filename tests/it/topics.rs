//! Topics and client ids that mean something to NATS, to JSON or to a terminal.

use std::collections::BTreeSet;

use latchwork::mqtt_client::ReasonCode;

use crate::clients::{connect, publish};
use crate::kafka_log::{KafkaTail, envelope, payload};
use crate::payloads::unique;
use crate::testbed::Setup;
use crate::waiting::soon;

/// A client id that would be several tokens, a wildcard and an API call as a NATS subject.
const CLIENT: &str = "lock *.> $JS.API \u{95e8}\u{9501} \"\\";

fn topics() -> Vec<String> {
    let long = "long/".repeat(10_000);
    let topics = [
        "devices/a b/state",
        "devices/a.b.c/state",
        "devices/*/state",
        "a>b/c",
        ">",
        "*",
        "*.>",
        "up.0",
        "\u{95e8}\u{9501}/\u{72b6}\u{6001}",
        "\u{1f512}",
        "/leading",
        "trailing/",
        "a//b",
        "/",
        " ",
        "quote\"back\\slash",
        "per%cent/{brace}",
        &long,
    ];
    topics.map(str::to_owned).into()
}

/// Topics of the server's own kind: a filter that begins with a wildcard does not match them
/// (MQTT-4.7.2-1). `$SYS/` is the server's alone, and has its own tests.
const DOLLARS: [&str; 3] = ["$lab/x", "$SYSTEM/broker", "$JS.API.STREAM.DELETE.UP"];

/// Scenario: a client with a strange id publishes to topics with spaces, dots, stars, arrows,
/// quotes, Chinese, a leading slash and a dollar, while another subscribes to all of them.
/// Guarantee: each is acknowledged, reaches Kafka and the subscriber with exactly its topic, and
/// means nothing to NATS; topics with a dollar reach only who names them.
#[tokio::test]
async fn any_topic_is_carried_as_it_is() {
    let (topic, dollar) = (unique("topics"), unique("dollars"));
    let bed = Setup::new()
        .pipeline(format!(
            "[[hook]]\nevent = \"message.publish\"\nfilter = \"#\"\nkafka_topic = \"{topic}\"\n\
             [[hook]]\nevent = \"message.publish\"\nfilter = \"$lab/#\"\nkafka_topic = \"{dollar}\"\n"
        ))
        .start()
        .await;
    let (subscriber, mut incoming) = connect(&bed.client("subscriber")).await;
    soon("SUBACK", subscriber.subscribe(["#", "$lab/#"]))
        .await
        .unwrap();
    let (client, _) = connect(&bed.client(CLIENT)).await;
    let plain = topics();
    let all = plain.iter().map(String::as_str).chain(DOLLARS);
    for (number, topic) in all.enumerate() {
        let reason = publish(&client, topic, number.to_string()).await;
        assert_eq!(reason, ReasonCode::SUCCESS, "{topic:?}");
    }
    assert_eq!(publish(&client, "end", "end").await, ReasonCode::SUCCESS);

    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    let records = tail.records(plain.len() + 1).await;
    for (number, (record, topic)) in records.iter().zip(&plain).enumerate() {
        let envelope = envelope(record);
        assert_eq!(envelope["topic"], topic.as_str());
        assert_eq!(envelope["client_id"], CLIENT);
        assert_eq!(record.key.as_deref(), Some(CLIENT.as_bytes()));
        assert_eq!(payload(record), number.to_string().as_bytes());
    }
    assert_eq!(envelope(&records[plain.len()])["topic"], "end");
    let mut dollars = KafkaTail::from_beginning(&bed.kafka(), &[&dollar]).await;
    assert_eq!(envelope(&dollars.records(1).await[0])["topic"], "$lab/x");

    let mut delivered = BTreeSet::new();
    while delivered.len() < plain.len() + 2 {
        let message = soon("a delivery", incoming.next()).await.unwrap();
        delivered.insert(message.topic.to_string());
    }
    let expected: BTreeSet<String> = plain
        .into_iter()
        .chain(["$lab/x".to_owned(), "end".to_owned()])
        .collect();
    assert_eq!(delivered, expected);
}
