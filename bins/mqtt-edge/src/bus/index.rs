//! Which topics somebody wants.

use std::ops::ControlFlow;

use crate::filter_map::FilterMap;

/// Number of a router: which of them knows a filter.
pub(super) type RouterNumber = usize;

/// The set of subscribed filters, asked by topic.
#[derive(Debug, Default)]
pub(super) struct TopicIndex(FilterMap<RouterNumber>);

impl TopicIndex {
    pub(super) fn insert(&mut self, filter: &str, router: RouterNumber) {
        *self.0.entry(filter) = router;
    }

    pub(super) fn remove(&mut self, filter: &str) {
        self.0.remove(filter);
    }

    /// Whether a filter matches.
    pub(super) fn wants(&self, topic: &str) -> bool {
        let mut stop = |_: &_| ControlFlow::Break(());
        self.has_name(topic) || self.0.visit_wildcards(topic, &mut stop).is_break()
    }

    /// Whether the topic's own text is a filter.
    pub(super) fn has_name(&self, topic: &str) -> bool {
        self.0.named(topic).is_some()
    }

    /// Counts the filters with wildcards that match, by router. `counts` has a place for each.
    pub(super) fn count_wildcards(&self, topic: &str, counts: &mut [usize]) {
        let mut count = |router: &RouterNumber| {
            if let Some(count) = counts.get_mut(*router) {
                *count += 1;
            }
            ControlFlow::Continue(())
        };
        match self.0.visit_wildcards(topic, &mut count) {
            ControlFlow::Continue(()) | ControlFlow::Break(()) => {}
        }
    }
}
