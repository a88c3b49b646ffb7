//! What outlives this edge.

use session::SessionBucket;

use super::queue::Queue;
use crate::retained::Retained;

/// Sessions, their queues and retained messages, in JetStream.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) sessions: SessionBucket,
    pub(crate) queue: Queue,
    pub(crate) retained: Retained,
}
