//! Which topics somebody wants.

use std::collections::{HashMap, HashSet};

/// Whether a filter matches one topic only: its own text.
pub(super) fn is_exact(filter: &str) -> bool {
    !filter.contains(['+', '#'])
}

/// The set of subscribed filters, asked by topic.
///
/// A lock's own command topic is a filter without wildcards: these are most of the filters, and
/// cost one look-up together. The few others are a tree by levels.
#[derive(Debug, Default)]
pub(super) struct TopicIndex {
    exact: HashSet<Box<str>>,
    wildcards: Level,
}

/// What follows after some levels.
#[derive(Debug, Default)]
struct Level {
    literal: HashMap<Box<str>, Level>,
    /// Below `+`.
    any: Option<Box<Level>>,
    /// A filter ends here.
    ends: bool,
    /// A filter ends here with `#`.
    rest: bool,
}

impl TopicIndex {
    pub(super) fn insert(&mut self, filter: &str) {
        if is_exact(filter) {
            self.exact.insert(filter.into());
        } else {
            self.wildcards.insert(filter.split('/'));
        }
    }

    pub(super) fn remove(&mut self, filter: &str) {
        if is_exact(filter) {
            self.exact.remove(filter);
        } else {
            self.wildcards.remove(filter.split('/'));
        }
    }

    /// Whether a filter matches.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.exact.contains(topic) || self.wildcards.matches(topic, 1) > 0
    }

    /// Whether the topic's own text is a filter.
    pub(super) fn has_name(&self, topic: &str) -> bool {
        self.exact.contains(topic)
    }

    /// How many filters with wildcards match.
    pub(super) fn wildcard_matches(&self, topic: &str) -> usize {
        self.wildcards.matches(topic, usize::MAX)
    }
}

impl Level {
    fn insert<'a>(&mut self, mut levels: impl Iterator<Item = &'a str>) {
        match levels.next() {
            None => self.ends = true,
            Some("#") => self.rest = true,
            Some("+") => self.any.get_or_insert_default().insert(levels),
            Some(level) => self.literal.entry(level.into()).or_default().insert(levels),
        }
    }

    fn remove<'a>(&mut self, mut levels: impl Iterator<Item = &'a str>) {
        match levels.next() {
            None => self.ends = false,
            Some("#") => self.rest = false,
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
        !self.ends && !self.rest && self.any.is_none() && self.literal.is_empty()
    }

    /// Counts the filters that match, up to about `enough`.
    fn matches(&self, topic: &str, enough: usize) -> usize {
        // A wildcard in the first level does not match a topic with `$` (MQTT-4.7.2-1).
        if topic.starts_with('$') {
            let (level, below) = first_level(topic);
            return self
                .literal
                .get(level)
                .map_or(0, |next| next.below(below, enough));
        }
        self.below(Some(topic), enough)
    }

    fn below(&self, topic: Option<&str>, enough: usize) -> usize {
        let mut found = usize::from(self.rest);
        let Some(topic) = topic else {
            return found + usize::from(self.ends);
        };
        let (level, below) = first_level(topic);
        // An empty map would still hash.
        if found < enough && !self.literal.is_empty() {
            found += self
                .literal
                .get(level)
                .map_or(0, |next| next.below(below, enough));
        }
        if found < enough {
            found += self
                .any
                .as_ref()
                .map_or(0, |next| next.below(below, enough));
        }
        found
    }
}

fn first_level(topic: &str) -> (&str, Option<&str>) {
    match topic.split_once('/') {
        Some((level, below)) => (level, Some(below)),
        None => (topic, None),
    }
}
