//! Where a stage's items come from.

use std::future::Future;

use bytes::Bytes;
use record::{Origin, StageItem};

/// Gives items in order, and forgets them when they are settled.
///
/// # Contract
/// * [`next`](Source::next) waits for at least one delivery. `None` means drained: the source was
///   told to stop and gives no more. It is cancel-safe.
/// * Whatever is not settled when the process dies is delivered again, in the same order and
///   before anything newer.
/// * [`settle`](Source::settle) may be lost in a crash; then the batch is delivered again.
pub trait Source: Send {
    /// What it gives.
    type Item: StageItem;
    /// What it needs to settle a delivery.
    type Token: Send + Sync;

    /// The next batch.
    fn next(&mut self) -> impl Future<Output = Option<Batch<Self::Item, Self::Token>>> + Send;

    /// Says that a batch is still being worked on, so that it is not delivered again.
    fn in_progress(&self, tokens: &[&Self::Token]) -> impl Future<Output = ()> + Send;

    /// Forgets the deliveries: everything they led to is stored.
    fn settle(&mut self, tokens: Vec<Self::Token>) -> impl Future<Output = ()> + Send;

    /// Waits until the settled are really forgotten; called once, when the lane is drained.
    fn flush(&mut self) -> impl Future<Output = ()> + Send;

    /// Name of the stream, for dead letters and spans.
    fn stream(&self) -> &'static str;

    /// Whether items can come at all. While they can't, their absence means nothing, and a handler
    /// gets no ticks.
    fn is_live(&self) -> bool {
        true
    }

    /// Items waiting behind the last batch, when the source knows.
    fn lag(&self) -> Option<u64> {
        None
    }
}

/// Deliveries that are handled, stored and settled together.
#[derive(Debug)]
pub struct Batch<T, K> {
    /// In order of their sequence.
    pub deliveries: Vec<Delivery<T, K>>,
}

impl<T, K> Batch<T, K> {
    /// Every item with its place, in order.
    pub fn items(&self) -> impl Iterator<Item = (Origin, &T)> {
        self.deliveries.iter().flat_map(|delivery| {
            let items = delivery.items.as_deref().unwrap_or_default();
            items.iter().zip(0..).map(|(item, index)| {
                (
                    Origin {
                        sequence: delivery.sequence,
                        index,
                    },
                    item,
                )
            })
        })
    }

    /// What settles its deliveries.
    pub(crate) fn tokens(&self) -> Vec<&K> {
        let deliveries = self.deliveries.iter();
        deliveries.map(|delivery| &delivery.token).collect()
    }

    /// Items, and messages that are no frames.
    pub(crate) fn len(&self) -> usize {
        self.deliveries.iter().map(Delivery::len).sum()
    }

    /// The messages that are no frames.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (Origin, &NotAFrame)> {
        self.deliveries.iter().filter_map(|delivery| {
            let broken = delivery.items.as_ref().err()?;
            Some((
                Origin {
                    sequence: delivery.sequence,
                    index: 0,
                },
                broken,
            ))
        })
    }

    /// Place of an item, by its index in [`items`](Self::items).
    pub(crate) fn place(&self, item: usize) -> Option<Origin> {
        self.items().nth(item).map(|(place, _)| place)
    }
}

/// One message of the stream.
#[derive(Debug)]
pub struct Delivery<T, K> {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// Its items; or, when it is no frame, its bytes and what is wrong with them.
    pub items: Result<Vec<T>, NotAFrame>,
    /// Settles it.
    pub token: K,
}

impl<T, K> Delivery<T, K> {
    /// Items; a message that is no frame counts as one.
    pub(crate) fn len(&self) -> usize {
        self.items.as_ref().map_or(1, Vec::len)
    }
}

/// A message that is no frame. It becomes a dead letter as it is.
#[derive(Debug)]
pub struct NotAFrame {
    /// The message.
    pub bytes: Bytes,
    /// What is wrong.
    pub error: record::FrameError,
}
