//! Values by topic filter, found by topic.

use std::collections::HashMap;
use std::ops::ControlFlow;

/// Whether a filter matches one topic only: its own text.
pub(crate) fn is_exact(filter: &str) -> bool {
    !filter.contains(['+', '#'])
}

/// One value for each filter, asked by topic.
///
/// A lock's own command topic is a filter without wildcards: these are most of the filters, and
/// cost one look-up together. The few others are a tree by levels, as deep as the deepest filter.
#[derive(Debug)]
pub(crate) struct FilterMap<V> {
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

impl<V> Default for FilterMap<V> {
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

impl<V: Default> FilterMap<V> {
    /// The value of a filter; a new one when it has none.
    pub(crate) fn entry(&mut self, filter: &str) -> &mut V {
        if is_exact(filter) {
            self.exact.entry(filter.into()).or_default()
        } else {
            self.wildcards.entry(filter.split('/'))
        }
    }
}

impl<V> FilterMap<V> {
    /// The value of a filter.
    pub(crate) fn get_mut(&mut self, filter: &str) -> Option<&mut V> {
        if is_exact(filter) {
            self.exact.get_mut(filter)
        } else {
            self.wildcards.get_mut(filter.split('/'))
        }
    }

    /// Takes a filter away.
    pub(crate) fn remove(&mut self, filter: &str) {
        if is_exact(filter) {
            self.exact.remove(filter);
        } else {
            self.wildcards.remove(filter.split('/'));
        }
    }

    /// The value of the filter that is the topic's own text.
    pub(crate) fn named(&self, topic: &str) -> Option<&V> {
        self.exact.get(topic)
    }

    /// Visits the value of every filter with wildcards that matches, until told to stop.
    pub(crate) fn visit_wildcards<'a>(
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

    /// Visits the value of every filter that matches.
    pub(crate) fn visit<'a>(&'a self, topic: &str, mut visit: impl FnMut(&'a V)) {
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
