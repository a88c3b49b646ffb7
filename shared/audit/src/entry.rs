//! One entry of the log.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::hash::Hash;
use crate::layout::Layout;

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EntryKind {
    /// A lock reported that it is open.
    Unlock,
    /// A command for a lock.
    Command,
    /// What became of a command's check.
    Verdict,
    /// An alert.
    Alert,
    /// An operator's action.
    Operator,
    /// A signature over everything before it; only [`Chain::checkpoint`](crate::Chain::checkpoint)
    /// makes these.
    Checkpoint,
}

impl EntryKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unlock,
        Self::Command,
        Self::Verdict,
        Self::Alert,
        Self::Operator,
        Self::Checkpoint,
    ];

    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unlock => "unlock",
            Self::Command => "command",
            Self::Verdict => "verdict",
            Self::Alert => "alert",
            Self::Operator => "operator",
            Self::Checkpoint => "checkpoint",
        }
    }

    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }
}

/// Place of a record in the stream EV, and which of its entries this is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// Sequence of the frame in the stream.
    pub sequence: u64,
    /// Index of the record in the frame, from 0.
    pub index: u32,
    /// Which of the entries made from that record, from 0.
    pub output: u32,
}

/// What an entry says, before it has a place in a chain.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// What it is about.
    pub kind: EntryKind,
    /// When it happened: milliseconds since 1970, at most 2^53 - 1.
    pub ts_ms: u64,
    /// Client id of the lock; empty when it is about none.
    pub lock: String,
    /// The record it was made from.
    pub origin: Place,
    /// Words and figures of the kind. Integers beyond 2^53 - 1 are written as text.
    pub data: Map<String, Value>,
}

/// An entry as it was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry<'e> {
    /// Number of its chain.
    pub chain: u16,
    /// Its number in the chain, from 1.
    pub seq: u64,
    /// Hash of the entry before it.
    pub prev: Hash,
    /// When it happened: milliseconds since 1970.
    pub ts_ms: u64,
    /// What it is about.
    pub kind: EntryKind,
    /// Client id of the lock.
    pub lock: Cow<'e, str>,
    /// The record it was made from.
    pub origin: Place,
    /// Words and figures of the kind: a JSON object.
    pub data: &'e str,
    /// Its own hash.
    pub hash: Hash,
}

/// Why bytes are no entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// They are not the canonical JSON of an entry.
    #[error("not an audit entry in its canonical form")]
    NotAnEntry,
    /// The hash is another than that of the bytes.
    #[error("audit entry {seq} of chain {chain} was changed: its hash does not fit")]
    Changed {
        /// Number of its chain, as it says.
        chain: u16,
        /// Its number in the chain, as it says.
        seq: u64,
    },
}

impl<'e> Entry<'e> {
    /// Reads an entry and checks its hash, not its place in the chain.
    pub fn read(bytes: &'e [u8]) -> Result<Self, EntryError> {
        let layout = Layout::parse(bytes).ok_or(EntryError::NotAnEntry)?;
        let (chain, seq) = (layout.chain, layout.seq);
        if layout.digest(bytes) != layout.hash {
            return Err(EntryError::Changed { chain, seq });
        }
        Ok(Self {
            chain,
            seq,
            prev: layout.prev,
            ts_ms: layout.ts_ms,
            kind: layout.kind,
            lock: layout.lock_text().ok_or(EntryError::NotAnEntry)?,
            origin: layout.origin,
            data: layout.data,
            hash: layout.hash,
        })
    }
}
