//! Topics that are worth a wait although a message had a part in their name.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

/// Topics found open that are remembered. They exist, so that no device can make them up.
const MOST_SEEN: usize = 10_000;

/// The topics that the pipeline names and those that were open before in this process. Kafka says
/// of them too that they are missing, while brokers do not know yet of a topic that was just made.
#[derive(Default)]
pub(crate) struct ExpectedTopics {
    topics: Mutex<Topics>,
}

#[derive(Default)]
struct Topics {
    named: HashSet<Bytes>,
    seen: HashSet<Bytes>,
    /// Since when an expected topic is missing. One that was given up stays until it is open again,
    /// so that it is waited for once.
    missing: HashMap<Bytes, Instant>,
}

impl Topics {
    fn contains(&self, topic: &Bytes) -> bool {
        self.named.contains(topic) || self.seen.contains(topic)
    }
}

impl ExpectedTopics {
    /// Replaces the topics that the pipeline names.
    pub(crate) fn name(&self, names: impl IntoIterator<Item = String>) {
        let mut topics = self.topics.lock();
        topics.named = names.into_iter().map(Bytes::from).collect();
        let mut missing = std::mem::take(&mut topics.missing);
        missing.retain(|topic, _| topics.contains(topic));
        topics.missing = missing;
    }

    /// A topic was found open.
    pub(crate) fn found(&self, topic: &Bytes) {
        let mut topics = self.topics.lock();
        topics.missing.remove(topic);
        if topics.seen.contains(topic) {
            return;
        }
        if topics.seen.len() >= MOST_SEEN {
            topics.seen.clear();
            topics.missing.clear();
        }
        topics.seen.insert(Bytes::copy_from_slice(topic));
    }

    pub(crate) fn contains(&self, topic: &Bytes) -> bool {
        self.topics.lock().contains(topic)
    }

    /// Whether records wait for a topic that is missing now: for so long, if it is expected.
    pub(crate) fn may_wait(&self, topic: &Bytes, now: Instant, within: Duration) -> bool {
        let mut topics = self.topics.lock();
        if !topics.contains(topic) {
            return false;
        }
        if let Some(since) = topics.missing.get(topic) {
            return now.saturating_duration_since(*since) < within;
        }
        topics.missing.insert(Bytes::copy_from_slice(topic), now);
        drop(topics);
        let (topic, within_s) = (String::from_utf8_lossy(topic), within.as_secs());
        tracing::warn!(%topic, within_s, "the Kafka topic is missing: its records wait for a while");
        true
    }

    /// How many expected topics are missing.
    #[cfg(test)]
    pub(crate) fn missing(&self) -> usize {
        self.topics.lock().missing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    fn may_wait(topics: &ExpectedTopics, topic: &'static str, now: Instant) -> bool {
        topics.may_wait(&Bytes::from_static(topic.as_bytes()), now, WITHIN)
    }

    /// Scenario: a topic that was open, one that the pipeline names and one that nobody knows are
    /// missing; the first is found again after it was given up, and goes missing again.
    /// Guarantee: the first two are waited for, once and for ten seconds, the third never; a topic
    /// that came back has ten seconds again.
    #[test]
    fn what_is_expected_is_waited_for_once() {
        let topics = ExpectedTopics::default();
        let start = Instant::now();
        let open = Bytes::from_static(b"open");
        topics.found(&open);
        topics.name(["named".to_owned()]);
        for (after, waits) in [(0, true), (9, true), (10, false), (100, false)] {
            let now = start + Duration::from_secs(after);
            assert_eq!(may_wait(&topics, "open", now), waits, "{after}");
            assert_eq!(may_wait(&topics, "named", now), waits, "{after}");
            assert!(!may_wait(&topics, "made-up", now));
        }
        topics.found(&open);
        assert!(may_wait(&topics, "open", start + Duration::from_secs(200)));
    }

    /// Scenario: the pipeline's files change while two of its topics are missing; more topics are
    /// open than are remembered.
    /// Guarantee: only what the files name now, or what was open, is waited for; memory is bounded.
    #[test]
    fn what_is_forgotten_is_not_waited_for() {
        let topics = ExpectedTopics::default();
        let now = Instant::now();
        topics.name(["old".to_owned(), "stays".to_owned()]);
        assert!(may_wait(&topics, "old", now) && may_wait(&topics, "stays", now));
        topics.name(["stays".to_owned(), "new".to_owned()]);
        assert_eq!(topics.missing(), 1);
        assert!(!may_wait(&topics, "old", now));
        assert!(may_wait(&topics, "new", now));
        assert!(!may_wait(&topics, "stays", now + WITHIN));
        for number in 0..=MOST_SEEN {
            topics.found(&Bytes::from(number.to_string()));
        }
        assert!(topics.topics.lock().seen.len() <= MOST_SEEN);
        assert!(topics.contains(&Bytes::from_static(b"new")));
    }
}
