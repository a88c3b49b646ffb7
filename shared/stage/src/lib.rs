//! Source, handler, sink, and the one runner that joins them.
//!
//! A stage is a [`Source`] that gives batches, a [`Handler`] that turns each item into outputs or
//! rejects it, and a [`Sink`] that stores the outputs. [`Lane::run`] joins one of each, and is the
//! only place that retries, dead-letters, settles, traces and counts. One lane runs per partition.

mod answering;
mod binary;
mod clock;
pub mod conformance;
mod connect;
mod connections;
mod dead_letters;
mod error;
mod handler;
pub mod jetstream;
mod lane;
pub mod lease;
pub mod memory;
mod observe;
mod outputs;
mod owned_lane;
mod process;
mod reload;
mod retry;
mod runtime;
mod sink;
mod source;
mod stop;

pub use binary::binary_main;
pub use clock::now_ms;
pub use connect::{NatsArgs, jetstream_context};
pub use connections::Connections;
pub use error::{ConnectError, LaneDied, ProvisionError, StartError};
pub use handler::{Handler, Reject};
pub use lane::{BATCH_GAP, Lane};
pub use observe::Observer;
pub use outputs::Outputs;
pub use owned_lane::{LaneRun, OwnedLane};
pub use process::main;
pub use reload::follow;
pub use retry::Backoff;
pub use runtime::{Running, Runtime, StageArgs};
pub use sink::{Refused, Sink, Unavailable};
pub use source::{Batch, Delivery, NotAFrame, Source};
pub use stop::stop_signal;
