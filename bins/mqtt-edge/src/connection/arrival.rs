//! A publish, with all that can be found out about it outside the lane's lock.

use std::sync::Arc;

use bytes::Bytes;
use record::{REFUSED, TraceContext, Verdict};
use telemetry::Failure;

use super::Connection;
use crate::bus::{Bus, Message};
use crate::codec::{Answer, Publish, ReasonCode, Version};
use crate::commands::Judgement;
use crate::uplink::Route;
use stage::now_ms;

/// A publish, with all that can be found out about it outside the lane's lock.
pub(super) struct Arrival {
    pub(super) publish: Publish,
    /// Whether it goes on; what does not is only answered.
    pub(super) admitted: bool,
    /// What the client is told when it is stored.
    pub(super) answer: Answer,
    pub(super) verdict: Verdict,
    /// Why it is stored and not let through, if so.
    pub(super) refusal: Option<Failure<'static>>,
    /// Where it goes besides the stream.
    pub(super) route: Option<Route>,
    pub(super) context: TraceContext,
    pub(super) trace: Bytes,
    /// Which of the edge's span shapes.
    pub(super) shape: usize,
}

impl Arrival {
    pub(super) fn judged(&mut self, judgement: Judgement) {
        self.verdict = judgement.verdict;
        self.refusal = judgement.failure();
        if judgement.refused {
            self.answer = judgement.answer();
            self.route = None;
        }
    }
}

/// The record's reason of a publish that is stored and not let through.
pub(super) fn refusal(refused: bool) -> Bytes {
    Bytes::from_static(if refused { REFUSED.as_bytes() } else { b"" })
}

impl<B: Bus> Connection<B> {
    pub(super) fn arrival(&mut self, publish: Publish) -> Arrival {
        let class = self.edge.topics.class_of(&publish.topic);
        let (shape, sampled) = (class.shape, self.edge.sampling.sampled(class.always_traced));
        let context = TraceContext::root(sampled);
        let trace = self.cut_trace(context);
        let admitted = self.may_publish(&publish.topic);
        let answer = self.answer_to(&publish, admitted);
        Arrival {
            answer: answer.into(),
            admitted,
            verdict: Verdict::Unchecked,
            refusal: None,
            // Subscribers do not get what the publisher is told has failed.
            route: (!answer.is_failure())
                .then(|| self.route(&publish, &trace))
                .flatten(),
            publish,
            context,
            trace,
            shape,
        }
    }

    /// An MQTT 5 client is told of a payload that breaks its contract; the message goes on and
    /// becomes a dead letter with its cause. 3.1.1 has no word for it.
    fn answer_to(&self, publish: &Publish, admitted: bool) -> ReasonCode {
        if !admitted {
            return ReasonCode::NOT_AUTHORIZED;
        }
        let broken = self.version == Version::V5
            && (!publish.payload_format_is_valid() || self.breaks_contract(publish));
        if broken {
            ReasonCode::PAYLOAD_FORMAT_INVALID
        } else {
            ReasonCode::SUCCESS
        }
    }

    fn breaks_contract(&self, publish: &Publish) -> bool {
        let contracts = &self.edge.contracts;
        contracts.check(&publish.topic, &publish.payload).is_err()
    }

    /// Where the message goes besides the stream, if anywhere. What breaks its contract goes to
    /// nobody here, either: of 3.1.1 that is found out now. It is copied: subscribers may keep
    /// it, and must not keep our read buffer with it.
    fn route(&self, publish: &Publish, trace: &Bytes) -> Option<Route> {
        let passing = self.edge.bus.wants(&publish.topic);
        let durable = self.edge.durable.wants(&publish.topic);
        if !passing && !durable && !publish.retain {
            return None;
        }
        if self.version == Version::V311 && self.breaks_contract(publish) {
            return None;
        }
        let received_at_ms = now_ms();
        let expiry_secs = publish
            .properties
            .as_ref()
            .and_then(|sent| sent.message_expiry_secs);
        let message = Arc::new(Message {
            topic: Bytes::copy_from_slice(publish.topic.as_bytes()),
            payload: Bytes::copy_from_slice(&publish.payload),
            qos: publish.qos,
            retain: publish.retain,
            from_client_id: self.template.client_id.clone(),
            from_username: self.template.username.clone(),
            trace: trace.clone(),
            received_at_ms,
            expires_at_ms: Message::expires_at_ms(received_at_ms, expiry_secs),
            properties: publish.properties.clone(),
        });
        Some(self.edge.route(message, passing))
    }
}
