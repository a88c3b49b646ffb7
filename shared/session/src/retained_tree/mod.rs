//! The retained messages in memory, by topic.

mod search;
#[cfg(test)]
mod tests;
mod tombstones;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use record::TopicFilter;

use crate::keyed::Revision;
use crate::stored_message::StoredMessage;
use search::{Search, Step};
use tombstones::Tombstones;

/// How much a tree may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetainedLimits {
    /// Topics.
    pub topics: usize,
    /// Bytes of all messages, with their topics, about.
    pub bytes: usize,
}

/// What became of an insertion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    /// It is the topic's message now; or its time was over already, and the topic has none now.
    Stored,
    /// The topic has a newer one, or a newer removal: nothing was changed.
    Older,
    /// The limits don't allow it. A topic without a message still has none; one that had an older
    /// message has none now.
    Full,
}

/// The retained messages in memory. No I/O and no clock: `now_ms` counts from 1970.
///
/// Changes may come from several sides and in any order: the greater revision wins. Topics are kept
/// sorted level by level, so that a filter jumps over what it can't match.
#[derive(Debug)]
pub struct RetainedTree {
    limits: RetainedLimits,
    bytes: usize,
    /// By topic, its levels divided by what sorts before everything else.
    topics: BTreeMap<Arc<str>, Kept>,
    /// What expires, by when.
    expiring: BTreeSet<(u64, Arc<str>)>,
    removed: Tombstones,
}

#[derive(Debug)]
struct Kept {
    message: Arc<StoredMessage>,
    revision: Revision,
    weight: usize,
}

impl RetainedTree {
    /// An empty tree.
    pub fn new(limits: RetainedLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            topics: BTreeMap::new(),
            expiring: BTreeSet::new(),
            removed: Tombstones::new(limits.topics),
        }
    }

    /// Topics with a message; expired ones count until they are removed.
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Bytes of all messages, with their topics, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether this message would be taken for this topic: ask before it is stored in the bucket.
    pub fn has_room(&self, topic: &str, message: &StoredMessage) -> bool {
        let replaced = self.topics.get(sorted(topic).as_str());
        self.fits(replaced, weight(topic, message))
    }

    /// Takes a topic's message. Removes what has expired.
    pub fn insert(
        &mut self,
        topic: &str,
        message: Arc<StoredMessage>,
        revision: Revision,
        now_ms: u64,
    ) -> Inserted {
        self.remove_expired(now_ms);
        let key = sorted(topic);
        if self.knows_newer(&key, revision) {
            return Inserted::Older;
        }
        let weight = weight(topic, &message);
        let is_expired = message.is_expired(now_ms);
        let replaced = self.topics.get(key.as_str());
        let had_one = replaced.is_some();
        if is_expired || !self.fits(replaced, weight) {
            if had_one || is_expired {
                self.bury(key.into(), revision, now_ms);
            }
            return if is_expired {
                Inserted::Stored
            } else {
                Inserted::Full
            };
        }
        self.take_out(&key);
        self.removed.forget(&key);
        let key: Arc<str> = key.into();
        if message.expires_at_ms != 0 {
            let expiring = (message.expires_at_ms, Arc::clone(&key));
            self.expiring.insert(expiring);
        }
        self.bytes += weight;
        let kept = Kept {
            message,
            revision,
            weight,
        };
        self.topics.insert(key, kept);
        Inserted::Stored
    }

    /// Removes a topic's message, unless a newer one is there; returns whether there was one.
    /// Removes what has expired too.
    pub fn remove(&mut self, topic: &str, revision: Revision, now_ms: u64) -> bool {
        self.remove_expired(now_ms);
        let key = sorted(topic);
        if self.knows_newer(&key, revision) {
            return false;
        }
        self.bury(key.into(), revision, now_ms)
    }

    /// Removes what has expired; returns how many messages. Insertions and removals do it too.
    pub fn remove_expired(&mut self, now_ms: u64) -> usize {
        self.removed.forget_old(now_ms);
        let mut expired = 0;
        while let Some((at, _)) = self.expiring.first()
            && *at <= now_ms
            && let Some((_, key)) = self.expiring.pop_first()
        {
            let Some(revision) = self.topics.get(&key).map(|kept| kept.revision) else {
                continue;
            };
            self.bury(key, revision, now_ms);
            expired += 1;
        }
        expired
    }

    /// Shows every message whose topic the filter matches and whose time is not over, sorted by
    /// topic.
    pub fn matching(
        &self,
        filter: &TopicFilter,
        now_ms: u64,
        mut visit: impl FnMut(&Arc<StoredMessage>),
    ) {
        let search = Search::new(filter);
        let mut topics = self.topics.range::<str, _>(..);
        while let Some((key, kept)) = topics.next() {
            match search.step(key) {
                Step::Matches if kept.message.is_expired(now_ms) => {}
                Step::Matches => visit(&kept.message),
                Step::Next => {}
                Step::Jump(to) => {
                    let from = Bound::Included(to.as_str());
                    topics = self.topics.range::<str, _>((from, Bound::Unbounded));
                }
                Step::End => return,
            }
        }
    }

    fn knows_newer(&self, key: &str, revision: Revision) -> bool {
        let kept = self.topics.get(key).map(|kept| kept.revision);
        let known = kept.max(self.removed.revision(key));
        known.is_some_and(|known| known >= revision)
    }

    fn fits(&self, replaced: Option<&Kept>, weight: usize) -> bool {
        let has_place = replaced.is_some() || self.topics.len() < self.limits.topics;
        let freed = replaced.map_or(0, |kept| kept.weight);
        has_place && self.bytes - freed + weight <= self.limits.bytes
    }

    /// Takes a message out and remembers when; returns whether there was one.
    fn bury(&mut self, key: Arc<str>, revision: Revision, now_ms: u64) -> bool {
        let was_there = self.take_out(&key);
        self.removed.add(key, revision, now_ms);
        was_there
    }

    fn take_out(&mut self, key: &str) -> bool {
        let Some((key, kept)) = self.topics.remove_entry(key) else {
            return false;
        };
        self.bytes -= kept.weight;
        self.expiring.remove(&(kept.message.expires_at_ms, key));
        true
    }
}

/// The topic twice, in the key and in the message.
fn weight(topic: &str, message: &StoredMessage) -> usize {
    topic.len() + message.weight()
}

/// The topic as it is sorted. The null character is in no topic (MQTT-1.5.4-2), and before all that
/// are: so what is below a level stands right behind it.
fn sorted(topic: &str) -> String {
    topic.replace('/', search::DIVIDER)
}
