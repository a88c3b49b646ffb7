//! Records of what happens to a client, as far as some hook wants them.

use std::time::SystemTime;

use bytes::Bytes;
use record::{Kind, Record, TraceContext};
use telemetry::Failure;

use super::Connection;
use super::inbound::refusal;
use crate::bus::{Bus, Message};
use crate::codec::Will;
use crate::commands::Judgement;
use crate::topics::{CLIENT_EVENT, TopicClass};
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
        let (trace, span) = self.new_trace(CLIENT_EVENT, None);
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
            span,
            ..Entry::default()
        };
        self.intake.push(&record, entry).await;
    }

    /// A message for this client: delivered, or acknowledged by it. It stays in its own trace.
    pub(super) async fn message_event(&mut self, kind: Kind, message: &Message, qos: u8) {
        if !self.edge.wants_event(kind, &message.topic) {
            return;
        }
        let record = Record {
            kind: kind.into(),
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            qos: qos.into(),
            from_client_id: message.from_client_id.clone(),
            from_username: message.from_username.clone(),
            received_at_ms: now_ms(),
            trace: message.trace.clone(),
            ..self.template.clone()
        };
        self.intake.push(&record, Entry::default()).await;
    }

    /// The will goes the way of every message (MQTT-3.1.2-8).
    pub(super) async fn publish_will(&mut self, will: Will) {
        let topic = Bytes::copy_from_slice(will.topic.as_bytes());
        let judgement = match &self.edge.commands {
            Some(commands) => commands.judge(&will.topic, &will.payload).await,
            None => Judgement::unchecked(),
        };
        let class = TopicClass {
            always_traced: true,
            ..self.edge.topics.class_of(&will.topic)
        };
        let (trace, span) = self.new_trace(class, judgement.failure());
        let record = Record {
            verdict: judgement.verdict.into(),
            reason: refusal(judgement.refused),
            kind: Kind::Publish.into(),
            payload: will.payload.clone(),
            qos: will.qos.min(1).into(),
            retain: will.retain,
            received_at_ms: now_ms(),
            trace,
            topic: topic.clone(),
            ..self.template.clone()
        };
        let routed = !judgement.refused && self.edge.bus.wants(&will.topic);
        let route = routed.then(|| Message {
            topic,
            payload: will.payload,
            qos: will.qos.min(1),
            from_client_id: self.template.client_id.clone(),
            from_username: self.template.username.clone(),
            trace: record.trace.clone(),
            ..Message::default()
        });
        let entry = Entry {
            route,
            span,
            ..Entry::default()
        };
        self.intake.push(&record, entry).await;
    }

    /// A root context, cut from memory that many share, and its span when it is sampled.
    fn new_trace(
        &mut self,
        class: TopicClass,
        refusal: Option<Failure<'static>>,
    ) -> (Bytes, Option<EdgeSpan>) {
        let context = TraceContext::root(self.edge.sampling.sampled(class.always_traced));
        let span = context.sampled.then(|| EdgeSpan {
            context,
            link: None,
            started: SystemTime::now(),
            shape: class.shape,
            refusal,
        });
        (self.cut_trace(context), span)
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
