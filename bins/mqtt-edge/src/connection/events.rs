//! Records of what happens to a client, as far as some hook wants them.

use bytes::Bytes;
use record::{Kind, Record, TraceContext};

use super::Connection;
use crate::bus::{Bus, Delivery, Message};
use crate::topics::CLIENT_EVENT;
use crate::uplink::{EdgeSpan, Entry};
use stage::now_ms;

impl<B: Bus> Connection<B> {
    pub(super) async fn connected(&mut self) {
        self.event(Kind::Connected, Bytes::new(), 0, Bytes::new())
            .await;
    }

    pub(super) async fn disconnected(&mut self, reason: &'static str) {
        let reason = Bytes::from_static(reason.as_bytes());
        self.event(Kind::Disconnected, Bytes::new(), 0, reason)
            .await;
    }

    pub(super) async fn subscribed(&mut self, filter: Bytes, qos: u8) {
        self.event(Kind::Subscribed, filter, qos, Bytes::new())
            .await;
    }

    pub(super) async fn unsubscribed(&mut self, filter: Bytes) {
        self.event(Kind::Unsubscribed, filter, 0, Bytes::new())
            .await;
    }

    async fn event(&mut self, kind: Kind, topic: Bytes, qos: u8, reason: Bytes) {
        if !self.edge.wants_event(kind, &topic) {
            return;
        }
        let context = TraceContext::root(self.edge.sampling.sampled(CLIENT_EVENT.always_traced));
        let trace = self.cut_trace(context);
        let record = Record {
            kind: kind.into(),
            topic,
            qos: qos.into(),
            reason,
            received_at_ms: now_ms(),
            trace,
            ..self.template.clone()
        };
        let entry = Entry {
            span: EdgeSpan::root(context, CLIENT_EVENT.shape, None),
            ..Entry::default()
        };
        self.intake.push(&record, entry).await;
    }

    /// A message for this client: delivered, or acknowledged by it.
    pub(super) async fn message_event(&mut self, kind: Kind, message: &Message, qos: u8) {
        self.about_message(kind, message, qos, Bytes::new()).await;
    }

    /// It stays in its own trace.
    async fn about_message(&mut self, kind: Kind, message: &Message, qos: u8, reason: Bytes) {
        if !self.edge.wants_event(kind, &message.topic) {
            return;
        }
        let record = Record {
            kind: kind.into(),
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            qos: qos.into(),
            reason,
            from_client_id: message.from_client_id.clone(),
            from_username: message.from_username.clone(),
            received_at_ms: now_ms(),
            trace: message.trace.clone(),
            ..self.template.clone()
        };
        self.intake.push(&record, Entry::default()).await;
    }

    /// A message for this client that it does not get.
    pub(super) async fn dropped(&mut self, delivery: &Delivery, reason: &'static str) {
        let reason = Bytes::from_static(reason.as_bytes());
        self.about_message(Kind::Dropped, &delivery.message, delivery.qos, reason)
            .await;
    }

    pub(super) fn cut_trace(&mut self, context: TraceContext) -> Bytes {
        const ROOM: usize = 32 * TraceContext::BINARY_LEN;
        if self.traces.capacity() < TraceContext::BINARY_LEN {
            self.traces.reserve(ROOM);
        }
        self.traces.extend_from_slice(&context.to_binary());
        self.traces.split().freeze()
    }
}
