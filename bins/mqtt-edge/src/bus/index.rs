//! Which topics somebody wants.

use std::ops::ControlFlow;

use crate::filter_map::FilterMap;

/// The set of subscribed filters, asked by topic.
#[derive(Debug, Default)]
pub(super) struct TopicIndex(FilterMap<()>);

impl TopicIndex {
    pub(super) fn insert(&mut self, filter: &str) {
        self.0.entry(filter);
    }

    pub(super) fn remove(&mut self, filter: &str) {
        self.0.remove(filter);
    }

    /// Whether a filter matches.
    pub(super) fn wants(&self, topic: &str) -> bool {
        let mut stop = |(): &()| ControlFlow::Break(());
        self.has_name(topic) || self.0.visit_wildcards(topic, &mut stop).is_break()
    }

    /// Whether the topic's own text is a filter.
    pub(super) fn has_name(&self, topic: &str) -> bool {
        self.0.named(topic).is_some()
    }

    /// How many filters with wildcards match.
    pub(super) fn wildcard_matches(&self, topic: &str) -> usize {
        let mut found = 0;
        let mut count = |(): &()| {
            found += 1;
            ControlFlow::Continue(())
        };
        match self.0.visit_wildcards(topic, &mut count) {
            ControlFlow::Continue(()) | ControlFlow::Break(()) => found,
        }
    }
}
