//! What a record costs. Aim: 1.2 us for contract, hooks and envelope of a state of 200 bytes.
//!
//! Run with `cargo bench -p transform`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use record::{EventKind, Kind, Origin, Record, write_envelope};
use settings::Pipeline;
use stage::{Handler, Outputs};
use transform::TransformHandler;

/// Records of a batch: what shares an allocation is shared by about as many.
const BATCH: usize = 256;

fn records(kind: Kind, action: &str) -> Vec<Record> {
    let record = |number: usize| {
        let client_id = format!("2077145009336{number:04}");
        let payload = format!(
            r#"{{"process_id":"4410098237715562","action":"{action}","battery":83.4,"lock_state":1,"version":1.1,"client_id":"{client_id}","model":"LW-300 mk II, left hinge","rssi":-67,"uptime_s":1849233,"door":1}}"#
        );
        Record {
            kind: kind.into(),
            topic: Bytes::from(format!("devices/{client_id}/state")),
            client_id: Bytes::from(client_id),
            payload: Bytes::from(payload),
            qos: 1,
            node: Bytes::from_static(b"edge-1@10.0.0.7"),
            received_at_ms: 1_731_801_337_269,
            ..Record::default()
        }
    };
    (0..BATCH).map(record).collect()
}

/// The envelope alone, into memory that is there.
fn envelope(c: &mut Criterion) {
    let records = records(Kind::Publish, "unlock");
    let mut value = Vec::new();
    let mut group = c.benchmark_group("envelope");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("state", |b| {
        b.iter(|| {
            for record in &records {
                value.clear();
                write_envelope(EventKind::MessagePublish, black_box(record), &mut value);
                black_box(value.len());
            }
        });
    });
}

/// All of it. The outputs start empty, so this pays for their growth too, which a lane does once.
fn handle(c: &mut Criterion) {
    let pipeline = Pipeline::load(None).unwrap();
    let mut group = c.benchmark_group("handle");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, kind, action) in [
        ("state", Kind::Publish, "unlock"),
        ("rejected state", Kind::Publish, "unlick"),
        ("unwanted event", Kind::Delivered, "unlock"),
    ] {
        let records = records(kind, action);
        let mut handler = TransformHandler::new(&pipeline);
        let mut batch = |out: &mut Outputs<_>| {
            for record in &records {
                let verdict = handler.handle(black_box(record), Origin::default(), out);
                black_box(verdict.is_ok());
            }
        };
        group.bench_function(name, |b| {
            b.iter_batched_ref(Outputs::default, &mut batch, BatchSize::SmallInput);
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1));
    targets = envelope, handle
}
criterion_main!(benches);
