//! One chain during a verification.

use std::collections::BTreeMap;

use super::finding::{Fault, FindingId, Findings, Spot};
use super::window::{Slot, Window};
use crate::hash::Hash;

/// An entry that has found its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) chain: u16,
    pub(super) seq: u64,
    pub(super) prev: Option<Hash>,
    pub(super) hashes: [Option<Hash>; 2],
    pub(super) spot: Spot,
    /// Its fault, when it was changed.
    pub(super) fault: Option<FindingId>,
}

impl Arrival {
    fn at(&self) -> (u16, u64, u64) {
        (self.chain, self.seq, self.seq)
    }
}

/// What an arrival was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entered {
    /// The next entry.
    Next,
    /// An entry behind a gap.
    Jump,
    /// An entry that should have come before others.
    Late,
    /// An exact repeat.
    Repeat,
    /// Another one of this number.
    Again,
}

/// What the next entry's `prev` may be.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// None known: the entry was too broken to tell, and any `prev` will do.
    hashes: [Option<Hash>; 2],
    /// Two different entries have this number, and only the next one tells which is the right one:
    /// the finding of the second, and where the first is.
    rival: Option<(FindingId, Spot)>,
}

/// Consecutive entries that are all there.
#[derive(Clone, Copy, Debug)]
struct Run {
    to: u64,
    tail: Tail,
    first_prev: Option<Hash>,
    /// Where its first entry was read.
    opened: Spot,
    /// Its place before missing entries was explained already.
    is_told: bool,
}

/// One chain: usually a single run.
#[derive(Debug)]
pub(super) struct Track {
    runs: BTreeMap<u64, Run>,
    window: Window,
}

impl Track {
    /// A chain begins behind an entry 0, whose hash is zeros.
    pub(super) fn new() -> Self {
        let beginning = Run {
            to: 0,
            tail: Tail {
                hashes: [Some(Hash::ZERO), None],
                rival: None,
            },
            first_prev: None,
            opened: Spot::END,
            is_told: true,
        };
        Self {
            runs: BTreeMap::from([(0, beginning)]),
            window: Window::default(),
        }
    }

    /// Number and hash of the newest entry.
    pub(super) fn head(&self) -> (u64, Hash) {
        let last = self.runs.last_key_value().map(|(_, run)| run);
        last.map_or((0, Hash::ZERO), |run| {
            (run.to, run.tail.hashes[0].unwrap_or(Hash::ZERO))
        })
    }

    /// The number of the entry that would follow from this one.
    pub(super) fn after(&self, prev: Hash) -> Option<u64> {
        // Zeros are before the first entry of every chain, and so say nothing.
        let is_it = |run: &&Run| prev != Hash::ZERO && run.tail.hashes.contains(&Some(prev));
        self.runs.values().rev().find(is_it).map(|run| run.to + 1)
    }

    /// Takes an entry in.
    pub(super) fn enter(&mut self, arrival: &Arrival, findings: &mut Findings) -> Entered {
        let seq = arrival.seq;
        let tail = Tail {
            hashes: arrival.hashes,
            rival: None,
        };
        let Some(below) = self.runs.range_mut(..=seq).next_back().map(|(_, run)| run) else {
            return Entered::Again;
        };
        if seq <= below.to {
            return self.again(arrival, findings);
        }
        let is_next = below.to + 1 == seq;
        if is_next {
            check_link(&below.tail, arrival, findings);
            (below.to, below.tail) = (seq, tail);
        }
        let is_late = self.tell_reordered(arrival, findings);
        if !is_next {
            let run = Run {
                to: seq,
                tail,
                first_prev: arrival.prev,
                opened: arrival.spot,
                is_told: is_late,
            };
            self.runs.insert(seq, run);
        }
        if is_late {
            self.join(arrival, findings);
        }
        self.keep(arrival);
        match (is_late, is_next) {
            (true, _) => Entered::Late,
            (false, true) => Entered::Next,
            (false, false) => Entered::Jump,
        }
    }

    /// Whether later entries came before this one; the first of those is where the order breaks.
    fn tell_reordered(&mut self, arrival: &Arrival, findings: &mut Findings) -> bool {
        let above = self.runs.range_mut(arrival.seq + 1..).next();
        let Some((&from, above)) = above else {
            return false;
        };
        if !above.is_told {
            above.is_told = true;
            findings.add(
                Fault::Reordered,
                Some((arrival.chain, from, from)),
                above.opened,
                format!("it stands before entry {}", arrival.seq),
            );
        }
        true
    }

    /// Joins the run that now ends right before the next one with that.
    fn join(&mut self, arrival: &Arrival, findings: &mut Findings) {
        let next = arrival.seq + 1;
        let Some(above) = self.runs.get(&next).copied() else {
            return;
        };
        let Some((_, below)) = self.runs.range_mut(..next).next_back() else {
            return;
        };
        let follower = Arrival {
            seq: next,
            prev: above.first_prev,
            spot: above.opened,
            fault: None,
            ..*arrival
        };
        check_link(&below.tail, &follower, findings);
        (below.to, below.tail) = (above.to, above.tail);
        self.runs.remove(&next);
    }

    fn keep(&mut self, arrival: &Arrival) {
        let slot = Slot {
            hash: arrival.hashes[0],
            spot: arrival.spot,
            fault: arrival.fault,
        };
        self.window.push(arrival.seq, slot);
    }

    /// An entry whose number was there before.
    fn again(&mut self, arrival: &Arrival, findings: &mut Findings) -> Entered {
        if let Some(fault) = arrival.fault {
            findings.is_inserted(fault, "a changed copy of an entry that is there already");
            return Entered::Again;
        }
        let Some(slot) = self.window.get_mut(arrival.seq) else {
            let detail = "it was there before, too far back to be compared";
            findings.add(Fault::Duplicated, Some(arrival.at()), arrival.spot, detail);
            return Entered::Again;
        };
        let before = *slot;
        let mut rival = None;
        match before.fault {
            Some(fault) => {
                // What was taken for the entry, changed, is not even that.
                findings.is_inserted(fault, "its hash does not fit; the right entry comes later");
                (slot.hash, slot.fault) = (arrival.hashes[0], None);
            }
            None if before.hash == arrival.hashes[0] => return Entered::Repeat,
            None => {
                let detail = "another entry has this number";
                let id = findings.add(Fault::Inserted, Some(arrival.at()), arrival.spot, detail);
                rival = Some((id, before.spot));
            }
        }
        let below = self.runs.range_mut(..=arrival.seq).next_back();
        if let Some((_, run)) = below.filter(|(_, run)| run.to == arrival.seq) {
            if rival.is_none() {
                run.tail.hashes = arrival.hashes;
            } else {
                run.tail.hashes[1] = arrival.hashes[0];
            }
            run.tail.rival = rival;
        }
        Entered::Again
    }

    /// Tells what never came.
    pub(super) fn finish(&self, chain: u16, findings: &mut Findings) {
        let pairs = self.runs.values().zip(self.runs.iter().skip(1));
        for (below, (&from, above)) in pairs {
            let (first, last) = (below.to + 1, from - 1);
            let detail = match last - first {
                0 => "the entry is missing".to_owned(),
                more => format!("{} entries are missing", more + 1),
            };
            findings.add(
                Fault::Removed,
                Some((chain, first, last)),
                above.opened,
                detail,
            );
        }
    }
}

fn check_link(tail: &Tail, arrival: &Arrival, findings: &mut Findings) {
    let [first, second] = tail.hashes;
    let Some(prev) = arrival.prev else { return };
    if first == Some(prev) || (first.is_none() && second.is_none()) {
        return;
    }
    if second == Some(prev) {
        if let Some((finding, spot)) = tail.rival {
            // The second of two is the right one.
            findings.moved(finding, spot);
        }
        return;
    }
    if arrival.fault.is_none() {
        let detail = "it does not follow from the entry before it: one of the two was replaced";
        findings.add(Fault::BrokenLink, Some(arrival.at()), arrival.spot, detail);
    }
}
