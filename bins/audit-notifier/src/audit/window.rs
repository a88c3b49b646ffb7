//! Happenings within a span of time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Happenings that are remembered at most: a threshold above it counts as this.
const MOST: u32 = 256;

/// Times of the latest happenings, in milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Window(VecDeque<u64>);

impl Window {
    /// Adds a happening and says whether there are `threshold` of them within the span.
    pub(super) fn add(&mut self, at_ms: u64, span_ms: u64, threshold: u32) -> bool {
        let threshold = threshold.clamp(1, MOST) as usize;
        self.0.push_back(at_ms);
        while self.0.len() > threshold {
            self.0.pop_front();
        }
        self.prune(at_ms, span_ms);
        self.0.len() >= threshold
    }

    /// The latest happening.
    pub(super) fn latest_ms(&self) -> Option<u64> {
        self.0.back().copied()
    }

    /// Forgets what no later happening can count together with.
    pub(super) fn prune(&mut self, now_ms: u64, span_ms: u64) {
        while self.begins_before(now_ms.saturating_sub(span_ms)) {
            self.0.pop_front();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn begins_before(&self, limit_ms: u64) -> bool {
        self.0.front().is_some_and(|first| *first < limit_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: three happenings, once within a second, once with longer gaps.
    /// Guarantee: only those within the span count together, and memory stays bounded.
    #[test]
    fn only_what_is_within_the_span_counts() {
        let mut window = Window::default();
        assert!(!window.add(0, 1000, 3));
        assert!(!window.add(500, 1000, 3));
        assert!(window.add(1000, 1000, 3));
        assert!(!window.add(1501, 1000, 3));
        assert!(window.add(1502, 1000, 3));
        for at in 0..1000 {
            window.add(2000 + at, 1_000_000, u32::MAX);
        }
        assert_eq!(window.0.len(), MOST as usize);
        assert_eq!(window.latest_ms(), Some(2999));
    }
}
