//! What an unremarkable report costs. Aim: below 2 us with 100,000 locks in memory.
//!
//! Run with `cargo bench -p audit-notifier`. It also says how much memory a lock takes.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use audit::Chain;
use audit_notifier::audit::AuditHandler;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use record::{Kind, Origin, Record};
use settings::AuditSettings;
use stage::{Handler, Outputs};

const LOCKS: usize = 100_000;

/// Records of a batch.
const BATCH: usize = 1024;

/// The reports of all locks, in one of two orders; their times are set when they are sent.
fn reports(stride: usize) -> Vec<Record> {
    let report = |number: usize| {
        let client_id = format!("20771450093{number:06}");
        let payload = format!(
            r#"{{"process_id":"4410098237715562","action":"lock","battery":83.4,"lock_state":0,"version":1.1,"client_id":"{client_id}","model":"LW-300 mk II, left hinge","rssi":-67,"uptime_s":1849233,"door":1}}"#
        );
        Record {
            kind: Kind::Publish.into(),
            topic: Bytes::from(format!("devices/{client_id}/state")),
            client_id: Bytes::from(client_id),
            payload: Bytes::from(payload),
            qos: 1,
            node: Bytes::from_static(b"edge-1@10.0.0.7"),
            received_at_ms: 1_731_801_337_269,
            ..Record::default()
        }
    };
    (0..LOCKS)
        .map(|number| report(number * stride % LOCKS))
        .collect()
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// A second of virtual time passes while 50,000 reports come; a tick follows each.
fn steady(c: &mut Criterion) {
    let first = reports(1);
    let before = resident();
    let settings = Arc::new(AuditSettings::default());
    let mut handler = AuditHandler::new(settings, Chain::new(0));
    let mut place = Origin {
        sequence: 1,
        index: 0,
    };
    for record in &first {
        // Dropped at once: only what the handler keeps is to be measured.
        handler
            .handle(record, place, &mut Outputs::default())
            .unwrap();
        place.sequence += 1;
    }
    let bytes = resident().saturating_sub(before);
    println!("{} bytes per lock", bytes / handler.locks());
    drop(first);
    // Another order than that of the locks in memory.
    let mut reports = reports(61_813);
    let mut group = c.benchmark_group("steady");
    group.throughput(Throughput::Elements(BATCH as u64));
    let (mut at, mut count, mut puts) = (0, 0_u64, 0);
    group.bench_function("100,000 locks", |b| {
        b.iter(|| {
            let mut out = Outputs::default();
            for _ in 0..BATCH {
                at = (at + 1) % LOCKS;
                let Some(record) = reports.get_mut(at) else {
                    continue;
                };
                record.received_at_ms = 1_731_801_338_269 + count / 50;
                count += 1;
                place.sequence += 1;
                handler.handle(black_box(record), place, &mut out).unwrap();
                if count.is_multiple_of(50_000) {
                    handler.tick(record.received_at_ms, &mut out);
                }
            }
            puts += out.items().len();
            black_box(&out);
        });
    });
    group.finish();
    println!("{puts} outputs of {count} reports");
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1));
    targets = steady
}
criterion_main!(benches);
