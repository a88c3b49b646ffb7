//! The newest entries of a chain, to compare repeats with.

use std::collections::VecDeque;

use super::finding::{FindingId, Spot};
use crate::hash::Hash;

/// Entries kept per chain, about 1 MiB. A redelivered frame holds at most 1,024 records, and what
/// comes again after a restart is what was in flight.
const WINDOW: usize = 16 * 1024;

/// What is kept of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) hash: Option<Hash>,
    pub(super) spot: Spot,
    /// Its fault, when it was changed.
    pub(super) fault: Option<FindingId>,
}

/// Consecutive entries of one chain.
#[derive(Debug, Default)]
pub(super) struct Window {
    first: u64,
    slots: VecDeque<Slot>,
}

impl Window {
    pub(super) fn get_mut(&mut self, seq: u64) -> Option<&mut Slot> {
        let index = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(index)
    }

    /// Adds an entry that was not there. After a gap it begins anew; what comes late is not kept.
    pub(super) fn push(&mut self, seq: u64, slot: Slot) {
        let next = self.first + self.slots.len() as u64;
        if seq < next {
            return;
        }
        if seq > next {
            self.slots.clear();
        }
        if self.slots.is_empty() {
            self.first = seq;
        }
        self.slots.push_back(slot);
        if self.slots.len() > WINDOW {
            self.slots.pop_front();
            self.first += 1;
        }
    }
}
