//! What a client has besides a connection: its seat, and its session.
//!
//! A session that ends with its connection is in memory only. One that outlives it has a record in
//! the bucket `session` and a queue in the stream DOWN, and survives the edge: what is promised to
//! it is stored before the publisher is acknowledged.
//!
//! ```text
//! CONNECT -> registry: seat, session -> connection ---> end: parked until resumed or expired
//! publish -> index: who wants it -> lane stores it in the queues -> mailbox -> connection
//! ```

mod deadlines;
mod durable;
mod index;
mod life;
mod mailbox;
mod outage;
mod queue;
mod registry;
mod state;
mod stored;
mod stores;
#[cfg(test)]
mod tests;
mod will;
mod window;

pub(crate) use durable::{DurableSession, Lost};
pub(crate) use index::{Addressed, DurableIndex};
pub(crate) use life::{begin, end, park, restore_all, watch_deadlines};
pub(crate) use outage::Outage;
pub(crate) use queue::{FromQueue, Queue, Reading, into_entries};
pub(crate) use registry::{Registry, Seat, StillThere};
pub(crate) use state::{Parked, PendingWill, SessionState};
pub(crate) use stored::{restored, stored};
pub(crate) use stores::Stores;
pub(crate) use will::kept as kept_will;
pub(crate) use window::{Origin, Phase, Place};
