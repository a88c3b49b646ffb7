use std::time::Duration;

use opentelemetry_sdk::{
    Resource,
    trace::{InMemorySpanExporter, SpanProcessor},
};

use super::*;
use crate::Operation;

struct Recorded {
    exporter: InMemorySpanExporter,
    queue: SpanQueue,
    tracer: Tracer,
}

impl Recorded {
    fn start() -> Self {
        let exporter = InMemorySpanExporter::default();
        let queue = SpanQueue::start(exporter.clone(), &Resource::builder_empty().build());
        Self {
            tracer: Tracer::new(queue.clone()),
            exporter,
            queue,
        }
    }

    fn spans(&self) -> Vec<SpanData> {
        self.queue.force_flush().unwrap();
        self.exporter.get_finished_spans().unwrap()
    }
}

fn times() -> Range<SystemTime> {
    let start = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    start..start + Duration::from_millis(5)
}

fn none() -> Vec<KeyValue> {
    Vec::new()
}

fn ids(span: &SpanData) -> (u128, u64, u64) {
    let number = |id: SpanId| u64::from_be_bytes(id.to_bytes());
    let trace = u128::from_be_bytes(span.span_context.trace_id().to_bytes());
    (
        trace,
        number(span.span_context.span_id()),
        number(span.parent_span_id),
    )
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == key);
    found.map(|attribute| attribute.value.to_string())
}

/// Scenario: a sampled record goes through the edge (whose context travels before its span is
/// recorded), transform and sink; the sink's span is recorded before the edge's.
/// Guarantee: three spans of one trace, each the child of the one before, with the ids the record
/// carried, the times given, and names, kinds and attributes of the messaging conventions.
#[test]
fn the_ids_that_travel_are_the_ids_recorded() {
    let recorded = Recorded::start();
    let tracer = &recorded.tracer;
    let edge = SpanShape::new(Operation::Receive, "mqtt", "devices/{client_id}/state");
    let transform = SpanShape::new(Operation::Process, "nats", "up.{partition}");
    let sink = SpanShape::new(Operation::Send, "kafka", "message_state");

    let root = TraceContext::root(true);
    let middle = tracer.record_span(&transform, root, times(), none);
    let key = || {
        vec![KeyValue::new(
            "messaging.kafka.message.key",
            "lock-1".to_owned(),
        )]
    };
    let last = tracer.record_span(&sink, middle, times(), key);
    let device = TraceContext::root(true);
    tracer.root_span(&edge, root, Some(device), times(), None);

    let spans = recorded.spans();
    let [process, send, receive] = spans.as_slice() else {
        panic!("{} spans", spans.len())
    };
    assert_eq!(ids(receive), (root.trace_id, root.span_id, 0));
    assert_eq!(ids(process), (root.trace_id, middle.span_id, root.span_id));
    assert_eq!(ids(send), (root.trace_id, last.span_id, middle.span_id));
    assert!(process.parent_span_is_remote && process.span_context.is_sampled());
    assert_eq!((receive.start_time..receive.end_time), times());

    assert_eq!(receive.name, "receive devices/{client_id}/state");
    assert_eq!(process.name, "process up.{partition}");
    assert_eq!(send.name, "send message_state");
    let kinds = [&receive.span_kind, &process.span_kind, &send.span_kind];
    assert_eq!(
        kinds,
        [&SpanKind::Client, &SpanKind::Consumer, &SpanKind::Producer]
    );
    for (name, value) in [
        ("messaging.system", "kafka"),
        ("messaging.operation.name", "send"),
        ("messaging.operation.type", "send"),
        ("messaging.destination.template", "message_state"),
        ("messaging.kafka.message.key", "lock-1"),
    ] {
        assert_eq!(attribute(send, name).as_deref(), Some(value), "{name}");
    }
    // What the device sent is a link, never a parent.
    let [link] = receive.links.links.as_slice() else {
        panic!("one link")
    };
    assert_eq!(link.span_context, span_context(device));
}

/// Scenario: a record that is not sampled passes every function; and nothing is exported at all.
/// Guarantee: the context is returned unchanged, attributes are never built, nothing is recorded.
#[test]
fn what_is_not_sampled_costs_nothing() {
    let recorded = Recorded::start();
    let shape = SpanShape::new(Operation::Process, "nats", "up.{partition}");
    let untouched = || -> Vec<KeyValue> { panic!("attributes were built") };

    let unsampled = TraceContext::root(false);
    recorded
        .tracer
        .root_span(&shape, unsampled, None, times(), None);
    assert_eq!(
        recorded
            .tracer
            .record_span(&shape, unsampled, times(), untouched),
        unsampled
    );
    recorded
        .tracer
        .batch_span(&shape, times(), 2, [unsampled, unsampled], None, Vec::new);
    assert!(recorded.spans().is_empty());

    let off = Tracer::default();
    let sampled = TraceContext::root(true);
    let failure = Failure {
        kind: "schema",
        text: "no",
    };
    off.root_span(&shape, sampled, None, times(), None);
    off.batch_span(&shape, times(), 1, [sampled], Some(failure), Vec::new);
    assert_eq!(
        off.record_span(&shape, sampled, times(), untouched),
        sampled
    );
    assert_eq!(
        off.reject_span(&shape, sampled, times(), failure, untouched),
        sampled
    );
}

/// Scenario: batches with no, one, and 200 sampled records among others; one that failed.
/// Guarantee: one span for each batch that holds a sampled record or failed, a trace of its own
/// with the count, bounded links (the rest counted), and the error's type and text.
#[test]
fn batch_spans_link_to_their_sampled_records() {
    let recorded = Recorded::start();
    let shape = SpanShape::new(Operation::Send, "kafka", "message_state");
    let batch = |sampled: usize, failure| {
        let records: Vec<_> = (0..300).map(|n| TraceContext::root(n < sampled)).collect();
        recorded
            .tracer
            .batch_span(&shape, times(), 300, records.clone(), failure, Vec::new);
        records
    };
    batch(0, None);
    let records = batch(1, None);
    batch(200, None);
    batch(
        0,
        Some(Failure {
            kind: "timeout",
            text: "broker 3 did not answer",
        }),
    );

    let spans = recorded.spans();
    let [one, many, failed] = spans.as_slice() else {
        panic!("{} spans", spans.len())
    };
    assert_eq!(
        (one.name.as_ref(), &one.span_kind),
        ("send message_state", &SpanKind::Client)
    );
    assert_eq!(
        attribute(one, "messaging.batch.message_count").as_deref(),
        Some("300")
    );
    assert_eq!((one.links.links.len(), one.links.dropped_count), (1, 0));
    assert_eq!(one.links.links[0].span_context, span_context(records[0]));
    assert_eq!(one.parent_span_id, SpanId::INVALID);
    assert_ne!(ids(one).0, records[0].trace_id);
    assert_eq!(one.status, Status::Unset);
    assert_eq!(
        (many.links.links.len(), many.links.dropped_count),
        (MAX_LINKS, 72)
    );
    assert_eq!(attribute(failed, "error.type").as_deref(), Some("timeout"));
    assert_eq!(failed.status, Status::error("broker 3 did not answer"));
}

/// Scenario: a record that was not sampled is rejected.
/// Guarantee: its span is recorded all the same, with the cause, and the dead letter's context is
/// a sampled child in the record's trace.
#[test]
fn rejects_are_always_recorded() {
    let recorded = Recorded::start();
    let shape = SpanShape::new(Operation::Process, "nats", "up.{partition}");
    let parent = TraceContext::root(false);
    let failure = Failure {
        kind: "schema",
        text: "/battery: 101 is over 100",
    };
    let context = recorded
        .tracer
        .reject_span(&shape, parent, times(), failure, none);

    let spans = recorded.spans();
    let [span] = spans.as_slice() else {
        panic!("{} spans", spans.len())
    };
    assert_eq!(
        ids(span),
        (parent.trace_id, context.span_id, parent.span_id)
    );
    assert!(context.sampled && span.span_context.is_sampled());
    assert_eq!(attribute(span, "error.type").as_deref(), Some("schema"));
    assert_eq!(span.status, Status::error("/battery: 101 is over 100"));
}

/// Scenario: the collector takes nothing, and the queue is full.
/// Guarantee: a further span is counted as dropped without being built, and the record keeps the
/// context of the last span that exists.
#[test]
fn a_full_queue_costs_nothing_more() {
    let recorded = Recorded::start();
    while recorded.queue.admit() {}
    let dropped = recorded.queue.counts().queue_full();
    let shape = SpanShape::new(Operation::Process, "nats", "up.{partition}");
    let untouched = || -> Vec<KeyValue> { panic!("attributes were built") };
    let root = TraceContext::root(true);
    assert_eq!(
        recorded
            .tracer
            .record_span(&shape, root, times(), untouched),
        root
    );
    recorded
        .tracer
        .batch_span(&shape, times(), 1, [root], None, Vec::new);
    assert_eq!(recorded.queue.counts().queue_full(), dropped + 2);
    assert!(recorded.spans().is_empty());
}

/// Scenario: a child's context travelled on before its span is recorded.
/// Guarantee: the span has exactly that id, below the given parent.
#[test]
fn a_child_span_keeps_the_id_that_travelled() {
    let recorded = Recorded::start();
    let shape = SpanShape::new(Operation::Process, "nats", "up.{partition}");
    let parent = TraceContext::root(true);
    let context = parent.child();
    recorded
        .tracer
        .child_span(&shape, context, parent, times(), none);
    let spans = recorded.spans();
    let [span] = spans.as_slice() else {
        panic!("{} spans", spans.len())
    };
    assert_eq!(
        ids(span),
        (parent.trace_id, context.span_id, parent.span_id)
    );
    assert!(recorded.tracer.is_exporting() && !Tracer::default().is_exporting());
}

/// Scenario: a record is refused at the very beginning, by the first span of its trace; and a shape
/// says which destination is meant, and who reads it.
/// Guarantee: that span has the cause; the destination is an attribute and not in the name.
#[test]
fn a_first_span_can_fail_and_says_where() {
    let recorded = Recorded::start();
    let shape = SpanShape::new(Operation::Process, "nats", "up.{partition}")
        .at("up.3")
        .read_by("transform-3");
    let failure = Failure {
        kind: "replayed",
        text: "the nonce was used before",
    };
    let root = TraceContext::root(true);
    recorded
        .tracer
        .root_span(&shape, root, None, times(), Some(failure));

    let spans = recorded.spans();
    let [span] = spans.as_slice() else {
        panic!("{} spans", spans.len())
    };
    assert_eq!(span.name, "process up.{partition}");
    for (name, value) in [
        ("error.type", "replayed"),
        ("messaging.destination.name", "up.3"),
        ("messaging.consumer.group.name", "transform-3"),
    ] {
        assert_eq!(attribute(span, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(span.status, Status::error("the nonce was used before"));
}

/// Scenario: of one record in a batch its place is known.
/// Guarantee: the place is on the link to that record, not on the batch's span.
#[test]
fn what_is_known_of_one_record_is_on_its_link() {
    let recorded = Recorded::start();
    let shape = SpanShape::new(Operation::Send, "kafka", "message_state");
    let member = BatchMember {
        context: TraceContext::root(true),
        attributes: vec![KeyValue::new("messaging.kafka.offset", 7)],
    };
    recorded
        .tracer
        .batch_span(&shape, times(), 2, [member.clone()], None, Vec::new);

    let spans = recorded.spans();
    let [link] = spans[0].links.links.as_slice() else {
        panic!("{spans:#?}")
    };
    assert_eq!(link.span_context, span_context(member.context));
    assert_eq!(link.attributes, member.attributes);
    assert_eq!(attribute(&spans[0], "messaging.kafka.offset"), None);
}
