//! Messages that rules publish: they go the way of a client's.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use record::{Record, TraceContext, UserProperty, Verdict};
use topology::PUBLISH;

use crate::clients::connect;
use crate::collector::{Collector, hex};
use crate::dead_letters::await_dead_letters;
use crate::payloads::{command, command_topic};
use crate::raw_mqtt::{Level, RawClient, RawConnect};
use crate::republish_bed::{Got, Queue, RULE, Stored, message, next_message};
use crate::testbed::{NODE, Setup, Testbed};
use crate::waiting::soon;

async fn edge(pipeline: &str) -> Testbed {
    let setup = Setup::new().stages(&["mqtt-edge"]);
    setup.pipeline(pipeline).start().await
}

/// A subscriber of MQTT 3.1.1.
async fn subscriber(bed: &Testbed, connect: &RawConnect, qos: u8) -> RawClient {
    let (mut client, connack) = RawClient::connect(bed.mqtt(), connect).await;
    assert_eq!(connack.body, [0, 0]);
    assert_eq!(client.subscribe(&[("orders/#", qos)]).await, [qos]);
    client
}

fn got(payload: &str, qos: u8, retain: bool) -> Got {
    let payload = payload.to_owned();
    Got {
        payload,
        qos,
        retain,
    }
}

fn now_ms() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_millis()
}

/// Scenario: a rule publishes a retained message of `QoS` 2, with a user property and an expiry, for
/// subscribers of each `QoS`, a session that is away, and one that subscribes later.
/// Guarantee: each gets it once, at the `QoS` of its subscription; the later one as a retained
/// message; an MQTT 5 one with property and expiry. UP has it once, in the partition that it was put
/// into, with the rule's name, as taken now by this edge, in its own trace.
#[tokio::test]
async fn a_rule_publishes_like_a_client() {
    let bed = edge("[streams]\npartitions = 3\n").await;
    let lasting = RawConnect {
        clean: false,
        ..RawConnect::new(Level::V311, "away")
    };
    drop(subscriber(&bed, &lasting, 1).await);
    let mut live = Vec::new();
    for qos in 0..3 {
        let connect = RawConnect::new(Level::V311, &format!("live-{qos}"));
        live.push(subscriber(&bed, &connect, qos).await);
    }
    let (app, mut incoming) = connect(&bed.client("app").v5()).await;
    soon("SUBACK", app.subscribe(["orders/1"])).await.unwrap();

    let trace = TraceContext::root(true);
    let property = UserProperty {
        name: Bytes::from_static(b"zone"),
        value: Bytes::from_static(b"7"),
    };
    let taken_at = now_ms();
    let record = Record {
        qos: 2,
        retain: true,
        republish_hops: 3,
        message_expiry_s: 3600,
        user_properties: vec![property.clone()],
        reason: Bytes::from_static(b"refused"),
        trace: Bytes::copy_from_slice(&trace.to_binary()),
        ..message("orders/1", "open")
    };
    let mut queue = Queue::of(&bed).await;
    queue.put(2, std::slice::from_ref(&record)).await;

    for (qos, client) in (0..).zip(&mut live) {
        assert_eq!(next_message(client).await, Some(got("open", qos, false)));
    }
    let seen = soon("the app's message", incoming.next()).await.unwrap();
    assert_eq!(seen.user_properties, [("zone".into(), "7".into())]);
    let (mut back, connack) = RawClient::connect(bed.mqtt(), &lasting).await;
    assert_eq!(connack.body, [1, 0], "its session must be there");
    assert_eq!(next_message(&mut back).await, Some(got("open", 1, false)));
    let late = RawConnect::new(Level::V311, "late");
    let mut late = subscriber(&bed, &late, 2).await;
    assert_eq!(next_message(&mut late).await, Some(got("open", 2, true)));

    queue.is_empty().await;
    let mut stored = Stored::of(&bed).await;
    stored.has(1).await;
    let [(partition, in_up)] = &stored.republished[..] else {
        panic!("once: {:?}", stored.republished)
    };
    assert_eq!(*partition, 2);
    assert!(u128::from(in_up.received_at_ms) >= taken_at);
    let same_trace = in_up.trace_context().unwrap();
    assert_eq!(same_trace.trace_id, trace.trace_id);
    let expected = Record {
        node: Bytes::from_static(NODE.as_bytes()),
        reason: Bytes::new(),
        received_at_ms: in_up.received_at_ms,
        trace: in_up.trace.clone(),
        ..record
    };
    assert_eq!(*in_up, expected);
    assert_eq!(in_up.client_id(), RULE);
}

/// Scenario: a rule publishes to topics that are none, among good messages; one is no frame at all.
/// Guarantee: those become dead letters of the flow, with the cause; the good ones arrive in order.
#[tokio::test]
async fn what_can_not_be_published_is_a_dead_letter() {
    let bed = edge("").await;
    let listening = RawConnect::new(Level::V311, "app");
    let mut client = subscriber(&bed, &listening, 1).await;
    let mut queue = Queue::of(&bed).await;
    let topics = ["orders/1", "orders/+", "$SYS/x", "", "orders/2"];
    let records = topics.map(|topic| message(topic, topic));
    queue.put(0, &records).await;
    for topic in ["orders/1", "orders/2"] {
        assert_eq!(next_message(&mut client).await, Some(got(topic, 1, false)));
    }
    let letters = await_dead_letters(&bed, PUBLISH.name, 3).await;
    let codes: Vec<_> = letters.iter().map(|letter| letter.code.as_ref()).collect();
    assert_eq!(codes, [b"topic"; 3]);
    queue.is_empty().await;
}

/// Scenario: where commands must be signed, a rule publishes one that is not, and then a message.
/// Guarantee: the lock gets only the message; UP has the command, as refused.
#[tokio::test]
async fn a_rule_can_not_forge_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let line = command::new_key_line("2026").unwrap();
    std::fs::write(&keys, line.as_bytes()).unwrap();
    let keys = keys.display();
    let bed = edge(&format!(
        "[commands]\nmode = \"enforce\"\nkeys_file = \"{keys}\"\n"
    ))
    .await;
    let listening = RawConnect::new(Level::V311, "lock");
    let (mut lock, _) = RawClient::connect(bed.mqtt(), &listening).await;
    let topic = command_topic("lock");
    let filters = [(topic.as_str(), 1), ("orders/#", 1)];
    assert_eq!(lock.subscribe(&filters).await, [1, 1]);
    let mut queue = Queue::of(&bed).await;
    let records = [message(&topic, command(1)), message("orders/1", "open")];
    queue.put(0, &records).await;
    assert_eq!(next_message(&mut lock).await, Some(got("open", 1, false)));
    let mut stored = Stored::of(&bed).await;
    stored.has(2).await;
    let (_, refused) = &stored.republished[0];
    assert!(refused.is_refused());
    assert_eq!(refused.verdict(), Verdict::BadSignature);
    assert!(!stored.republished[1].1.is_refused());
}

/// Scenario: a rule publishes a message in a sampled trace, and spans are exported.
/// Guarantee: the edge adds one span to that trace, below the rule's; the record in UP goes on in it.
#[tokio::test]
async fn the_trace_goes_on() {
    let collector = Collector::start().await;
    let bed = Setup::new()
        .stages(&["mqtt-edge"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .start()
        .await;
    let rule = TraceContext::root(true);
    let record = Record {
        trace: Bytes::copy_from_slice(&rule.to_binary()),
        ..message("orders/1", "open")
    };
    Queue::of(&bed).await.put(0, &[record]).await;
    let mut stored = Stored::of(&bed).await;
    stored.has(1).await;
    let in_up = stored.republished[0].1.trace_context().unwrap();
    assert!(in_up.sampled);
    assert_eq!(in_up.trace_id, rule.trace_id);
    let trace_id = hex(&rule.trace_id.to_be_bytes());
    let span_id = |context: TraceContext| hex(&context.span_id.to_be_bytes());
    let in_trace = |trace: &[u8]| hex(trace) == trace_id;
    let spans = collector.await_spans("the edge's", 1, |seen| in_trace(&seen.span.trace_id));
    let spans = spans.await;
    let ids = spans
        .iter()
        .map(|seen| (&seen.span.span_id, &seen.span.parent_span_id));
    let ids: Vec<_> = ids.map(|(id, parent)| (hex(id), hex(parent))).collect();
    assert_eq!(ids, [(span_id(in_up), span_id(rule))]);
    assert_eq!(spans[0].service, "latchwork-mqtt-edge");
    assert_eq!(spans[0].span.name, "process pub.{partition}");
}
