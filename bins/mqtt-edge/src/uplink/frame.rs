//! A frame while it fills, with what must happen when it is stored.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::SystemTime;

use record::{FrameBuilder, Record, TraceContext};
use telemetry::{Failure, SpanShape};
use tokio::sync::oneshot;

use super::keeping::{Keeping, Waiter};
use crate::bus::Message;
use crate::codec::Answer;
use crate::connection::Outbox;
use crate::sessions::Addressed;

/// What a record brings along besides itself.
#[derive(Debug, Default)]
pub struct Entry<'a> {
    /// Who waits for an answer.
    pub acknowledge: Option<Acknowledge<'a>>,
    /// Where the message goes besides the stream.
    pub route: Option<Route>,
    /// The span to record when the frame is stored.
    pub span: Option<EdgeSpan>,
    /// Is told when the record, and all before it in its lane, are stored and routed. It is dropped
    /// when that will not happen any more.
    pub stored: Option<oneshot::Sender<()>>,
}

/// An answer that waits for a frame.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledge<'a> {
    /// To whom.
    pub outbox: &'a Arc<Outbox>,
    /// For which packet.
    pub packet_id: NonZeroU16,
    /// What it says.
    pub answer: Answer,
    /// PUBREC, not PUBACK.
    pub exactly_once: bool,
}

/// Where a message goes besides the stream.
#[derive(Debug)]
pub struct Route {
    /// The message.
    pub message: Arc<Message>,
    /// Whether it goes over the bus when it is stored.
    pub passing: bool,
    /// Sessions that outlive their connections: it is stored for them, too.
    pub(crate) addressed: Vec<Addressed>,
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
    /// What the spans of such messages share.
    pub shape: Arc<SpanShape>,
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
    pub(super) routes: Vec<Arc<Message>>,
    pub(super) keeping: Keeping,
    /// Memory that those messages hold, about.
    pub(super) routed_bytes: usize,
    /// When the messages that want a PUBACK came in.
    pub(super) received_ms: Vec<u64>,
    pub(super) spans: Vec<EdgeSpan>,
    /// Who else waits for this frame.
    pub(super) stored: Vec<oneshot::Sender<()>>,
}

impl EdgeSpan {
    /// The span of a message that begins now, when its context is sampled.
    pub(crate) fn root(
        context: TraceContext,
        shape: &Arc<SpanShape>,
        refusal: Option<Failure<'static>>,
    ) -> Option<Self> {
        context.sampled.then(|| Self {
            context,
            link: None,
            started: SystemTime::now(),
            shape: Arc::clone(shape),
            refusal,
        })
    }
}

impl FillingFrame {
    pub(super) fn push(&mut self, record: &Record, entry: &mut Entry<'_>) {
        self.records.push(record);
        let acknowledge = entry.acknowledge.take();
        if let Some(Acknowledge {
            outbox,
            packet_id,
            answer,
            exactly_once,
        }) = acknowledge
        {
            self.received_ms.push(record.received_at_ms);
            if outbox.expect_stored(self.number, packet_id, answer, exactly_once) {
                self.waiting.push(Arc::clone(outbox));
            }
        }
        if let Some(route) = entry.route.take() {
            self.route(route, acknowledge);
        }
        self.spans.extend(entry.span.take());
        self.stored.extend(entry.stored.take());
    }

    fn route(&mut self, route: Route, acknowledge: Option<Acknowledge<'_>>) {
        let Route {
            message,
            passing,
            addressed,
        } = route;
        self.routed_bytes += message.weight();
        let waiter = acknowledge.map(|acknowledge| Waiter {
            outbox: Arc::clone(acknowledge.outbox),
            packet_id: acknowledge.packet_id,
        });
        self.keeping.address(addressed, waiter.as_ref());
        if message.retain {
            self.keeping.retain(Arc::clone(&message), waiter.as_ref());
        }
        if passing {
            self.routes.push(message);
        }
    }

    /// Forgets everything but its memory.
    pub(super) fn recycle(&mut self) {
        self.waiting.clear();
        self.received_ms.clear();
        self.routes.clear();
        self.routed_bytes = 0;
        self.spans.clear();
        self.stored.clear();
    }
}
