//! A publish, with all that can be found out about it outside the lane's lock.

use std::sync::Arc;

use access::Decision;
use bytes::Bytes;
use record::{Kind, REFUSED, TraceContext, Verdict};
use telemetry::{Failure, SpanShape};

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
    pub(super) decision: Decision,
    /// What the client is told when it is stored.
    pub(super) answer: Answer,
    pub(super) verdict: Verdict,
    /// Why it is stored and not let through, if so.
    pub(super) refusal: Option<Failure<'static>>,
    /// Where it goes besides the stream.
    pub(super) route: Option<Route>,
    /// Nobody has subscribed to it, and a rule is to hear of that.
    pub(super) is_unrouted: bool,
    pub(super) context: TraceContext,
    pub(super) trace: Bytes,
    /// What its span looks like, if it has one.
    pub(super) shape: Option<Arc<SpanShape>>,
}

/// Who has subscribed to a topic.
#[derive(Clone, Copy)]
struct Audience {
    /// Over the bus.
    passing: bool,
    /// Sessions that outlive their connections.
    durable: bool,
}

impl Arrival {
    pub(super) fn is_admitted(&self) -> bool {
        self.decision.allowed
    }

    pub(super) fn judged(&mut self, judgement: Judgement) {
        self.verdict = judgement.verdict;
        self.refusal = judgement.failure();
        if judgement.refused {
            self.answer = judgement.answer();
            self.route = None;
            self.is_unrouted = false;
        }
    }
}

impl Audience {
    fn is_nobody(self) -> bool {
        !self.passing && !self.durable
    }
}

/// The record's reason of a publish that is stored and not let through.
pub(crate) fn refusal(refused: bool) -> Bytes {
    Bytes::from_static(if refused { REFUSED.as_bytes() } else { b"" })
}

impl<B: Bus> Connection<B> {
    pub(super) fn arrival(&mut self, publish: Publish) -> Arrival {
        let in_force = &self.following.in_force;
        let class = in_force.topics.class_of(&publish.topic);
        let sampled = self.edge.sampling.sampled(class.always_traced);
        let shape = sampled.then(|| Arc::clone(&class.shape));
        let tells_unrouted = in_force.rules_want(Kind::Unrouted);
        let context = TraceContext::root(sampled);
        let trace = self.cut_trace(context);
        let decision = self.may_publish(&publish.topic);
        let answer = self.answer_to(&publish, decision.allowed);
        // Subscribers do not get what the publisher is told has failed.
        let audience = (!answer.is_failure()).then(|| self.audience(&publish.topic));
        Arrival {
            answer: answer.into(),
            decision,
            verdict: Verdict::Unchecked,
            refusal: None,
            route: audience.and_then(|audience| self.route(&publish, &trace, audience)),
            is_unrouted: tells_unrouted && audience.is_some_and(Audience::is_nobody),
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
        let contracts = &self.following.in_force.contracts;
        contracts.check(&publish.topic, &publish.payload).is_err()
    }

    fn audience(&self, topic: &str) -> Audience {
        Audience {
            passing: self.edge.bus.wants(topic),
            durable: self.edge.durable.wants(topic),
        }
    }

    /// Where the message goes besides the stream, if anywhere. What breaks its contract goes to
    /// nobody here, either: of 3.1.1 that is found out now. It is copied: subscribers may keep
    /// it, and must not keep our read buffer with it.
    fn route(&self, publish: &Publish, trace: &Bytes, audience: Audience) -> Option<Route> {
        if audience.is_nobody() && !publish.retain {
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
        Some(self.edge.route(message, audience.passing))
    }
}
