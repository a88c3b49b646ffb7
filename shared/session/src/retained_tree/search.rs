//! Which of the sorted topics a filter wants to see next.

use std::cmp::Ordering;

use record::TopicFilter;

/// Between the levels of a sorted topic.
pub(super) const DIVIDER: &str = "\0";

/// Sorts right behind everything that has a level and what is below it.
const BEHIND: &str = "\u{1}";

/// Sorts right behind every topic that begins with `$`.
const BEHIND_DOLLAR: &str = "%";

/// A filter, looking through sorted topics from the first to the last.
pub(super) struct Search<'f> {
    levels: Vec<&'f str>,
}

/// What follows from one topic.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// It is matched; the next may be.
    Matches,
    /// It is not; the next may be.
    Next,
    /// It is not, nor is what sorts before this.
    Jump(String),
    /// It is not, nor is any that comes.
    End,
}

impl<'f> Search<'f> {
    pub(super) fn new(filter: &'f TopicFilter) -> Self {
        Self {
            levels: filter.as_str().split('/').collect(),
        }
    }

    /// Compares level by level. The rule for `$` is MQTT-4.7.2-1.
    pub(super) fn step(&self, topic: &str) -> Step {
        let is_hidden = topic.starts_with('$');
        if is_hidden && matches!(self.levels.first(), Some(&("+" | "#"))) {
            return Step::Jump(BEHIND_DOLLAR.to_owned());
        }
        // Where the last level ends that `+` stands for: another one may stand there.
        let mut open_end = None;
        let mut rest = Some(topic);
        for level in &self.levels {
            if *level == "#" {
                return Step::Matches;
            }
            let Some(text) = rest else {
                // What is below it may be long enough.
                return Step::Next;
            };
            let start = topic.len() - text.len();
            let (here, below) = match text.split_once(DIVIDER) {
                Some((here, below)) => (here, Some(below)),
                None => (text, None),
            };
            if *level == "+" {
                open_end = Some(start + here.len());
            } else {
                match here.cmp(level) {
                    Ordering::Equal => {}
                    Ordering::Less => return jump(topic, start, level),
                    Ordering::Greater => return beyond(topic, open_end),
                }
            }
            rest = below;
        }
        match rest {
            None => Step::Matches,
            Some(_) => beyond(topic, open_end),
        }
    }
}

/// To the next text in place of the last level that is open.
fn beyond(topic: &str, open_end: Option<usize>) -> Step {
    match open_end {
        Some(end) => jump(topic, end, BEHIND),
        None => Step::End,
    }
}

fn jump(topic: &str, end: usize, then: &str) -> Step {
    let kept = topic.get(..end).unwrap_or_default();
    Step::Jump(format!("{kept}{then}"))
}
