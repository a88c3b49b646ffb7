//! Where a stage's outputs go.

use std::future::Future;

use crate::handler::Reject;

/// Stores outputs durably.
///
/// # Contract
/// * `Ok(refused)`: every item is stored durably, except the refused ones, which can never be.
/// * `Err(Unavailable)`: no more can be said now. The runner waits and calls again with the same
///   items; a sink that had stored some of them makes the repeat harmless, or stores them twice,
///   but never lets a later item of one client overtake an earlier one.
/// * Dropping the future in the middle loses nothing that an `Ok` had promised.
pub trait Sink: Send {
    /// What it stores.
    type Item: Send + Sync + 'static;

    /// Stores a batch, in order. `batch` names the batch: the same on a repeat, so that a sink
    /// can recognise one.
    fn send(
        &mut self,
        batch: &str,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Refused>, Unavailable>> + Send;
}

/// An item that can never be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Index in the batch.
    pub index: usize,
    /// Why.
    pub reject: Reject,
}

/// The other side can't store anything now; it may be able to later.
#[derive(Debug, thiserror::Error)]
#[error("{what} is unavailable: {cause}")]
pub struct Unavailable {
    /// Which other side, e.g. `stream REC`.
    pub what: String,
    /// What it said.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Unavailable {
    /// Names the other side and what it said.
    pub fn new(
        what: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            what: what.into(),
            cause: cause.into(),
        }
    }
}
