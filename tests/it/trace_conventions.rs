//! What every span must keep: OpenTelemetry's messaging conventions, few names, whole traces.

use std::collections::HashMap;

use crate::jaeger::StoredSpan;

/// Name, service, kind and system of every span that there may be, but those of Kafka's topics.
const SPANS: [(&str, &str, &str, &str); 9] = [
    (
        "create devices/{client_id}/state",
        "mqtt-edge",
        "PRODUCER",
        "mqtt",
    ),
    (
        "create devices/{client_id}/command",
        "mqtt-edge",
        "PRODUCER",
        "mqtt",
    ),
    ("create $events/{event}", "mqtt-edge", "PRODUCER", "mqtt"),
    ("send up.{partition}", "mqtt-edge", "CLIENT", "nats"),
    ("process up.{partition}", "transform", "CONSUMER", "nats"),
    ("process rec.{partition}", "kafka-sink", "CONSUMER", "nats"),
    (
        "process ev.{partition}",
        "audit-notifier",
        "CONSUMER",
        "nats",
    ),
    (
        "process alert.{partition}",
        "audit-notifier",
        "CONSUMER",
        "nats",
    ),
    (
        "process notify.{channel}",
        "audit-notifier",
        "CONSUMER",
        "nats",
    ),
];

/// The sink names the topics of its own Kafka.
const TO_KAFKA: (&str, &str, &str) = ("kafka-sink", "CLIENT", "kafka");

/// Checks every span of a store: one device did everything, and everything was sampled.
pub(crate) fn assert_conventions(spans: &[StoredSpan], device: &str) {
    let by_id: HashMap<&str, &StoredSpan> = spans
        .iter()
        .map(|span| (span.span_id.as_str(), span))
        .collect();
    assert_eq!(by_id.len(), spans.len(), "a span id was used twice");
    for span in spans {
        let text = format!("{span:?}");
        assert!(!text.contains(device), "a device is named: {span:#?}");
        is_of_the_table(span);
        has_its_attributes(span);
        if span.is_batch() {
            assert_eq!(span.parent, "", "a batch is in a trace: {span:#?}");
            links_to_its_members(span, &by_id);
        } else {
            is_below_its_parent(span, &by_id);
            is_in_its_batches(span, spans);
        }
    }
}

fn is_of_the_table(span: &StoredSpan) {
    let row = SPANS.iter().find(|(name, ..)| *name == span.name);
    let (service, kind, system) = match row {
        Some((_, service, kind, system)) => (*service, *kind, *system),
        None if span.name.starts_with("send it-") => TO_KAFKA,
        None => panic!("there should be no such span: {span:#?}"),
    };
    assert_eq!(span.service, format!("latchwork-{service}"), "{span:#?}");
    assert_eq!(span.kind, kind, "{span:#?}");
    assert_eq!(span.attribute("messaging.system"), system, "{span:#?}");
}

fn has_its_attributes(span: &StoredSpan) {
    let template = span.attribute("messaging.destination.template");
    let operation = span.attribute("messaging.operation.name");
    assert_eq!(span.name, format!("{operation} {template}"));
    assert_eq!(span.attribute("messaging.operation.type"), operation);
    // Where it is known; a device's own topic would name the device.
    let destination = span.attribute("messaging.destination.name");
    let (fixed, _) = template.split_once('{').unwrap_or((template, ""));
    let is_mqtt = span.attribute("messaging.system") == "mqtt";
    assert_eq!(is_mqtt, destination.is_empty(), "{span:#?}");
    assert!(is_mqtt || destination.starts_with(fixed), "{span:#?}");
    let reader = span.attribute("messaging.consumer.group.name");
    assert_eq!(operation != "process", reader.is_empty(), "{span:#?}");
    assert_eq!(
        span.error.is_some(),
        !span.attribute("error.type").is_empty(),
        "{span:#?}"
    );
}

/// Nothing hangs in the air: the parent is in the store, and in the same trace.
fn is_below_its_parent(span: &StoredSpan, by_id: &HashMap<&str, &StoredSpan>) {
    if span.operation() == "create" {
        return assert_eq!(span.parent, "", "{span:#?}");
    }
    let parent = by_id.get(span.parent.as_str());
    let parent = parent.unwrap_or_else(|| panic!("the parent is not there: {span:#?}"));
    assert_eq!(parent.trace_id, span.trace_id, "{span:#?}");
}

/// One link to each: all are sampled, and no batch of these has more than there can be links.
fn links_to_its_members(batch: &StoredSpan, by_id: &HashMap<&str, &StoredSpan>) {
    let count: usize = batch
        .attribute("messaging.batch.message_count")
        .parse()
        .unwrap();
    assert!(!batch.links.is_empty(), "{batch:#?}");
    assert_eq!(count, batch.links.len(), "{batch:#?}");
    for link in &batch.links {
        let member = by_id.get(link.span_id.as_str());
        let member = member.unwrap_or_else(|| panic!("the member is not there: {batch:#?}"));
        assert_eq!(member.trace_id, link.trace_id, "{batch:#?}");
        assert!(!member.is_batch(), "{batch:#?}");
    }
}

/// Records go in batches but to people: each is linked by the batch it came in, and at the ends of
/// the road by the one it went out in.
fn is_in_its_batches(span: &StoredSpan, spans: &[StoredSpan]) {
    let mut wanted = Vec::new();
    if span.operation() == "process" && span.name != "process notify.{channel}" {
        wanted.push(span.name.clone());
    }
    if span.operation() == "create" {
        wanted.push("send up.{partition}".to_owned());
    }
    let batches = spans.iter().filter(|batch| batch.is_batch());
    let mut found: Vec<String> = batches
        .filter(|batch| span.is_linked_by(batch))
        .map(|batch| batch.name.clone())
        .collect();
    found.sort();
    if span.name == "process rec.{partition}" {
        let to_kafka = found.pop().unwrap_or_default();
        assert!(to_kafka.starts_with("send it-"), "{to_kafka} {span:#?}");
    }
    assert_eq!(found, wanted, "{span:#?}");
}
