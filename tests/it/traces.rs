//! One trace from PUBLISH to Kafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use latchwork::mqtt_client::{Publish, ReasonCode};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use record::TraceContext;
use tokio::net::TcpListener;

use crate::clients::{connect, publish};
use crate::collector::{Collector, SeenSpan, hex};
use crate::kafka_log::{KafkaTail, header};
use crate::payloads::{broken_state, command, command_topic, state, state_topic, unique};
use crate::testbed::{Setup, Testbed};
use crate::waiting::{soon, until};

/// A pipeline whose states and commands go to one topic of its own.
fn pipeline(topic: &str) -> String {
    format!(
        "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
         [[contract]]\nfilter = \"devices/+/command\"\nschema = \"lock-command\"\n\
         [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
         kafka_topic = \"{topic}\"\n\
         [[hook]]\nevent = \"message.acked\"\nfilter = \"devices/+/command\"\n\
         kafka_topic = \"{topic}\"\n"
    )
}

async fn traced(collector: &Collector, sample: &str) -> (Testbed, KafkaTail) {
    let topic = unique("traces");
    let setup = Setup::new()
        .pipeline(pipeline(&topic))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("LATCHWORK_TRACE_SAMPLE", sample);
    let bed = setup.start().await;
    let tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    (bed, tail)
}

/// The trace context that a Kafka record carries on.
fn context(record: &kafka::ReadRecord) -> TraceContext {
    TraceContext::from_traceparent(&header(record, "traceparent")).unwrap()
}

fn trace_id(context: TraceContext) -> String {
    format!("{:032x}", context.trace_id)
}

fn span_id(context: TraceContext) -> String {
    format!("{:016x}", context.span_id)
}

fn of<'s>(spans: &'s [SeenSpan], service: &str) -> Vec<&'s SeenSpan> {
    spans
        .iter()
        .filter(|seen| seen.service == service)
        .collect()
}

/// Scenario: a state is published while everything is sampled.
/// Guarantee: its trace has one span of each stage, each the child of the one before, in the order
/// of time; Kafka's header continues the last; names and attributes are those of the messaging
/// conventions, and no device is in a name.
#[tokio::test]
async fn a_state_has_one_trace() {
    let collector = Collector::start().await;
    let (bed, mut tail) = traced(&collector, "1").await;
    let (lock, _) = connect(&bed.client("1008361")).await;
    let topic = state_topic("1008361");
    assert_eq!(
        publish(&lock, topic, state("1008361", 1)).await,
        ReasonCode::SUCCESS
    );
    let context = context(&tail.records(1).await[0]);
    assert!(context.sampled);

    let trace = trace_id(context);
    let in_trace = |seen: &SeenSpan| hex(&seen.span.trace_id) == trace;
    let spans = collector
        .await_spans("the trace of the state", 3, in_trace)
        .await;
    assert_eq!(spans.len(), 3, "{spans:#?}");
    let mut parent = Vec::new();
    let mut started = 0;
    for (stage, kind, system, template) in [
        (
            "mqtt-edge",
            SpanKind::Producer,
            "mqtt",
            "devices/{client_id}/state",
        ),
        ("transform", SpanKind::Consumer, "nats", "up.{partition}"),
        ("kafka-sink", SpanKind::Consumer, "nats", "rec.{partition}"),
    ] {
        let of_stage = of(&spans, &format!("latchwork-{stage}"));
        let [seen] = of_stage[..] else {
            panic!("{stage}: {spans:#?}")
        };
        assert_eq!(
            seen.span.parent_span_id, parent,
            "{stage}'s parent: {spans:#?}"
        );
        assert_eq!(seen.span.kind(), kind, "{seen:#?}");
        assert_eq!(seen.attribute("messaging.system"), system);
        assert_eq!(seen.attribute("messaging.destination.template"), template);
        assert!(
            !seen.attribute("messaging.operation.name").is_empty(),
            "{seen:#?}"
        );
        assert!(seen.span.name.ends_with(template), "{seen:#?}");
        assert!(
            !format!("{seen:?}").contains("1008361"),
            "a device is named: {seen:#?}"
        );
        let (from, to) = (seen.span.start_time_unix_nano, seen.span.end_time_unix_nano);
        assert!(
            started <= from && from <= to,
            "{stage} begins before its parent: {spans:#?}"
        );
        started = from;
        parent = seen.span.span_id.clone();
    }
    assert_eq!(
        hex(&parent),
        span_id(context),
        "Kafka's header continues the sink's span"
    );
}

/// Scenario: the sampling of states is off; a state, a command and a broken state are published.
/// Guarantee: the state has no span; the command has its whole trace, through the lock's PUBACK to
/// Kafka; the reject has its span, with the cause.
#[tokio::test]
async fn commands_and_rejects_are_always_traced() {
    let collector = Collector::start().await;
    let (bed, mut tail) = traced(&collector, "0").await;
    let (lock, mut incoming) = connect(&bed.client("1008361")).await;
    soon("SUBACK", lock.subscribe([command_topic("1008361")]))
        .await
        .unwrap();
    let (app, _) = connect(&bed.client("app")).await;
    for (topic, payload) in [
        (state_topic("1008361"), state("1008361", 1)),
        (state_topic("1008361"), broken_state("1008361", 2)),
        (command_topic("1008361"), command(3)),
    ] {
        assert_eq!(publish(&app, topic, payload).await, ReasonCode::SUCCESS);
    }
    soon("the command", incoming.next()).await.unwrap();
    let records = tail.records(2).await;
    let (state, command) = (context(&records[0]), context(&records[1]));
    assert!(!state.sampled && command.sampled);

    let trace = trace_id(command);
    let in_trace = |seen: &SeenSpan| hex(&seen.span.trace_id) == trace;
    // One of the edge, of transform one for the publish and one for the acknowledgement, and the sink's.
    let spans = collector
        .await_spans("the trace of the command", 4, in_trace)
        .await;
    let [edge] = of(&spans, "latchwork-mqtt-edge")[..] else {
        panic!("{spans:#?}")
    };
    let [sink] = of(&spans, "latchwork-kafka-sink")[..] else {
        panic!("{spans:#?}")
    };
    let transform = of(&spans, "latchwork-transform");
    assert_eq!((spans.len(), transform.len()), (4, 2), "{spans:#?}");
    assert!(edge.span.parent_span_id.is_empty());
    assert!(
        transform
            .iter()
            .all(|seen| seen.span.parent_span_id == edge.span.span_id)
    );
    assert!(
        transform
            .iter()
            .any(|seen| seen.span.span_id == sink.span.parent_span_id)
    );
    assert_eq!(hex(&sink.span.span_id), span_id(command));

    let reject = |seen: &SeenSpan| seen.attribute("error.type") == "schema";
    let rejects = collector.await_spans("the reject", 1, reject).await;
    let status = rejects[0].span.status.clone().unwrap_or_default();
    assert!(
        status.message.contains("number"),
        "the cause is not told: {rejects:#?}"
    );
    assert!(collector.trace(&trace_id(state)).is_empty());
}

/// Scenario: an MQTT 5.0 client sends a traceparent of its own as a user property.
/// Guarantee: strangers choose no parent: the message has a trace of its own, whose first span
/// links to theirs.
#[tokio::test]
async fn a_publishers_own_context_is_a_link() {
    let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let collector = Collector::start().await;
    let (bed, mut tail) = traced(&collector, "1").await;
    let (lock, _) = connect(&bed.client("1008361").v5()).await;
    let mut message = Publish::new(state_topic("1008361"), state("1008361", 1));
    message.user_properties = vec![("traceparent".into(), theirs.into())];
    let acknowledged = lock.publish(message).await.unwrap();
    soon("PUBACK", acknowledged).await.unwrap();

    let trace = trace_id(context(&tail.records(1).await[0]));
    assert_ne!(trace, "0af7651916cd43dd8448eb211c80319c");
    let in_trace = |seen: &SeenSpan| hex(&seen.span.trace_id) == trace;
    let spans = collector
        .await_spans("the trace of the state", 3, in_trace)
        .await;
    let [edge] = of(&spans, "latchwork-mqtt-edge")[..] else {
        panic!("{spans:#?}")
    };
    assert!(edge.span.parent_span_id.is_empty());
    let [link] = &edge.span.links[..] else {
        panic!("{edge:#?}")
    };
    assert_eq!(hex(&link.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&link.span_id), "b7ad6b7169203331");
    assert!(
        collector
            .trace("0af7651916cd43dd8448eb211c80319c")
            .is_empty()
    );
}

/// Scenario: the collector accepts connections and never answers, while everything is sampled.
/// Guarantee: it delays nothing: messages are acknowledged and reach Kafka as without it, and the
/// stages stop in time.
#[tokio::test]
async fn a_dead_collector_delays_nothing() {
    const STATES: u64 = 200;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    let topic = unique("dead-collector");
    let setup = Setup::new()
        .pipeline(pipeline(&topic))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("LATCHWORK_TRACE_SAMPLE", "1");
    let mut bed = setup.start().await;
    let (lock, _) = connect(&bed.client("1008361")).await;
    let round = async |from: u64| {
        let begun = Instant::now();
        for number in from..from + STATES {
            let topic = state_topic("1008361");
            assert_eq!(
                publish(&lock, topic, state("1008361", number)).await,
                ReasonCode::SUCCESS
            );
        }
        begun.elapsed()
    };
    let before = round(0).await;
    until("every stage to try the collector", async || {
        accepted.load(Ordering::Relaxed) >= 3
    })
    .await;
    let stuck = round(STATES).await;
    // Each takes about 2 ms; an export that is waited for would take seconds.
    assert!(
        stuck < before * 3 + Duration::from_secs(2),
        "{before:?} before, {stuck:?} after"
    );
    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    tail.records(usize::try_from(2 * STATES).unwrap()).await;
    let begun = Instant::now();
    bed.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "stopped after {:?}",
        begun.elapsed()
    );
}
