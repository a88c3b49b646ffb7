//! Revisions of what was removed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::keyed::Revision;

/// How long a removal is remembered, in milliseconds. What is older than a removal and comes after
/// it was on its way meanwhile: as long as a publish may take, and that is seconds.
const KEEP_MS: u64 = 60_000;

/// Removals that are remembered, so that a message which is older and comes late stays out. Bounded:
/// the oldest go first.
#[derive(Debug)]
pub(super) struct Tombstones {
    limit: usize,
    revisions: HashMap<Arc<str>, Revision>,
    /// In the order in which they came, with their time.
    order: VecDeque<(u64, Arc<str>, Revision)>,
}

impl Tombstones {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            revisions: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len().max(self.revisions.len())
    }

    pub(super) fn revision(&self, key: &str) -> Option<Revision> {
        self.revisions.get(key).copied()
    }

    pub(super) fn add(&mut self, key: Arc<str>, revision: Revision, now_ms: u64) {
        self.revisions.insert(Arc::clone(&key), revision);
        self.order.push_back((now_ms, key, revision));
        while self.order.len() > self.limit {
            self.forget_oldest();
        }
    }

    /// Forgets one that something newer has taken the place of.
    pub(super) fn forget(&mut self, key: &str) {
        self.revisions.remove(key);
    }

    pub(super) fn forget_old(&mut self, now_ms: u64) {
        let is_old = |at: u64| at.saturating_add(KEEP_MS) <= now_ms;
        while self.order.front().is_some_and(|(at, _, _)| is_old(*at)) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, key, revision)) = self.order.pop_front() else {
            return;
        };
        // A newer removal of the same key has its own place.
        if self.revisions.get(&key) == Some(&revision) {
            self.revisions.remove(&key);
        }
    }
}
