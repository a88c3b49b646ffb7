//! What a replica sees of the others, from the watched keys: no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{OVERDUE, TTL};

/// The keys of one flow as they were last seen.
#[derive(Debug, Default)]
pub(super) struct View {
    /// When each replica was seen last.
    replicas: BTreeMap<String, Instant>,
    lanes: BTreeMap<String, LaneKey>,
}

/// The key of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LaneKey {
    /// The replica that owns the lane; `None` when that is gone.
    owner: Option<String>,
    /// Revision of the key.
    revision: u64,
    seen: Instant,
}

/// A lane that nobody owns. Who takes it names the revision that its key has, if it has one: it
/// fails when somebody was faster, or when the owner is alive after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Free {
    pub(super) revision: Option<u64>,
}

impl View {
    /// Everything that was seen before counts as seen now.
    pub(super) fn begin(&mut self, now: Instant) {
        for seen in self.replicas.values_mut() {
            *seen = now;
        }
        for key in self.lanes.values_mut() {
            key.seen = now;
        }
    }

    pub(super) fn saw_replica(&mut self, replica: &str, now: Instant) {
        self.replicas.insert(replica.to_owned(), now);
    }

    pub(super) fn replica_left(&mut self, replica: &str) {
        self.replicas.remove(replica);
    }

    pub(super) fn saw_lane(&mut self, token: &str, owner: &str, revision: u64, now: Instant) {
        let key = LaneKey {
            owner: Some(owner.to_owned()),
            revision,
            seen: now,
        };
        self.lanes.insert(token.to_owned(), key);
    }

    pub(super) fn lane_given_back(&mut self, token: &str) {
        self.lanes.remove(token);
    }

    /// What was not renewed for the life of a key has no owner any more. The server may be up to
    /// two seconds late in forgetting the keys themselves (measured).
    pub(super) fn expire(&mut self, now: Instant) {
        let is_fresh = |seen: &Instant| now.saturating_duration_since(*seen) <= TTL;
        self.replicas.retain(|_, seen| is_fresh(seen));
        for key in self.lanes.values_mut().filter(|key| !is_fresh(&key.seen)) {
            key.owner = None;
        }
    }

    /// A replica is known to be gone: its lanes can be taken.
    pub(super) fn forget(&mut self, replica: &str) {
        self.replica_left(replica);
        for key in self.lanes.values_mut() {
            if key.owner.as_deref() == Some(replica) {
                key.owner = None;
            }
        }
    }

    /// When a replica was seen last.
    pub(super) fn last_seen(&self, replica: &str) -> Option<Instant> {
        self.replicas.get(replica).copied()
    }

    /// Every replica that shares the lanes: one that is leaving does not, though it has not given
    /// all of its lanes back.
    pub(super) fn replicas(&self) -> BTreeSet<&str> {
        self.replicas.keys().map(String::as_str).collect()
    }

    /// Replicas that should have been heard of by now.
    pub(super) fn overdue(&self, now: Instant) -> BTreeSet<String> {
        let is_overdue = |seen: &Instant| now.saturating_duration_since(*seen) > OVERDUE;
        let replicas = self.replicas.iter().filter(|(_, seen)| is_overdue(seen));
        let owners = self.lanes.values().filter(|key| is_overdue(&key.seen));
        replicas
            .map(|(replica, _)| replica.clone())
            .chain(owners.filter_map(|key| key.owner.clone()))
            .collect()
    }

    /// How a lane can be taken; `None` when another has it. One that `me` has lost count of is free.
    pub(super) fn free(&self, token: &str, me: &str) -> Option<Free> {
        let Some(key) = self.lanes.get(token) else {
            return Some(Free { revision: None });
        };
        let is_others = key.owner.as_deref().is_some_and(|owner| owner != me);
        (!is_others).then_some(Free {
            revision: Some(key.revision),
        })
    }

    /// The owner of a lane, as far as it is known.
    pub(super) fn owner(&self, token: &str) -> Option<&str> {
        self.lanes.get(token)?.owner.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Scenario: an owner is heard of, is late, is found gone; another hangs for the life of a key.
    /// Guarantee: the late ones are asked; the lanes of both can then be taken by their revision.
    #[test]
    fn lanes_become_free_when_their_owner_is_gone() {
        let start = Instant::now();
        let mut view = View::default();
        for replica in ["dead", "hung"] {
            view.saw_replica(replica, start);
        }
        view.saw_lane("0", "dead", 7, start);
        view.saw_lane("1", "hung", 8, start);
        assert_eq!(
            (view.free("0", "me"), view.free("2", "me")),
            (None, Some(Free { revision: None }))
        );

        let late = start + OVERDUE + Duration::from_millis(1);
        assert!(view.overdue(start).is_empty());
        assert_eq!(view.overdue(late).len(), 2);
        view.forget("dead");
        assert_eq!(view.free("0", "me"), Some(Free { revision: Some(7) }));
        assert_eq!(view.replicas(), BTreeSet::from(["hung"]));

        assert_eq!(view.free("1", "me"), None);

        view.expire(start + TTL + Duration::from_millis(1));
        assert_eq!(view.free("1", "me"), Some(Free { revision: Some(8) }));
        assert!(view.replicas().is_empty());
    }

    /// Scenario: an owner's own key is gone, but it still renews its lane: it is leaving.
    /// Guarantee: it has no share any more, and nobody else has its lane until it is given back.
    #[test]
    fn a_lane_of_one_who_leaves_is_free_when_it_is_given_back() {
        let now = Instant::now();
        let mut view = View::default();
        view.saw_replica("leaving", now);
        view.saw_lane("0", "leaving", 1, now);
        view.replica_left("leaving");
        assert!(view.replicas().is_empty() && view.free("0", "me").is_none());
        assert_eq!(view.free("0", "leaving"), Some(Free { revision: Some(1) }));
        view.lane_given_back("0");
        assert_eq!(view.free("0", "me"), Some(Free { revision: None }));
    }
}
