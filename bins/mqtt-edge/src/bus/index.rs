//! Which topics somebody wants.

use std::ops::ControlFlow;
use std::sync::Arc;

use record::TopicFilterMap;

/// Number of a router.
pub(super) type RouterNumber = usize;

/// The set of subscribed filters, asked by topic.
#[derive(Debug, Default)]
pub(super) struct TopicIndex(TopicFilterMap<Matcher>);

/// Who finds the subscribers of a filter with wildcards.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// A router.
    Router(RouterNumber),
    /// This index: the routers, which forget no filter, have seen all that they bear.
    Index(Arc<str>),
}

impl Default for Matcher {
    fn default() -> Self {
        Self::Router(0)
    }
}

impl TopicIndex {
    pub(super) fn insert(&mut self, filter: &str, matcher: Matcher) {
        *self.0.entry(filter) = matcher;
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

    /// Counts the filters with wildcards that match, by router, and shows those that no router
    /// knows. `counts` has a place for each router.
    pub(super) fn match_wildcards(
        &self,
        topic: &str,
        counts: &mut [usize],
        mut unrouted: impl FnMut(&Arc<str>),
    ) {
        let mut visit = |matcher: &Matcher| {
            match matcher {
                Matcher::Router(router) => {
                    if let Some(count) = counts.get_mut(*router) {
                        *count += 1;
                    }
                }
                Matcher::Index(filter) => unrouted(filter),
            }
            ControlFlow::Continue(())
        };
        match self.0.visit_wildcards(topic, &mut visit) {
            ControlFlow::Continue(()) | ControlFlow::Break(()) => {}
        }
    }
}
