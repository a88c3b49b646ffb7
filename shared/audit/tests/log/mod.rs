//! A log to be tampered with.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use audit::{
    Chain, CheckpointKey, Draft, Entry, EntryKind, ExpectedHead, Place, Report, Verification,
};
use serde_json::json;

/// The key of every log.
pub(crate) fn key() -> &'static CheckpointKey {
    static KEY: OnceLock<CheckpointKey> = OnceLock::new();
    KEY.get_or_init(|| CheckpointKey::from_text(&"07".repeat(32)).unwrap())
}

/// What an entry says.
pub(crate) fn draft(number: u64) -> Draft {
    let data = json!({"by": "command", "process_id": number.to_string(), "battery": 83.4});
    Draft {
        kind: EntryKind::Unlock,
        ts_ms: 1_574_753_026_269 + number,
        lock: format!("lock-{number}"),
        origin: Place {
            sequence: number,
            index: 1,
            output: 0,
        },
        data: data.as_object().unwrap().clone(),
    }
}

/// Chains, and their entries in the order of the file.
pub(crate) struct Log {
    pub(crate) chains: Vec<Chain>,
    pub(crate) lines: Vec<Vec<u8>>,
}

impl Log {
    /// So many entries in each of the chains, in turns, with checkpoints after so many of them.
    pub(crate) fn new(chains: u16, entries: u64, checkpoint_after: u64) -> Self {
        let mut chains: Vec<Chain> = (0..chains).map(Chain::new).collect();
        let mut lines = Vec::new();
        for number in 0..entries {
            for chain in &mut chains {
                lines.push(chain.append(&draft(number)));
                if chain.since_checkpoint() == checkpoint_after {
                    lines.push(chain.checkpoint(number, key()));
                }
            }
        }
        Self { chains, lines }
    }

    /// As an exported file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let lines = self.lines.iter();
        lines
            .flat_map(|line| line.iter().copied().chain([b'\n']))
            .collect()
    }

    /// Index of the line with this entry.
    pub(crate) fn line_of(&self, chain: u16, seq: u64) -> usize {
        let is_it = |line: &Vec<u8>| {
            Entry::read(line).is_ok_and(|entry| (entry.chain, entry.seq) == (chain, seq))
        };
        self.lines.iter().position(is_it).unwrap()
    }

    /// Removes entries of a chain.
    pub(crate) fn remove(&mut self, chain: u16, entries: RangeInclusive<u64>) {
        for seq in entries {
            let line = self.line_of(chain, seq);
            self.lines.remove(line);
        }
    }

    /// With every head of the untouched log expected.
    pub(crate) fn expecting(&self, verification: Verification) -> Verification {
        let expect = |verification: Verification, chain: &Chain| {
            verification.expecting(ExpectedHead {
                chain: chain.number(),
                seq: chain.head().sequence,
                hash: chain.head().hash,
            })
        };
        self.chains.iter().fold(verification, expect)
    }

    /// Reads the lines to the end.
    pub(crate) fn read(&self, mut verification: Verification) -> Report {
        for line in &self.lines {
            verification.push(line);
        }
        verification.finish()
    }

    /// Reads it with the public key.
    pub(crate) fn verify(&self) -> Report {
        self.read(Verification::new(Some(key().public())))
    }
}
