//! Messages of the pipeline on their way into UP.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use futures::future::join_all;
use record::{Kind, Record, TraceContext};
use stage::{Refused, Sink, Unavailable, now_ms};
use tokio::sync::oneshot;

use crate::bus::{Bus, Message};
use crate::codec::PublishProperties;
use crate::commands::Judgement;
use crate::connection::refusal;
use crate::edge::Edge;
use crate::uplink::{EdgeSpan, Entry, Intake};

/// Commands that are checked at the same time: each claims its nonce, which takes a round trip.
const CHECKS: usize = 64;

/// Who does not store it now, in an error.
const WHAT: &str = "the edge";

/// Puts messages into one lane of the edge, and waits until they are stored and routed.
///
/// A batch that is sent again is stored again: the edge died, or lost the lease, before it was told
/// that the batch is stored.
pub(super) struct IntoUplink<B: Bus> {
    edge: Arc<Edge<B>>,
    intake: Arc<Intake>,
}

impl<B: Bus> IntoUplink<B> {
    pub(super) fn new(edge: Arc<Edge<B>>, partition: u16) -> Self {
        let intake = edge.uplink.lane(partition);
        Self { edge, intake }
    }

    /// What a client's message goes through, too.
    async fn judge(&self, record: &Record) -> Judgement {
        let Some(commands) = &self.edge.commands else {
            return Judgement::unchecked();
        };
        if commands.checks(record.topic()) {
            // Before its nonce is claimed: if it is not stored then, it is refused the next time.
            self.intake.wait_for_room().await;
        }
        commands.judge(record.topic(), &record.payload).await
    }

    /// As the edge stores it, with what goes along.
    fn publish(&self, taken: &Record, judgement: Judgement) -> (Record, Entry<'static>) {
        let edge = &self.edge;
        let (trace, span) = self.trace_of(taken, judgement);
        let record = Record {
            kind: Kind::Publish.into(),
            dup: false,
            received_at_ms: now_ms(),
            node: edge.node.clone(),
            verdict: judgement.verdict.into(),
            reason: refusal(judgement.refused),
            trace,
            ..taken.clone()
        };
        let topic = record.topic();
        let passing = edge.bus.wants(topic);
        let is_wanted = passing || record.retain || edge.durable.wants(topic);
        let route = (is_wanted && !judgement.refused)
            .then(|| edge.route(Arc::new(message(&record)), passing));
        let entry = Entry {
            route,
            span,
            ..Entry::default()
        };
        (record, entry)
    }

    /// The message goes on in the trace that it came with; without one a trace begins here.
    fn trace_of(&self, taken: &Record, judgement: Judgement) -> (Bytes, Option<EdgeSpan>) {
        if taken.trace_context().is_some() {
            return (taken.trace.clone(), None);
        }
        let in_force = self.edge.in_force();
        let class = in_force.topics.class_of(taken.topic());
        let context = TraceContext::root(self.edge.sampling.sampled(class.always_traced));
        let trace = Bytes::copy_from_slice(&context.to_binary());
        (
            trace,
            EdgeSpan::root(context, &class.shape, judgement.failure()),
        )
    }
}

impl<B: Bus> Sink for IntoUplink<B> {
    type Item = Record;

    async fn send(&mut self, _batch: &str, items: &[Record]) -> Result<Vec<Refused>, Unavailable> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (stored, all_stored) = oneshot::channel();
        let (mut stored, mut left) = (Some(stored), items.len());
        for some in items.chunks(CHECKS) {
            let judgements = join_all(some.iter().map(|record| self.judge(record))).await;
            for (record, judgement) in some.iter().zip(judgements) {
                left -= 1;
                let (record, entry) = self.publish(record, judgement);
                let entry = Entry {
                    // A lane stores in order: when the last one is stored, all are.
                    stored: stored.take_if(|_| left == 0),
                    ..entry
                };
                let pushed = self.intake.push_unless_closed(&record, entry).await;
                pushed.map_err(|closed| Unavailable::new(WHAT, closed))?;
            }
        }
        let stored = all_stored.await;
        stored.map_err(|never| Unavailable::new(WHAT, never))?;
        Ok(Vec::new())
    }
}

/// Text and payload are copied: whoever keeps a message must not keep the whole frame.
fn message(record: &Record) -> Message {
    let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    let text = |bytes: &Bytes| ByteString::try_from(copy(bytes)).unwrap_or_default();
    let expiry_secs = Some(record.message_expiry_s).filter(|secs| *secs > 0);
    let user_properties: Vec<_> = record
        .user_properties
        .iter()
        .map(|property| (text(&property.name), text(&property.value)))
        .collect();
    let properties = PublishProperties {
        user_properties,
        ..PublishProperties::default()
    };
    Message {
        topic: copy(&record.topic),
        payload: copy(&record.payload),
        qos: u8::try_from(record.qos).unwrap_or(2),
        retain: record.retain,
        from_client_id: copy(&record.client_id),
        from_username: copy(&record.username),
        trace: copy(&record.trace),
        received_at_ms: record.received_at_ms,
        expires_at_ms: Message::expires_at_ms(record.received_at_ms, expiry_secs),
        properties: (properties != PublishProperties::default()).then(|| Box::new(properties)),
    }
}
