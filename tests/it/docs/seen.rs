//! What running stages show, against what the reference says of it.

use std::collections::BTreeSet;

use futures::StreamExt;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use settings::Pipeline;
use topology::STREAMS;

use super::bed::DocsBed;
use super::reference::{ATTRIBUTES, BUCKETS, FURTHER, SpanRow, span_rows};
use crate::audit_bed::door;
use crate::clients::{connect, publish};
use crate::collector::{Collector, SeenSpan};
use crate::notify::{LOCK, set_contact};
use crate::payloads::{broken_state, command, command_topic, state_topic};
use crate::waiting::{DEADLINE, soon};

/// Spans of the topics that only the audit writes to, as the test's pipeline names them.
const AUDIT_TOPICS: [&str; 3] = ["send it-log", "send it-alerts", "send it-status"];

/// Scenario: every business is on, everything is traced; a lock with an owner opens its door, sends
/// a state that breaks its contract, gets a command, and publishes to a topic of its own.
/// Guarantee: the stages send the spans of the reference and no others, with its attributes and no
/// others; NATS has its streams and buckets and no others.
#[tokio::test]
async fn stages_show_what_the_reference_says() {
    let collector = Collector::start().await;
    let docs = DocsBed::start(&collector.endpoint()).await;
    set_contact(&docs.bed, LOCK, &[("email", "mei@example.com")]).await;
    let (lock, _incoming) = connect(&docs.bed.client(LOCK)).await;
    soon("SUBACK", lock.subscribe([command_topic(LOCK)]))
        .await
        .unwrap();
    publish(&lock, state_topic(LOCK), door(LOCK, 1)).await;
    publish(&lock, state_topic(LOCK), broken_state(LOCK, 2)).await;
    publish(&lock, command_topic(LOCK), command(3)).await;
    publish(&lock, "a/topic/of/its/own", "{}").await;
    docs.receivers.smtp.mails(1).await;
    spans_are_those(&collector, &Pipeline::load(Some(&docs.pipeline)).unwrap()).await;
    streams_are_those(&docs).await;
}

async fn spans_are_those(collector: &Collector, pipeline: &Pipeline) {
    let rows: BTreeSet<SpanRow> = span_rows(pipeline).into_iter().collect();
    // What the audit writes is only traced where a traced message was the cause.
    let by_others = |row: &&SpanRow| !AUDIT_TOPICS.iter().any(|topic| row.name.starts_with(topic));
    let surely: BTreeSet<SpanRow> = rows.iter().filter(by_others).cloned().collect();
    let keys = [ATTRIBUTES, FURTHER].concat();
    let keys: BTreeSet<String> = keys.into_iter().map(|(key, _)| key.to_owned()).collect();
    let mut missing = String::new();
    let all_seen = servers::wait_until(DEADLINE, "the spans of the reference", async || {
        let spans = collector.await_spans("any", 1, |_| true).await;
        let seen: BTreeSet<SpanRow> = spans.iter().map(row).collect();
        let attributes = spans.iter().flat_map(|seen| &seen.span.attributes);
        let seen_keys: BTreeSet<String> = attributes.map(|seen| seen.key.clone()).collect();
        nothing_else(&seen, &rows);
        nothing_else(&seen_keys, &keys);
        let spans: Vec<_> = surely.difference(&seen).collect();
        let attributes: Vec<_> = keys.difference(&seen_keys).collect();
        missing = format!("{spans:#?} {attributes:?}");
        spans.is_empty() && attributes.is_empty()
    });
    if let Err(late) = all_seen.await {
        panic!("{late}: {missing}");
    }
}

fn nothing_else<T: Ord + std::fmt::Debug>(seen: &BTreeSet<T>, known: &BTreeSet<T>) {
    let others: Vec<_> = seen.difference(known).collect();
    assert!(others.is_empty(), "not in the reference: {others:#?}");
}

fn row(seen: &SeenSpan) -> SpanRow {
    for (key, _) in ATTRIBUTES {
        assert!(!seen.attribute(key).is_empty(), "no {key}: {seen:#?}");
    }
    SpanRow {
        service: seen.service.clone(),
        name: seen.span.name.clone(),
        kind: match seen.span.kind() {
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Client => "client",
            SpanKind::Unspecified | SpanKind::Internal | SpanKind::Server => "another",
        },
    }
}

async fn streams_are_those(docs: &DocsBed) {
    let buckets = BUCKETS.iter().map(|(name, ..)| format!("KV_{name}"));
    let streams = STREAMS.iter().map(|stream| stream.name.to_owned());
    let wanted: BTreeSet<String> = streams.chain(buckets).collect();
    let names = docs.bed.jetstream().await.stream_names();
    let names: BTreeSet<String> = names.map(|name| name.unwrap()).collect().await;
    assert_eq!(names, wanted);
}
