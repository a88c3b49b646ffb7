//! What was seen a short while ago.

use std::collections::{HashMap, VecDeque};

/// Ids seen within a window, of limited number: the oldest are forgotten first.
#[derive(Debug)]
pub(crate) struct Recent {
    window_ms: u64,
    limit: usize,
    order: VecDeque<(u64, Box<str>)>,
    seen_at: HashMap<Box<str>, u64>,
}

impl Recent {
    pub(crate) fn new(window_ms: u64, limit: usize) -> Self {
        Self {
            window_ms,
            limit,
            order: VecDeque::new(),
            seen_at: HashMap::new(),
        }
    }

    /// Whether it was seen within the window.
    pub(crate) fn contains(&self, id: &str, now_ms: u64) -> bool {
        let seen_at = self.seen_at.get(id);
        seen_at.is_some_and(|seen_at| now_ms.saturating_sub(*seen_at) < self.window_ms)
    }

    /// From now on it is seen; the window of one that is in it does not move.
    pub(crate) fn insert(&mut self, id: &str, now_ms: u64) {
        self.drop_old(now_ms);
        if self.limit == 0 || self.seen_at.contains_key(id) {
            return;
        }
        if self.seen_at.len() >= self.limit {
            self.drop_oldest();
        }
        self.order.push_back((now_ms, id.into()));
        self.seen_at.insert(id.into(), now_ms);
    }

    /// As if it had never been seen.
    pub(crate) fn forget(&mut self, id: &str) {
        if self.seen_at.remove(id).is_some() {
            self.order.retain(|(_, seen)| &**seen != id);
        }
    }

    fn drop_old(&mut self, now_ms: u64) {
        while let Some((seen_at, _)) = self.order.front() {
            if now_ms.saturating_sub(*seen_at) < self.window_ms {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, id)) = self.order.pop_front() {
            self.seen_at.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: ids come in, one is forgotten, the window ends, and more come than the limit.
    /// Guarantee: what is known is what came within the window, and never more than the limit.
    #[test]
    fn remembers_for_a_while_and_not_too_much() {
        let mut recent = Recent::new(100, 2);
        recent.insert("a", 0);
        recent.insert("b", 10);
        assert!(recent.contains("a", 99) && recent.contains("b", 99));
        assert!(!recent.contains("a", 100));
        recent.forget("b");
        assert!(!recent.contains("b", 20));
        for id in ["c", "d", "e"] {
            recent.insert(id, 30);
        }
        assert_eq!((recent.seen_at.len(), recent.order.len()), (2, 2));
        assert!(!recent.contains("c", 31) && recent.contains("e", 31));
    }
}
