//! What the log costs. Budget: 5 us for verifying an entry (200,000 entries/s on one core).
//!
//! Run with `cargo bench -p audit`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use audit::{CHECKPOINT_EVERY, Chain, CheckpointKey, Draft, EntryKind, Place, Verification};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Map, json};

const ENTRIES: u64 = 20_000;
const CHAINS: u16 = 8;

/// An unlock as the audit writes it.
fn draft(number: u64) -> Draft {
    let data = json!({
        "by": "command", "client": "10083618796833171", "process_id": "4410098237715562",
        "battery": 83.4, "lock_state": 1, "late": false,
    });
    Draft {
        kind: EntryKind::Unlock,
        ts_ms: 1_574_753_026_269 + number,
        lock: "10083618796833171".to_owned(),
        origin: Place {
            sequence: number,
            index: 3,
            output: 0,
        },
        data: data.as_object().cloned().unwrap_or_else(Map::new),
    }
}

fn log(key: &CheckpointKey) -> Vec<Vec<u8>> {
    let mut chains: Vec<Chain> = (0..CHAINS).map(Chain::new).collect();
    let mut entries = Vec::new();
    for number in 0.. {
        for chain in &mut chains {
            if chain.since_checkpoint() == CHECKPOINT_EVERY {
                entries.push(chain.checkpoint(number, key));
            } else {
                entries.push(chain.append(&draft(number)));
            }
            if entries.len() as u64 == ENTRIES {
                return entries;
            }
        }
    }
    entries
}

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("append");
    group.throughput(Throughput::Elements(1));
    let draft = draft(1);
    let mut chain = Chain::new(0);
    group.bench_function("unlock", |b| b.iter(|| chain.append(black_box(&draft))));
    let key = CheckpointKey::generate().unwrap();
    group.bench_function("checkpoint", |b| b.iter(|| chain.checkpoint(1, &key)));
    group.finish();
}

fn verify(c: &mut Criterion) {
    let key = CheckpointKey::generate().unwrap();
    let entries = log(&key);
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Elements(ENTRIES));
    for (name, key) in [
        ("hashes", None),
        ("hashes and signatures", Some(key.public())),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || Verification::new(key),
                |mut verification| {
                    for entry in &entries {
                        verification.push(entry);
                    }
                    let report = verification.finish();
                    assert!(report.is_intact());
                    report
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, append, verify);
criterion_main!(benches);
