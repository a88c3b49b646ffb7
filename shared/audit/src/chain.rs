//! One chain, written entry by entry.

use serde_json::{Map, Value};

use crate::checkpoint::{CHECKPOINT_EVERY, checkpoint_data};
use crate::entry::{Draft, Entry, EntryError, EntryKind, Place};
use crate::hash::Hash;
use crate::key::CheckpointKey;
use crate::layout;

/// Where a chain ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Number of the newest entry; 0 when there is none.
    pub sequence: u64,
    /// Its hash; zeros when there is none.
    pub hash: Hash,
    /// Origin of the newest entry: what comes from this record or an earlier one is in the log.
    pub last: Place,
}

/// One chain's end, to which entries are appended.
#[derive(Clone, Debug)]
pub struct Chain {
    number: u16,
    head: Head,
    since_checkpoint: u64,
}

impl Chain {
    /// A chain without entries.
    pub fn new(chain: u16) -> Self {
        Self {
            number: chain,
            head: Head {
                sequence: 0,
                hash: Hash::ZERO,
                last: Place::default(),
            },
            since_checkpoint: 0,
        }
    }

    /// Goes on after the newest entry that is stored.
    pub fn resume(last_entry: &[u8]) -> Result<Self, EntryError> {
        let entry = Entry::read(last_entry)?;
        // An entry does not say where the last checkpoint is: rather one too early than too late.
        let since_checkpoint = match entry.kind {
            EntryKind::Checkpoint => 0,
            _ => entry.seq.min(CHECKPOINT_EVERY),
        };
        Ok(Self {
            number: entry.chain,
            head: Head {
                sequence: entry.seq,
                hash: entry.hash,
                last: entry.origin,
            },
            since_checkpoint,
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Where it ends.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Entries since the last checkpoint; after [`resume`](Self::resume) possibly fewer than it
    /// says. At [`CHECKPOINT_EVERY`] the next entry must be a checkpoint, if the log is signed.
    pub fn since_checkpoint(&self) -> u64 {
        self.since_checkpoint
    }

    /// Appends an entry and gives its JSON, without a line feed.
    pub fn append(&mut self, draft: &Draft) -> Vec<u8> {
        let (bytes, hash) =
            layout::write(self.number, self.head.sequence + 1, self.head.hash, draft);
        self.head = Head {
            sequence: self.head.sequence + 1,
            hash,
            last: draft.origin,
        };
        self.since_checkpoint += 1;
        bytes
    }

    /// Appends a signature over everything so far and gives the entry's JSON. Its origin is that of
    /// the entry before it, so that [`Head::last`] stays true.
    pub fn checkpoint(&mut self, ts_ms: u64, key: &CheckpointKey) -> Vec<u8> {
        let data: Map<String, Value> =
            checkpoint_data(self.number, self.head.sequence + 1, self.head.hash, key);
        let entry = self.append(&Draft {
            kind: EntryKind::Checkpoint,
            ts_ms,
            lock: String::new(),
            origin: self.head.last,
            data,
        });
        self.since_checkpoint = 0;
        entry
    }
}
