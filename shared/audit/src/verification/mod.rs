//! Reads a log and finds whatever is wrong with it.

mod claims;
mod finding;
mod report;
mod signatures;
mod track;
mod window;

use std::collections::BTreeMap;

pub use finding::{Fault, Finding, Position};
pub use report::{ChainSummary, ExpectedHead, Report};

use crate::hash::Hash;
use crate::key::PublicKey;
use crate::layout::Layout;
use claims::Claims;
use finding::{Findings, Spot};
use signatures::Signatures;
use track::{Arrival, Entered, Track};

/// What an exact repeat of an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Repeats {
    /// A finding: a file and a stream hold every entry once.
    #[default]
    Found,
    /// Nothing: Kafka gets every entry at least once. Only repeats close to each other are
    /// tolerated (16,384 entries of the chain), because older ones can't be compared any more.
    Tolerated,
}

/// Reads a log entry by entry, the chains in any interleaving, and keeps only what it needs to
/// compare: about 1 MiB per chain.
#[derive(Debug)]
pub struct Verification {
    key: Option<PublicKey>,
    repeats: Repeats,
    expected: BTreeMap<(u16, u64), Hash>,
    chains: BTreeMap<u16, (Track, Signatures)>,
    findings: Findings,
    read: u64,
    entries: u64,
    repeated: u64,
}

impl Verification {
    /// With a public key, the signatures of checkpoints are verified too, and must be there.
    pub fn new(key: Option<&PublicKey>) -> Self {
        Self {
            key: key.cloned(),
            repeats: Repeats::default(),
            expected: BTreeMap::new(),
            chains: BTreeMap::new(),
            findings: Findings::default(),
            read: 0,
            entries: 0,
            repeated: 0,
        }
    }

    /// What to make of exact repeats.
    #[must_use]
    pub fn with_repeats(mut self, repeats: Repeats) -> Self {
        self.repeats = repeats;
        self
    }

    /// The log must go through this head.
    #[must_use]
    pub fn expecting(mut self, head: ExpectedHead) -> Self {
        self.expected.insert((head.chain, head.seq), head.hash);
        self
    }

    /// Reads the next entry: its JSON without a line feed. Its position is its line.
    pub fn push(&mut self, entry: &[u8]) {
        self.read_entry(Position::Line(self.read + 1), entry);
    }

    /// Reads the next line of an exported file, with its line feed.
    pub fn push_line(&mut self, line: &[u8]) {
        if let Some(entry) = line.strip_suffix(b"\n") {
            return self.push(entry);
        }
        let before = self.findings.count();
        self.push(line);
        if self.findings.count() == before {
            let position = Some(Position::Line(self.read));
            let order = self.read;
            let spot = Spot { order, position };
            let detail = "the line feed at its end is missing: the file was cut";
            self.findings.add(Fault::NotAnEntry, None, spot, detail);
        }
    }

    /// Reads the next entry, which is at this position. Says whether it is anything new: not so for
    /// a repeat that is tolerated.
    pub fn push_at(&mut self, position: Position, entry: &[u8]) -> bool {
        let repeated = self.repeated;
        self.read_entry(position, entry);
        self.repeated == repeated
    }

    fn read_entry(&mut self, position: Position, entry: &[u8]) {
        let spot = self.next_spot(position);
        let Some(layout) = Layout::parse(entry) else {
            let detail = "its bytes are not those of an entry";
            return self.changed(&Claims::search(entry), spot, detail);
        };
        let computed = layout.digest(entry);
        if computed == layout.hash {
            self.sound(&layout, spot);
        } else {
            let detail = "its hash does not fit";
            self.changed(&Claims::of(&layout, computed), spot, detail);
        }
    }

    /// Notes something that can't even be handed over as an entry, such as a broken frame.
    pub fn not_an_entry(&mut self, position: Position, detail: &str) {
        let spot = self.next_spot(position);
        self.findings.add(Fault::NotAnEntry, None, spot, detail);
    }

    /// Entries read so far, sound or not.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    fn next_spot(&mut self, position: Position) -> Spot {
        self.read += 1;
        Spot {
            order: self.read,
            position: Some(position),
        }
    }

    fn sound(&mut self, layout: &Layout<'_>, spot: Spot) {
        let arrival = Arrival {
            chain: layout.chain,
            seq: layout.seq,
            prev: Some(layout.prev),
            hashes: [Some(layout.hash), None],
            spot,
            fault: None,
        };
        let entered = self.enter(&arrival);
        if entered == Entered::Repeat {
            self.repeat(&arrival);
            return;
        }
        self.entries += 1;
        if entered == Entered::Again {
            return;
        }
        if let Some((_, signatures)) = self.chains.get_mut(&layout.chain) {
            signatures.sound(layout, entered, spot, self.key.as_ref(), &mut self.findings);
        }
    }

    fn repeat(&mut self, arrival: &Arrival) {
        if self.repeats == Repeats::Tolerated {
            self.repeated += 1;
            return;
        }
        self.entries += 1;
        self.findings.add(
            Fault::Duplicated,
            Some((arrival.chain, arrival.seq, arrival.seq)),
            arrival.spot,
            "it was there before",
        );
    }

    fn changed(&mut self, claims: &Claims, spot: Spot, detail: &str) {
        let Some((chain, seq)) = self.place(claims) else {
            self.findings.add(Fault::NotAnEntry, None, spot, detail);
            return;
        };
        self.entries += 1;
        let at = Some((chain, seq, seq));
        let fault = self.findings.add(Fault::Changed, at, spot, detail);
        let entered = self.enter(&Arrival {
            chain,
            seq,
            prev: claims.prev,
            hashes: claims.hashes,
            spot,
            fault: Some(fault),
        });
        if let Some((_, signatures)) = self.chains.get_mut(&chain) {
            signatures.changed(seq, entered, claims.is_checkpoint);
        }
    }

    /// Which entry a changed one was: the one that `prev` says, because nobody hits another
    /// entry's hash by chance; else the one that it says it is.
    fn place(&self, claims: &Claims) -> Option<(u16, u64)> {
        let by_link = claims.prev.and_then(|prev| {
            let after =
                |(chain, (track, _)): (&u16, &(Track, _))| Some((*chain, track.after(prev)?));
            self.chains.iter().find_map(after)
        });
        let by_name = || claims.chain.zip(claims.seq.filter(|seq| *seq > 0));
        by_link.or_else(by_name)
    }

    fn enter(&mut self, arrival: &Arrival) -> Entered {
        let chain = self.chains.entry(arrival.chain);
        let (track, _) = chain.or_insert_with(|| (Track::new(), Signatures::default()));
        let entered = track.enter(arrival, &mut self.findings);
        let at = (arrival.chain, arrival.seq);
        if self.expected.is_empty() || matches!(entered, Entered::Repeat | Entered::Again) {
            return entered;
        }
        if let Some(expected) = self.expected.remove(&at)
            && !arrival.hashes.contains(&Some(expected))
        {
            self.findings.add(
                Fault::WrongHead,
                Some((at.0, at.1, at.1)),
                arrival.spot,
                format!("its hash is not the expected {expected}"),
            );
        }
        entered
    }

    /// Ends the reading.
    pub fn finish(mut self) -> Report {
        for (chain, (track, signatures)) in &self.chains {
            track.finish(*chain, &mut self.findings);
            let newest = track.head().0;
            signatures.finish(*chain, newest, self.key.as_ref(), &mut self.findings);
        }
        self.tell_cut_ends();
        let summary = |(chain, (track, signatures)): (&u16, &(Track, Signatures))| {
            let (seq, hash) = track.head();
            ChainSummary {
                chain: *chain,
                seq,
                hash,
                signed_seq: signatures.signed_seq(),
            }
        };
        let checkpoints = self.chains.values().map(|(_, signed)| signed.count()).sum();
        let chains = self.chains.iter().map(summary).collect();
        let (findings, further_findings) = self.findings.into_sorted();
        Report {
            entries: self.entries,
            repeats: self.repeated,
            checkpoints,
            chains,
            findings,
            further_findings,
        }
    }

    /// Chains that end before an expected head.
    fn tell_cut_ends(&mut self) {
        let mut wanted = BTreeMap::new();
        for (chain, seq) in self.expected.keys() {
            wanted.insert(*chain, *seq);
        }
        for (chain, seq) in wanted {
            let newest = self
                .chains
                .get(&chain)
                .map_or(0, |(track, _)| track.head().0);
            if newest < seq {
                let at = Some((chain, newest + 1, seq));
                let detail = "the log ends before the expected head";
                self.findings.add(Fault::Removed, at, Spot::END, detail);
            }
        }
    }
}
