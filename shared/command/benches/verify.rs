//! What it costs to verify a command, without its nonce. Run with `cargo bench -p command`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::path::Path;

use command::{Action, Command, KeyRing, Limits, SignDigits, Verifier};
use criterion::{Criterion, criterion_group, criterion_main};

const LOCK: &str = "10083618796833171";
const TS: u64 = 1_574_744_434;

fn verify(criterion: &mut Criterion) {
    let keys = |text: String| KeyRing::parse(Path::new("keys"), text.as_bytes()).unwrap();
    let (old, new) = (
        format!("old {}\n", "ab".repeat(32)),
        format!("new {}\n", "cd".repeat(32)),
    );
    let command = Command::fresh(Action::Unlock, TS).unwrap();
    let signed = keys(old.clone()).sign(LOCK, command, SignDigits::Truncated);
    let payload = signed.unwrap().to_payload().unwrap();
    for (name, text) in [
        ("verify", old.clone()),
        ("verify while a key is rotated", new + &old),
    ] {
        let verifier = Verifier::new(keys(text), Limits::default());
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let verified = verifier.verify(LOCK, black_box(&payload), TS * 1000);
                assert!(verified.is_ok());
            });
        });
    }
}

criterion_group!(benches, verify);
criterion_main!(benches);
