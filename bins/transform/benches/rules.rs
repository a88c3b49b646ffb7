//! What hooks and rules cost. Aims: a hook that passes a message through 0.5 us; the guide's rule with
//! its template 2 us; a hundred rules with filters of their own at most twice as much as one.
//!
//! Run with `cargo bench -p transform --bench rules`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use record::{Kind, Origin, Record};
use settings::Pipeline;
use stage::{Handler, Outputs};
use transform::TransformHandler;

/// Records of a batch: what shares an allocation is shared by about as many.
const BATCH: usize = 256;

/// The guide's message, from many clients.
fn records(topic: &'static str) -> Vec<Record> {
    let record = |number: usize| Record {
        kind: Kind::Publish.into(),
        topic: Bytes::from_static(topic.as_bytes()),
        client_id: Bytes::from(format!("sensor-{number:04}")),
        payload: Bytes::from_static(br#"{"temp":"27.5","hum":"41.8"}"#),
        qos: 1,
        node: Bytes::from_static(b"edge-1@10.0.0.7"),
        received_at_ms: 1_731_801_337_269,
        ..Record::default()
    };
    (0..BATCH).map(record).collect()
}

/// The guide's rule for this topic.
fn rule(name: &str, topic: &str) -> String {
    format!(
        r#"
        [[rule]]
        name = "{name}"
        sql = '''SELECT timestamp, clientid, payload.temp as temp, payload.hum as hum FROM "{topic}"'''
        [[rule.action]]
        kafka = {{ topic = "emqx", key = "${{client_id}}", value = '{{"temp": ${{temp}}, "hum": ${{hum}}}}' }}
        "#
    )
}

/// A rule for each of a hundred topics; the messages are for the last.
fn hundred(filter: impl Fn(usize) -> String) -> String {
    (0..100).fold(String::new(), |mut text, number| {
        write!(text, "{}", rule(&format!("r{number}"), &filter(number))).unwrap();
        text
    })
}

fn handle(c: &mut Criterion) {
    let hook =
        "[[hook]]\nevent = \"message.publish\"\nfilter = \"temp_hum/+\"\nkafka_topic = \"k\"\n";
    let mut group = c.benchmark_group("rules");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, text) in [
        ("a hook", hook.to_owned()),
        ("the guide's rule", rule("guide", "temp_hum/emqx")),
        ("the guide's rule, by wildcard", rule("guide", "temp_hum/+")),
        (
            "100 rules, one matches",
            hundred(|number| match number {
                99 => "temp_hum/emqx".to_owned(),
                _ => format!("topic/{number}"),
            }),
        ),
        (
            "100 rules by wildcard, one matches",
            hundred(|number| match number {
                99 => "temp_hum/+".to_owned(),
                _ => format!("topic{number}/+"),
            }),
        ),
    ] {
        let pipeline = Pipeline::read(Path::new("pipeline.toml"), &text).unwrap();
        let records = records("temp_hum/emqx");
        let mut handler = TransformHandler::new(&pipeline);
        let mut batch = |out: &mut Outputs<_>| {
            for record in &records {
                handler
                    .handle(black_box(record), Origin::default(), out)
                    .unwrap();
            }
            assert_eq!(out.items().len() % BATCH, 0, "one record each");
        };
        group.bench_function(name, |b| {
            b.iter_batched_ref(Outputs::default, &mut batch, BatchSize::SmallInput);
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1));
    targets = handle
}
criterion_main!(benches);
