//! What a verification finds.

use std::fmt;

use serde::{Serialize, Serializer};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// An entry's bytes are not those that were hashed.
    Changed,
    /// Entries are missing.
    Removed,
    /// An entry that does not belong there: its number is taken by another one.
    Inserted,
    /// An entry comes twice.
    Duplicated,
    /// An entry stands before earlier ones.
    Reordered,
    /// An entry does not follow from the one before it: one of the two was replaced.
    BrokenLink,
    /// A checkpoint is not signed by the key, or not for this place.
    ForgedCheckpoint,
    /// Too many entries without a checkpoint.
    MissingCheckpoint,
    /// The log does not go through an expected head.
    WrongHead,
    /// Something that is no entry.
    NotAnEntry,
}

impl Fault {
    /// The words for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Inserted => "inserted",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::BrokenLink => "broken link",
            Self::ForgedCheckpoint => "forged checkpoint",
            Self::MissingCheckpoint => "missing checkpoint",
            Self::WrongHead => "wrong head",
            Self::NotAnEntry => "not an entry",
        }
    }
}

/// Where an entry was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// Line of a file, from 1.
    Line(u64),
    /// Record of a Kafka topic.
    Kafka {
        /// Partition.
        partition: i32,
        /// Offset there.
        offset: i64,
    },
    /// Item of a frame in a stream.
    Stream {
        /// Sequence of the frame.
        sequence: u64,
        /// Index in the frame.
        index: u32,
    },
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Kafka { partition, offset } => write!(f, "partition {partition} offset {offset}"),
            Self::Stream { sequence, index } => write!(f, "frame {sequence} index {index}"),
        }
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One fault, at the first place where it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// In which chain; absent when nothing tells.
    pub chain: Option<u16>,
    /// Number of the entry, or of the first of several.
    pub seq: Option<u64>,
    /// Number of the last one, when there are several.
    pub last_seq: Option<u64>,
    /// Where it was read; for missing entries, where the next one was. Absent at the end of the log.
    pub position: Option<Position>,
    /// What is wrong with it, in a few words.
    pub detail: String,
    /// How many things had been read by then: puts findings in the order of the log.
    #[serde(skip)]
    pub(super) order: u64,
}

impl fmt::Display for Finding {
    /// One line: what, chain, seq, where.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.name())?;
        if let Some(chain) = self.chain {
            write!(f, ": chain {chain}")?;
        }
        if let Some(seq) = self.seq {
            write!(f, " seq {seq}")?;
        }
        if let Some(last) = self.last_seq {
            write!(f, "-{last}")?;
        }
        match &self.position {
            Some(position) => write!(f, ", {position}: {}", self.detail),
            None => write!(f, ", at the end: {}", self.detail),
        }
    }
}

/// Findings kept with their place; further ones are only counted, so that a log that is rubbish
/// from end to end takes no memory.
const KEPT: usize = 1000;

/// What was read, and after how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) order: u64,
    pub(super) position: Option<Position>,
}

impl Spot {
    pub(super) const END: Self = Self {
        order: u64::MAX,
        position: None,
    };
}

/// A finding that may be understood better later.
#[derive(Clone, Copy, Debug)]
pub(super) struct FindingId(usize);

#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    further: u64,
}

impl Findings {
    /// Notes a fault of the entries `seqs` (first and last) of a chain.
    pub(super) fn add(
        &mut self,
        fault: Fault,
        at: Option<(u16, u64, u64)>,
        spot: Spot,
        detail: impl Into<String>,
    ) -> FindingId {
        let id = FindingId(self.kept.len());
        if self.kept.len() == KEPT {
            self.further += 1;
            return id;
        }
        self.kept.push(Finding {
            fault,
            chain: at.map(|(chain, ..)| chain),
            seq: at.map(|(_, first, _)| first),
            last_seq: at.and_then(|(_, first, last)| (last > first).then_some(last)),
            position: spot.position,
            detail: detail.into(),
            order: spot.order,
        });
        id
    }

    /// What looked like another fault is an entry too many.
    pub(super) fn is_inserted(&mut self, id: FindingId, detail: &str) {
        if let Some(finding) = self.kept.get_mut(id.0) {
            finding.fault = Fault::Inserted;
            detail.clone_into(&mut finding.detail);
        }
    }

    /// The fault is at another place.
    pub(super) fn moved(&mut self, id: FindingId, spot: Spot) {
        if let Some(finding) = self.kept.get_mut(id.0) {
            (finding.position, finding.order) = (spot.position, spot.order);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.kept.len() as u64 + self.further
    }

    /// In the order of the log, and how many more there were.
    pub(super) fn into_sorted(mut self) -> (Vec<Finding>, u64) {
        self.kept.sort_by_key(|finding| finding.order);
        (self.kept, self.further)
    }
}
