//! A frame while it fills, with what must happen when it is stored.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::SystemTime;

use record::{FrameBuilder, Record, TraceContext};
use telemetry::Failure;

use crate::bus::Message;
use crate::connection::Outbox;

/// What a record brings along besides itself.
#[derive(Debug, Default)]
pub struct Entry<'a> {
    /// Who waits for a PUBACK, and for which packet.
    pub acknowledge: Option<(&'a Arc<Outbox>, NonZeroU16, crate::codec::Answer)>,
    /// The message for local subscribers.
    pub route: Option<Message>,
    /// The span to record when the frame is stored.
    pub span: Option<EdgeSpan>,
}

/// The edge's span of one sampled message.
#[derive(Clone, Debug)]
pub struct EdgeSpan {
    /// Its ids, which travel in the record.
    pub context: TraceContext,
    /// What the publisher sent: linked, never a parent.
    pub link: Option<TraceContext>,
    /// When the message was taken.
    pub started: SystemTime,
    /// Which of the edge's span shapes: an index into its table.
    pub shape: usize,
    /// Why the message is stored and not let through, if so.
    pub refusal: Option<Failure<'static>>,
}

/// A frame and its consequences.
#[derive(Debug, Default)]
pub(super) struct FillingFrame {
    /// Grows by one with each frame of the lane.
    pub(super) number: u64,
    pub(super) records: FrameBuilder,
    /// Sessions with PUBACKs that wait for this frame, each once.
    pub(super) waiting: Vec<Arc<Outbox>>,
    pub(super) routes: Vec<Message>,
    /// When the messages that want a PUBACK came in.
    pub(super) received_ms: Vec<u64>,
    pub(super) spans: Vec<EdgeSpan>,
}

impl FillingFrame {
    pub(super) fn push(&mut self, record: &Record, entry: &mut Entry<'_>) {
        self.records.push(record);
        if let Some((outbox, packet_id, answer)) = entry.acknowledge.take() {
            self.received_ms.push(record.received_at_ms);
            if outbox.expect_stored(self.number, packet_id, answer) {
                self.waiting.push(Arc::clone(outbox));
            }
        }
        self.routes.extend(entry.route.take());
        self.spans.extend(entry.span.take());
    }

    /// Forgets everything but its memory.
    pub(super) fn recycle(&mut self) {
        self.waiting.clear();
        self.received_ms.clear();
        self.routes.clear();
        self.spans.clear();
    }
}
