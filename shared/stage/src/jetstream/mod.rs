//! Sources, sinks and dead letters on JetStream.

mod provision;
mod publisher;
mod sink;
mod source;

pub(crate) use provision::PROGRESS_EVERY;
pub use provision::{Durables, StreamSettings, provision};
pub use publisher::FramePublisher;
pub use sink::JetStreamSink;
pub use source::JetStreamSource;
