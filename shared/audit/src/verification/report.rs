//! The result of a verification, and what it can be held against.

use std::str::FromStr;

use serde::Serialize;

use super::finding::Finding;
use crate::hash::Hash;

/// What was read, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Entries read, repeats not among them.
    pub entries: u64,
    /// Exact repeats that were tolerated.
    pub repeats: u64,
    /// Checkpoints read.
    pub checkpoints: u64,
    /// The chains, by number.
    pub chains: Vec<ChainSummary>,
    /// The faults in the order of the log, the first 1,000 of them.
    pub findings: Vec<Finding>,
    /// Faults beyond those.
    pub further_findings: u64,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One chain as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct ChainSummary {
    /// Its number.
    pub chain: u16,
    /// Number of its newest entry.
    pub seq: u64,
    /// Hash of that entry; zeros when that is not known.
    pub hash: Hash,
    /// The newest checkpoint that the public key verifies: what is after it is not signed yet.
    pub signed_seq: Option<u64>,
}

impl ChainSummary {
    /// The head, as [`ExpectedHead`] reads it: `chain:seq:hash`.
    pub fn head(&self) -> String {
        format!("{}:{}:{}", self.chain, self.seq, self.hash)
    }
}

/// A head that was noted earlier, elsewhere: `chain:seq:hash`. The log must go through it; only
/// this shows that its newest entries are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectedHead {
    /// Number of the chain.
    pub chain: u16,
    /// Number of the entry, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

impl FromStr for ExpectedHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let mut parts = text.split(':');
            let head = Self {
                chain: parts.next()?.parse().ok()?,
                seq: parts.next()?.parse().ok().filter(|seq| *seq > 0)?,
                hash: parts.next()?.parse().ok()?,
            };
            parts.next().is_none().then_some(head)
        };
        read().ok_or_else(|| {
            format!("{text:?} is no head like 0:1200:<64 hex digits>; verify and export print them")
        })
    }
}
