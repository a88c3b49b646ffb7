//! What a handler puts out, and which item each output came from.

use record::StageItem;

use crate::handler::Reject;

/// Bytes and items of outputs that are stored before more is made: what is in memory stays bounded,
/// however much comes of a batch.
const LARGE_BYTES: usize = 32 * 1024 * 1024;
const LARGE_ITEMS: usize = 65_536;

/// Outputs of a batch, in order, each with the index of the item it was made from.
#[derive(Debug)]
pub struct Outputs<T> {
    items: Vec<T>,
    sources: Vec<usize>,
    source: usize,
    /// What could not be made of the item at hand.
    rejects: Vec<Reject>,
    /// Bytes of all items, about.
    weight: usize,
}

impl<T> Default for Outputs<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            sources: Vec::new(),
            source: 0,
            rejects: Vec::new(),
            weight: 0,
        }
    }
}

impl<T> Outputs<T> {
    /// Makes the item a dead letter, too: what it has put out stands.
    pub fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }

    /// What could not be made of the item at hand.
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects
    }

    /// All outputs so far.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Index of the item that an output was made from.
    pub fn source_of(&self, output: usize) -> Option<usize> {
        self.sources.get(output).copied()
    }

    /// Keeps the memory, forgets the rest.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.sources.clear();
        self.weight = 0;
    }

    /// Whether there is so much that it should be stored before more is made.
    pub(crate) fn is_large(&self) -> bool {
        self.weight >= LARGE_BYTES || self.items.len() >= LARGE_ITEMS
    }

    /// From here on outputs belong to this item. Returns a mark for [`withdraw`](Self::withdraw).
    pub(crate) fn begin(&mut self, source: usize) -> usize {
        self.source = source;
        self.rejects.clear();
        self.items.len()
    }

    /// Takes back every output since the mark.
    pub(crate) fn withdraw(&mut self, mark: usize) {
        self.items.truncate(mark);
        self.sources.truncate(mark);
        self.rejects.clear();
    }

    /// Takes what could not be made of the item at hand.
    pub(crate) fn take_rejects(&mut self) -> impl Iterator<Item = Reject> + '_ {
        self.rejects.drain(..)
    }
}

impl<T: StageItem> Outputs<T> {
    /// Puts one output out.
    pub fn push(&mut self, item: T) {
        self.weight += item.weight();
        self.items.push(item);
        self.sources.push(self.source);
    }

    /// Writes the trace of an item into every output since the mark.
    pub(crate) fn set_trace(&mut self, mark: usize, trace: &bytes::Bytes) {
        for item in self.items.iter_mut().skip(mark) {
            item.set_trace(trace.clone());
        }
    }
}
