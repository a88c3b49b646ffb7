//! The pure part of a stage.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use record::{Origin, StageItem};
use schema::Violation;

use crate::outputs::Outputs;

/// Turns one item into any number of outputs, or rejects it.
///
/// Handlers are pure and synchronous: no clock, no I/O, no tracing. State lives in `&mut self`.
/// A unit test is a function call, a benchmark a loop.
pub trait Handler: Send {
    /// What comes in.
    type In: StageItem;
    /// What goes out.
    type Out: StageItem;

    /// Handles one item.
    ///
    /// `Ok` with no output drops the item on purpose. `Err` sends the item, and only that item, to
    /// the dead letters; what it had already put out is withdrawn. The runner copies the item's
    /// trace into each output. `origin` is the item's place in the stream it was read from.
    fn handle(
        &mut self,
        item: &Self::In,
        origin: Origin,
        out: &mut Outputs<Self::Out>,
    ) -> Result<(), Reject>;

    /// What still goes on of an item that was rejected, besides its dead letter.
    fn rejected(
        &mut self,
        _item: &Self::In,
        _origin: Origin,
        _reject: &Reject,
        _out: &mut Outputs<Self::Out>,
    ) {
    }

    /// A batch begins: the moment to follow new settings, so that they never change within one.
    fn begin(&mut self) {}

    /// The batch's items have been handled: the moment to tell what was counted meanwhile.
    fn end(&mut self) {}

    /// Version of the settings that the batch at hand follows: it goes into each span.
    fn version(&self) -> Option<Arc<str>> {
        None
    }

    /// How often [`tick`](Self::tick) is called; `None` is never.
    const TICK: Option<Duration> = None;

    /// Lets the handler act when nothing comes in. `now_ms` is milliseconds since 1970. What a tick
    /// put out may come twice when the process dies at that moment.
    fn tick(&mut self, _now_ms: u64, _out: &mut Outputs<Self::Out>) {}
}

/// Why an item can't go on, ever. What might work later is not a reject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    /// A stable word for the cause: `schema`, `json`, `too-large` ...
    pub code: &'static str,
    /// The schema that was broken, if one was.
    pub schema: Cow<'static, str>,
    /// JSON pointer to the offending part; empty is the whole document.
    pub pointer: String,
    /// The cause for people.
    pub detail: String,
}

impl From<Violation> for Reject {
    fn from(violation: Violation) -> Self {
        let Violation {
            code,
            schema,
            pointer,
            text,
        } = violation;
        Self {
            code,
            schema,
            pointer,
            detail: text,
        }
    }
}

impl Reject {
    /// A reject that no schema is the cause of.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            schema: Cow::Borrowed(""),
            pointer: String::new(),
            detail: detail.into(),
        }
    }
}
