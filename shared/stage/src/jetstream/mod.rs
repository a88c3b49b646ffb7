//! Sources, sinks and dead letters on JetStream.

mod provision;
mod publisher;
mod sink;
mod source;

pub(crate) use provision::PROGRESS_EVERY;
pub use provision::{Durables, StreamSettings, provision, stored_partitions};
pub use publisher::{FramePublisher, is_full};
pub use sink::JetStreamSink;
pub use source::{JetStreamSource, PULL_EXPIRES};
