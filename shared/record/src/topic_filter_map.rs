//! Values by topic filter, found by topic.

use std::collections::HashMap;
use std::ops::ControlFlow;

/// Whether a filter matches one topic only: its own text.
pub fn is_exact_filter(filter: &str) -> bool {
    !filter.contains(['+', '#'])
}

/// One value for each filter, asked by topic.
///
/// A lock's own command topic is a filter without wildcards: these are most of the filters, and
/// cost one look-up together. The few others are a tree by levels, as deep as the deepest filter.
#[derive(Debug)]
pub struct TopicFilterMap<V> {
    exact: HashMap<Box<str>, V>,
    wildcards: Level<V>,
}

/// What follows after some levels.
#[derive(Debug)]
struct Level<V> {
    literal: HashMap<Box<str>, Level<V>>,
    /// Below `+`.
    any: Option<Box<Level<V>>>,
    /// Of the filter that ends here.
    end: Option<V>,
    /// Of the filter that ends here with `#`.
    rest: Option<V>,
}

impl<V> Default for TopicFilterMap<V> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            wildcards: Level::default(),
        }
    }
}

impl<V> Default for Level<V> {
    fn default() -> Self {
        Self {
            literal: HashMap::new(),
            any: None,
            end: None,
            rest: None,
        }
    }
}

impl<V: Default> TopicFilterMap<V> {
    /// The value of a filter; a new one when it has none. The filter is not checked: see
    /// [`TopicFilter`](crate::TopicFilter).
    pub fn entry(&mut self, filter: &str) -> &mut V {
        if is_exact_filter(filter) {
            self.exact.entry(filter.into()).or_default()
        } else {
            self.wildcards.entry(filter.split('/'))
        }
    }
}

impl<V> TopicFilterMap<V> {
    /// The value of a filter.
    pub fn get_mut(&mut self, filter: &str) -> Option<&mut V> {
        if is_exact_filter(filter) {
            self.exact.get_mut(filter)
        } else {
            self.wildcards.get_mut(filter.split('/'))
        }
    }

    /// Takes a filter away.
    pub fn remove(&mut self, filter: &str) {
        if is_exact_filter(filter) {
            self.exact.remove(filter);
        } else {
            self.wildcards.remove(filter.split('/'));
        }
    }

    /// The value of the filter that is the topic's own text.
    pub fn named(&self, topic: &str) -> Option<&V> {
        self.exact.get(topic)
    }

    /// Visits the value of every filter with wildcards that matches, until told to stop.
    pub fn visit_wildcards<'a>(
        &'a self,
        topic: &str,
        visit: &mut impl FnMut(&'a V) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // A wildcard in the first level does not match a topic with `$` (MQTT-4.7.2-1).
        if topic.starts_with('$') {
            let (level, below) = first_level(topic);
            return match self.wildcards.literal.get(level) {
                Some(next) => next.visit(below, visit),
                None => ControlFlow::Continue(()),
            };
        }
        self.wildcards.visit(Some(topic), visit)
    }

    /// Visits the value of every filter that matches, each once, in no particular order.
    pub fn visit<'a>(&'a self, topic: &str, mut visit: impl FnMut(&'a V)) {
        if let Some(value) = self.named(topic) {
            visit(value);
        }
        let mut all = |value| {
            visit(value);
            ControlFlow::Continue(())
        };
        match self.visit_wildcards(topic, &mut all) {
            ControlFlow::Continue(()) | ControlFlow::Break(()) => {}
        }
    }
}

impl<V: Default> Level<V> {
    fn entry<'a>(&mut self, mut levels: impl Iterator<Item = &'a str>) -> &mut V {
        match levels.next() {
            None => self.end.get_or_insert_default(),
            Some("#") => self.rest.get_or_insert_default(),
            Some("+") => self.any.get_or_insert_default().entry(levels),
            Some(level) => self.literal.entry(level.into()).or_default().entry(levels),
        }
    }
}

impl<V> Level<V> {
    fn get_mut<'a>(&mut self, mut levels: impl Iterator<Item = &'a str>) -> Option<&mut V> {
        match levels.next() {
            None => self.end.as_mut(),
            Some("#") => self.rest.as_mut(),
            Some("+") => self.any.as_mut()?.get_mut(levels),
            Some(level) => self.literal.get_mut(level)?.get_mut(levels),
        }
    }

    fn remove<'a>(&mut self, mut levels: impl Iterator<Item = &'a str>) {
        match levels.next() {
            None => self.end = None,
            Some("#") => self.rest = None,
            Some("+") => {
                if let Some(any) = &mut self.any {
                    any.remove(levels);
                    if any.is_empty() {
                        self.any = None;
                    }
                }
            }
            Some(level) => {
                if let Some(next) = self.literal.get_mut(level) {
                    next.remove(levels);
                    if next.is_empty() {
                        self.literal.remove(level);
                    }
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.end.is_none() && self.rest.is_none() && self.any.is_none() && self.literal.is_empty()
    }

    fn visit<'a>(
        &'a self,
        topic: Option<&str>,
        visit: &mut impl FnMut(&'a V) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let Some(value) = &self.rest {
            visit(value)?;
        }
        let Some(topic) = topic else {
            return match &self.end {
                Some(value) => visit(value),
                None => ControlFlow::Continue(()),
            };
        };
        let (level, below) = first_level(topic);
        // An empty map would still hash.
        if !self.literal.is_empty()
            && let Some(next) = self.literal.get(level)
        {
            next.visit(below, visit)?;
        }
        match &self.any {
            Some(next) => next.visit(below, visit),
            None => ControlFlow::Continue(()),
        }
    }
}

fn first_level(topic: &str) -> (&str, Option<&str>) {
    match topic.split_once('/') {
        Some((level, below)) => (level, Some(below)),
        None => (topic, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic_filter::TopicFilter;

    fn found(map: &TopicFilterMap<String>, topic: &str) -> Vec<String> {
        let mut found = Vec::new();
        map.visit(topic, |filter| found.push(filter.clone()));
        found.sort();
        found
    }

    fn of(filters: &[String]) -> TopicFilterMap<String> {
        let mut map = TopicFilterMap::<String>::default();
        for filter in filters {
            map.entry(filter).clone_from(filter);
        }
        map
    }

    /// Every path of up to three levels out of these.
    fn paths(levels: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = levels.iter().map(|level| (*level).to_owned()).collect();
        let mut longest = all.clone();
        for _ in 0..2 {
            let longer = longest.iter().flat_map(|path| {
                let below = |level: &&str| format!("{path}/{level}");
                levels.iter().map(below).collect::<Vec<_>>()
            });
            longest = longer.collect();
            all.extend(longest.iter().cloned());
        }
        all
    }

    /// Scenario: every filter of up to three levels out of a few, in one map, and every topic out of
    /// the same levels, with empty ones and such that begin with `$`.
    /// Guarantee: each topic finds exactly the filters that match it, each once.
    #[test]
    fn finds_what_matches() {
        let mut filters = paths(&["a", "b", "", "$x", "+", "#"]);
        filters.retain(|filter| filter.parse::<TopicFilter>().is_ok());
        let map = of(&filters);
        for topic in paths(&["a", "b", "", "$x", "c"]) {
            let matches = |filter: &&String| {
                let filter: TopicFilter = filter.parse().unwrap();
                filter.matches(&topic)
            };
            let mut expected: Vec<String> = filters.iter().filter(matches).cloned().collect();
            expected.sort();
            assert_eq!(found(&map, &topic), expected, "{topic:?}");
        }
    }

    /// Scenario: filters are taken away again, one by one.
    /// Guarantee: the others are still found, their values too, and nothing is left at the end.
    #[test]
    fn forgets_what_is_removed() {
        let filters = ["a/b", "a/+", "a/#", "+/b", "a/+/c"].map(str::to_owned);
        let mut map = of(&filters);
        for gone in 0..filters.len() {
            for (number, filter) in filters.iter().enumerate() {
                assert_eq!(map.get_mut(filter).is_some(), number >= gone, "{filter}");
            }
            map.remove(&filters[gone]);
        }
        assert!(found(&map, "a/b").is_empty());
        assert!(map.exact.is_empty() && map.wildcards.is_empty());
    }
}
