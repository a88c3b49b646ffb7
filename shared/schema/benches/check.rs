//! What a check costs. Budget: 1 us for reading and validating a state of 200 bytes.
//!
//! `owned tree` is the same check by way of `serde_json::Value`: the reason for reading without
//! copying. Run with `cargo bench -p schema`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schema::{BUILT_IN, Contract, Contracts, Schemas};

const TOPIC: &str = "devices/20771450093364018/state";

/// 200 bytes: the six fields and three further ones.
const STATE: &[u8] = br#"{"process_id":"4410098237715562","action":"unlock","battery":83.4,"lock_state":1,"version":1.1,"client_id":"20771450093364018","model":"LW-300 mk II, left hing","rssi":-67,"uptime_s":1849233,"door":1}"#;

const COMMAND: &[u8] = br#"{"process_id":"4410098237715562","action":"unlock","nonce_str":"k3Zt9wQe","ts":1731801337,"sign":"0f1e2d3c4b5a6978"}"#;

/// The envelope of [`STATE`].
const ENVELOPE: &[u8] = br#"{"client_id":"20771450093364018","username":"","topic":"devices/20771450093364018/state","payload":"eyJwcm9jZXNzX2lkIjoiNDQxMDA5ODIzNzcxNTU2MiIsImFjdGlvbiI6InVubG9jayIsImJhdHRlcnkiOjgzLjQsImxvY2tfc3RhdGUiOjEsInZlcnNpb24iOjEuMSwiY2xpZW50X2lkIjoiMjA3NzE0NTAwOTMzNjQwMTgiLCJtb2RlbCI6IkxXLTMwMCBtayBJSSwgbGVmdCBoaW5nIiwicnNzaSI6LTY3LCJ1cHRpbWVfcyI6MTg0OTIzMywiZG9vciI6MX0=","qos":1,"node":"edge-1@10.0.0.7","ts":1731801337269}"#;

fn contracts(schemas: &Schemas) -> Contracts {
    let pairs = [
        ("devices/+/command", "lock-command"),
        ("devices/+/state", "lock-state"),
    ];
    let contract = |(filter, name): (&str, &str)| {
        Contract::new(
            filter.parse().unwrap(),
            Arc::clone(schemas.get(name).unwrap()),
        )
    };
    pairs.into_iter().map(contract).collect()
}

fn accepted(c: &mut Criterion) {
    let schemas = Schemas::builtin().unwrap();
    let contracts = contracts(&schemas);
    assert_eq!(STATE.len(), 200);
    let mut group = c.benchmark_group("accepted");
    group.throughput(Throughput::Elements(1));
    group.bench_function("contract of a state", |b| {
        b.iter(|| contracts.check(black_box(TOPIC), black_box(STATE)).unwrap());
    });
    for (name, document) in [
        ("lock-state", STATE),
        ("lock-command", COMMAND),
        ("envelope-publish", ENVELOPE),
    ] {
        let schema = schemas.get(name).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| schema.check(black_box(document)).unwrap());
        });
    }
    let schema = serde_json::from_str(BUILT_IN[0].1).unwrap();
    let owned = jsonschema::validator_for(&schema).unwrap();
    group.bench_function("lock-state, owned tree", |b| {
        b.iter(|| {
            let value = serde_json::from_slice(black_box(STATE)).unwrap();
            owned.validate(&value).unwrap();
        });
    });
}

fn refused(c: &mut Criterion) {
    let schemas = Schemas::builtin().unwrap();
    let contracts = contracts(&schemas);
    let text = std::str::from_utf8(STATE).unwrap();
    let mut group = c.benchmark_group("refused");
    group.throughput(Throughput::Elements(1));
    for (name, document) in [
        ("schema", text.replace("83.4", "103.4")),
        ("missing field", text.replace("battery", "bettary")),
        (
            "client-id",
            text.replace("20771450093364018", "20771450093364019"),
        ),
        ("repeated-name", text.replace("rssi", "door")),
        ("json", text.replace("1.1,", "1.1")),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                contracts
                    .check(black_box(TOPIC), black_box(document.as_bytes()))
                    .unwrap_err()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_secs(1));
    targets = accepted, refused
}
criterion_main!(benches);
