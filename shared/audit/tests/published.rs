//! What is published about an entry: its schema, and examples that another program made.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use std::path::Path;

use audit::{Chain, Entry, EntryKind, Verification};
use log::{draft, key};

/// Scenario: the examples of the schema, made by a Python program with stock JSON, SHA-256 and
/// Ed25519, are verified as a log.
/// Guarantee: they are one intact, signed chain: others can write and verify what this crate does.
/// Each kind is among them.
#[test]
fn the_examples_are_a_log() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/examples/lock-audit");
    let files = std::fs::read_dir(folder.join("pass")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut verification = Verification::new(Some(key().public()));
    let mut kinds = Vec::new();
    for file in files {
        let line = std::fs::read(file).unwrap();
        verification.push_line(&line);
        kinds.push(Entry::read(line.trim_ascii_end()).unwrap().kind);
    }
    let report = verification.finish();
    assert!(report.is_intact(), "{report:#?}");
    assert_eq!(report.chains[0].signed_seq, Some(6));
    assert_eq!(kinds, EntryKind::ALL);
}

/// Scenario: entries of every kind and a checkpoint are written, with hostile text in them.
/// Guarantee: each fits the published schema.
#[test]
fn entries_fit_the_schema() {
    let schemas = schema::Schemas::builtin().unwrap();
    let schema = schemas.get("lock-audit").unwrap();
    let mut chain = Chain::new(u16::MAX);
    for kind in EntryKind::ALL {
        let mut draft = draft(1);
        draft.kind = kind;
        draft.lock = "\u{1f512}\"\n".to_owned();
        draft.data.insert("\u{0}".to_owned(), u64::MAX.into());
        let entry = match kind {
            EntryKind::Checkpoint => chain.checkpoint(1, key()),
            _ => chain.append(&draft),
        };
        assert_eq!(schema.check(&entry), Ok(()), "{kind:?}");
    }
}
