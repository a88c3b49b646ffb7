//! What waits for one address.

use std::collections::BTreeMap;

use super::rate::Bucket;
use crate::delivery::Delivery;

/// Where an entry stands in its lane: when it may go, and in which order it came.
pub(super) type Position = (u64, u64);

/// What waits for one address. At most one message to it is under way, so that they arrive in
/// order and one that fails is not passed by the next.
#[derive(Debug)]
pub(super) struct Lane<T> {
    /// By the time from which on it may go, then as it came.
    pub(super) waiting: BTreeMap<Position, (Delivery, T)>,
    pub(super) bucket: Bucket,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Nothing goes before, because the last one failed.
    pub(super) retry_ms: u64,
    /// When the last one went: who went longest ago is next.
    pub(super) served_ms: u64,
    /// A message is under way.
    pub(super) is_busy: bool,
    /// Its key in the queue's order of lanes, while it is there.
    pub(super) turn: Option<(u64, u64)>,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            bucket: Bucket::default(),
            failures: 0,
            retry_ms: 0,
            served_ms: 0,
            is_busy: false,
            turn: None,
        }
    }
}

impl<T> Lane<T> {
    /// How many may go now.
    pub(super) fn due(&self, now_ms: u64) -> usize {
        self.waiting.range(..=(now_ms, u64::MAX)).count()
    }

    /// Takes the first ones.
    pub(super) fn take(&mut self, count: usize) -> Vec<(Position, (Delivery, T))> {
        std::iter::from_fn(|| self.waiting.pop_first())
            .take(count)
            .collect()
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&self, now_ms: u64) -> bool {
        self.waiting.is_empty()
            && !self.is_busy
            && self.retry_ms <= now_ms
            && self.bucket.is_full(now_ms)
    }
}
