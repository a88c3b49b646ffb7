//! Rules that publish to MQTT, from a device's message to a subscriber and to Kafka.

use latchwork::mqtt_client::{IncomingPublish, MqttClient, Publish, Qos};
use record::TraceContext;

use crate::clients::connect;
use crate::collector::{Collector, hex};
use crate::kafka_log::{KafkaTail, header};
use crate::payloads::unique;
use crate::rules_bed::{Told, action, key, rule, topic, value};
use crate::testbed::{Setup, Testbed};
use crate::waiting::{soon, until};

const STAGE: &str = "transform";

/// A rule about `orders/+` that publishes to `copies`, one about `copies/#` that publishes there again,
/// and one that takes what is in `copies` to Kafka.
fn pipeline(archive: &str) -> String {
    let republish = |topic: &str| {
        action(&format!(
            "republish = {{ topic = \"{topic}\", payload = \"${{payload}} by {topic}\", qos = 1, retain = true, user_properties = \"${{pub_props.User-Property-Pairs}}\" }}"
        ))
    };
    let kafka = format!(
        "kafka = {{ topic = \"{archive}\", key = \"${{topic}}\", value = \"${{clientid}}: ${{payload}}\" }}"
    );
    rule(
        "copy",
        r#"SELECT * FROM "orders/+""#,
        &republish("copies/first"),
    ) + &rule(
        "again",
        r#"SELECT * FROM "copies/#""#,
        &republish("copies/second"),
    ) + &rule("archive", r#"SELECT * FROM "copies/#""#, &action(&kafka))
        + &topic(archive, 1)
}

async fn order(client: &MqttClient) {
    let mut message = Publish::new("orders/7", "open");
    let properties = [("zone", "7"), ("zone", "8"), ("by", "hand")];
    message.user_properties = properties
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let acknowledged = client.publish(message).await.unwrap();
    soon("PUBACK", acknowledged).await.unwrap();
}

fn assert_is(message: &IncomingPublish, topic: &str, payload: &str, retain: bool) {
    let told = (
        &*message.topic,
        &message.payload[..],
        message.qos,
        message.retain,
    );
    assert_eq!(told, (topic, payload.as_bytes(), Qos::AtLeastOnce, retain));
    let properties: Vec<_> = message
        .user_properties
        .iter()
        .map(|(n, v)| (&**n, &**v))
        .collect();
    assert_eq!(properties, [("zone", "7"), ("zone", "8"), ("by", "hand")]);
}

/// Waits until a rule was counted so often.
async fn matched(bed: &Testbed, rule: &str, count: u64) -> Told {
    let mut told = Told::by(bed, STAGE).await;
    until(&format!("{rule} to be counted {count} times"), async || {
        told = Told::by(bed, STAGE).await;
        told.rule(rule)[0] >= Some(count)
    })
    .await;
    told
}

/// Scenario: a device publishes what a rule publishes on; a second rule publishes that on again, and is
/// about its own messages too; a third takes both to Kafka.
/// Guarantee: a subscriber gets both, in order, with QoS, RETAIN and user properties, and one that comes
/// later gets them as retained; Kafka has both once; no rule sees its own message as news.
#[tokio::test]
async fn a_message_is_published_on_and_seen_by_other_rules() {
    let archive = unique("archive");
    let bed = Setup::new().pipeline(pipeline(&archive)).start().await;
    let (app, mut incoming) = connect(&bed.client("app").v5()).await;
    soon("SUBACK", app.subscribe(["copies/#"])).await.unwrap();
    let (device, _) = connect(&bed.client("device").v5()).await;
    order(&device).await;
    let messages = [
        ("copies/first", "open by copies/first"),
        ("copies/second", "open by copies/first by copies/second"),
    ];
    for (topic, payload) in messages {
        let message = soon("a message of a rule", incoming.next()).await.unwrap();
        assert_is(&message, topic, payload, false);
    }
    let (late, mut retained) = connect(&bed.client("late").v5()).await;
    for (topic, payload) in messages {
        soon("SUBACK", late.subscribe([topic])).await.unwrap();
        let message = soon("a retained message", retained.next()).await.unwrap();
        assert_is(&message, topic, payload, true);
    }
    // The second rule has seen its own message by then, and so has the third.
    let told = matched(&bed, "again", 2).await;
    assert_eq!(told.action("again", "1:republish"), [2, 1, 0, 1].map(Some));
    assert_eq!(told.action("copy", "1:republish"), [1, 1, 0, 0].map(Some));
    bed.drained().await;
    let records = crate::kafka_log::everything(&bed.kafka(), &archive).await;
    let stored: Vec<_> = records.iter().map(|r| (key(r), value(r))).collect();
    let expected = [
        ("copies/first", "copy: open by copies/first"),
        (
            "copies/second",
            "again: open by copies/first by copies/second",
        ),
    ];
    assert_eq!(
        stored,
        expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    let told = Told::by(&bed, STAGE).await;
    assert_eq!(told.rule("again"), [2, 2, 0, 0, 0].map(Some));
}

/// Scenario: two rules publish for each other.
/// Guarantee: the circle ends when each has published once, and the message was in Kafka each time.
#[tokio::test]
async fn a_circle_of_rules_ends() {
    let archive = unique("circle");
    let republish = |to: &str| action(&format!("republish = {{ topic = \"{to}\", qos = 1 }}"));
    let kafka = action(&format!(
        "kafka = {{ topic = \"{archive}\", value = \"${{topic}}\" }}"
    ));
    let text = rule("ping", r#"SELECT * FROM "ping""#, &republish("pong"))
        + &rule("pong", r#"SELECT * FROM "pong""#, &republish("ping"))
        + &rule("archive", r#"SELECT * FROM "ping", "pong""#, &kafka)
        + &topic(&archive, 1);
    let bed = Setup::new().pipeline(text).start().await;
    let (device, _) = connect(&bed.client("device")).await;
    let acknowledged = device.publish(Publish::new("ping", "x")).await.unwrap();
    soon("PUBACK", acknowledged).await.unwrap();
    let told = matched(&bed, "archive", 3).await;
    assert_eq!(told.action("ping", "1:republish"), [2, 1, 0, 1].map(Some));
    assert_eq!(told.action("pong", "1:republish"), [1, 1, 0, 0].map(Some));
    bed.drained().await;
    let records = crate::kafka_log::everything(&bed.kafka(), &archive).await;
    let topics: Vec<_> = records.iter().map(value).collect();
    assert_eq!(topics, ["ping", "pong", "ping"]);
}

/// Scenario: everything is sampled; a device's message is published on by a rule, and what came of it is
/// taken to Kafka.
/// Guarantee: one trace goes from the device's PUBLISH through transform, the edge and transform again
/// to Kafka, each span the child of the one before.
#[tokio::test]
async fn one_trace_goes_from_the_device_to_the_copy_in_kafka() {
    let archive = unique("copy-trace");
    let collector = Collector::start().await;
    let bed = Setup::new()
        .pipeline(pipeline(&archive))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("LATCHWORK_TRACE_SAMPLE", "1")
        .start()
        .await;
    let (device, _) = connect(&bed.client("device").v5()).await;
    order(&device).await;
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&archive]).await;
    let traceparent = header(&tail.records(1).await[0], "traceparent");
    let last = TraceContext::from_traceparent(&traceparent).unwrap();
    let trace = format!("{:032x}", last.trace_id);
    let in_trace = |seen: &crate::collector::SeenSpan| hex(&seen.span.trace_id) == trace;
    let is_root = |seen: &crate::collector::SeenSpan| seen.span.parent_span_id.is_empty();
    let mut road = Vec::new();
    until("all spans from Kafka back to the device", async || {
        let spans = collector.await_spans("of the trace", 5, in_trace).await;
        let mut id = format!("{:016x}", last.span_id);
        road.clear();
        while let Some(seen) = spans.iter().find(|seen| hex(&seen.span.span_id) == id) {
            road.push((seen.service.clone(), seen.span.name.clone()));
            id = hex(&seen.span.parent_span_id);
        }
        let roots = spans.iter().filter(|seen| is_root(seen)).count();
        roots == 1 && id.is_empty()
    })
    .await;
    let names: Vec<_> = road
        .iter()
        .map(|(service, name)| (&**service, &**name))
        .collect();
    let expected = [
        ("latchwork-kafka-sink", "process rec.{partition}"),
        ("latchwork-transform", "process up.{partition}"),
        ("latchwork-mqtt-edge", "process pub.{partition}"),
        ("latchwork-transform", "process up.{partition}"),
    ];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4].0, "latchwork-mqtt-edge");
    assert!(names[4].1.starts_with("create "), "{names:?}");
    assert_eq!(names.len(), 5, "{names:?}");
}
