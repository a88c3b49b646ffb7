//! Counts of what went wrong lately, by name, within bounded memory.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Entries looked at for one to evict; all of them banned means a flood, and the oldest goes.
const EVICTION_TRIES: usize = 8;

/// Counts by fingerprint. When it is full, the oldest entry that is not banned makes room.
pub(super) struct Table {
    entries: HashMap<u64, Entry>,
    /// In the order of their coming.
    order: VecDeque<u64>,
    limit: usize,
}

#[derive(Clone, Copy)]
struct Entry {
    since: Instant,
    count: u32,
    banned_until: Option<Instant>,
}

impl Table {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            limit: limit.max(1),
        }
    }

    /// How long the ban lasts from now; `None` without one.
    pub(super) fn banned(&self, name: u64, now: Instant) -> Option<Duration> {
        let until = self.entries.get(&name)?.banned_until?;
        let left = until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Counts one more; gives the count within the window. When it reaches `most`, the name is
    /// banned, and its count begins anew after the ban.
    pub(super) fn count(
        &mut self,
        name: u64,
        now: Instant,
        most: u32,
        within: Duration,
        ban_for: Duration,
    ) -> u32 {
        if !self.entries.contains_key(&name) {
            self.make_room(now);
            self.order.push_back(name);
        }
        let fresh = Entry {
            since: now,
            count: 0,
            banned_until: None,
        };
        let entry = self.entries.entry(name).or_insert(fresh);
        let over = |until: Instant| until <= now;
        let old = now.saturating_duration_since(entry.since) >= within;
        if entry.banned_until.map_or(old, over) {
            *entry = fresh;
        }
        entry.count = entry.count.saturating_add(1);
        if entry.count >= most && entry.banned_until.is_none() {
            entry.banned_until = Some(now + ban_for);
        }
        entry.count
    }

    /// Notes a name, without any ban.
    pub(super) fn mark(&mut self, name: u64, now: Instant) {
        self.count(name, now, u32::MAX, Duration::MAX, Duration::ZERO);
    }

    /// Whether a name is noted.
    pub(super) fn contains(&self, name: u64) -> bool {
        self.entries.contains_key(&name)
    }

    /// Begins a name's count anew. Its place in the order stays, so this costs one look-up.
    pub(super) fn reset(&mut self, name: u64) {
        if let Some(entry) = self.entries.get_mut(&name) {
            entry.count = 0;
            entry.banned_until = None;
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn make_room(&mut self, now: Instant) {
        let mut tries = EVICTION_TRIES;
        while self.entries.len() >= self.limit {
            let Some(oldest) = self.order.pop_front() else {
                self.entries.clear();
                return;
            };
            if tries > 0 && self.banned(oldest, now).is_some() {
                tries -= 1;
                self.order.push_back(oldest);
            } else {
                self.entries.remove(&oldest);
            }
        }
    }
}
