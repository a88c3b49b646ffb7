//! The end of the log.

use audit::{CHECKPOINT_EVERY, Chain, CheckpointKey, Draft, Place};
use bytes::Bytes;
use record::{KafkaRecord, Origin};
use stage::Outputs;

use super::output::Output;

/// A checkpoint is made after so long when there are new entries.
const CHECKPOINT_MS: u64 = 60_000;

/// Origin node of what no record of an edge is behind.
pub(super) static OWN_NODE: Bytes = Bytes::from_static(b"audit");

/// Appends what is not in the log yet.
#[derive(Debug)]
pub(super) struct Log {
    topic: Bytes,
    chain: Chain,
    key: Option<CheckpointKey>,
    checkpoint_ms: u64,
    /// Entries and their bytes since this was asked last.
    appended: (usize, usize),
}

impl Log {
    pub(super) fn new(topic: &str, chain: Chain) -> Self {
        Self {
            topic: Bytes::from(topic.to_owned()),
            chain,
            key: None,
            checkpoint_ms: 0,
            appended: (0, 0),
        }
    }

    pub(super) fn sign_with(&mut self, key: CheckpointKey) {
        self.key = Some(key);
    }

    /// Origin of the newest entry.
    pub(super) fn last(&self) -> Place {
        self.chain.head().last
    }

    /// Appends an entry and puts it out, unless it is in the log already. `node` is the edge whose
    /// record it was made from.
    pub(super) fn append(&mut self, draft: &Draft, node: &Bytes, out: &mut Outputs<Output>) {
        if draft.origin <= self.last() {
            return;
        }
        // Before, not after: so the newest entry of a tick is never a checkpoint.
        if self.chain.since_checkpoint() >= CHECKPOINT_EVERY {
            self.checkpoint(draft.ts_ms, out);
        }
        let entry = self.chain.append(draft);
        let lock = Bytes::from(draft.lock.clone());
        let mut record = self.record(entry, lock, draft.ts_ms);
        let Place {
            sequence,
            index,
            output,
        } = draft.origin;
        Origin { sequence, index }.stamp(&mut record, node, output);
        self.put(record, out);
    }

    /// Makes a checkpoint when the last one is old and something is new since.
    pub(super) fn tick(&mut self, now_ms: u64, out: &mut Outputs<Output>) {
        if self.checkpoint_ms == 0 {
            self.checkpoint_ms = now_ms;
        }
        let is_due = now_ms >= self.checkpoint_ms.saturating_add(CHECKPOINT_MS);
        if is_due && self.chain.since_checkpoint() > 0 {
            self.checkpoint(now_ms, out);
            self.checkpoint_ms = now_ms;
        }
    }

    /// Entries and bytes that were appended since this was called last.
    pub(super) fn take_appended(&mut self) -> (usize, usize) {
        std::mem::take(&mut self.appended)
    }

    pub(super) fn appended(&self) -> (usize, usize) {
        self.appended
    }

    fn checkpoint(&mut self, ts_ms: u64, out: &mut Outputs<Output>) {
        let Some(key) = &self.key else { return };
        let entry = self.chain.checkpoint(ts_ms, key);
        let mut record = self.record(entry, Bytes::from_static(b"checkpoint"), ts_ms);
        // Its number in the chain is what makes it unique.
        let sequence = self.chain.head().sequence;
        let node = Bytes::from_static(b"checkpoint");
        Origin { sequence, index: 0 }.stamp(&mut record, &node, 0);
        self.put(record, out);
    }

    /// The key is the number of the chain, so that Kafka keeps a chain's order.
    fn record(&self, entry: Vec<u8>, lock: Bytes, ts_ms: u64) -> KafkaRecord {
        KafkaRecord {
            topic: self.topic.clone(),
            key: Some(Bytes::from(self.chain.number().to_string())),
            value: Bytes::from(entry),
            timestamp_ms: ts_ms,
            client_id: lock,
            ..KafkaRecord::default()
        }
    }

    fn put(&mut self, record: KafkaRecord, out: &mut Outputs<Output>) {
        let (entries, bytes) = &mut self.appended;
        *entries += 1;
        *bytes += record::FrameItem::size(&record) + FRAME_OVERHEAD;
        out.push(Output::Entry(record));
    }
}

/// Bytes that an item costs in a frame besides its own.
const FRAME_OVERHEAD: usize = 64;
