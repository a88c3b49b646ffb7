//! The will of a client that is gone without a word.

use std::sync::Arc;

use bytes::Bytes;
use record::{Kind, Record, TraceContext};
use stage::now_ms;

use super::arrival::refusal;
use super::events::{NO_SUBSCRIBERS, recorded};
use crate::bus::{Bus, Message};
use crate::codec::Will;
use crate::commands::Judgement;
use crate::edge::Edge;
use crate::uplink::{EdgeSpan, Entry};

/// Publishes a will: it goes the way of every message (MQTT-3.1.2-8). `template` has what all
/// records of the connection shared.
pub(crate) async fn publish<B: Bus>(edge: &Edge<B>, template: &Record, will: Will) {
    let judgement = match &edge.commands {
        Some(commands) => commands.judge(&will.topic, &will.payload).await,
        None => Judgement::unchecked(),
    };
    let in_force = edge.in_force();
    let class = in_force.topics.class_of(&will.topic);
    // A will is rare and worth a trace.
    let context = TraceContext::root(edge.sampling.sampled(true));
    let message = Arc::new(message(template, &will, context));
    let record = Record {
        verdict: judgement.verdict.into(),
        reason: refusal(judgement.refused),
        kind: Kind::Publish.into(),
        topic: message.topic.clone(),
        payload: message.payload.clone(),
        qos: will.qos.into(),
        retain: will.retain,
        received_at_ms: message.received_at_ms,
        trace: message.trace.clone(),
        user_properties: recorded(&will.properties.user_properties).collect(),
        ..template.clone()
    };
    let passing = edge.bus.wants(&will.topic);
    let route = (!judgement.refused).then(|| edge.route(message, passing));
    let mut to_nobody = route.iter();
    let is_unrouted = to_nobody.any(|route| !route.passing && route.addressed.is_empty());
    let entry = Entry {
        route,
        span: EdgeSpan::root(context, &class.shape, judgement.failure()),
        ..Entry::default()
    };
    let intake = edge.uplink.of(&template.client_id);
    intake.push(&record, entry).await;
    if is_unrouted && in_force.rules_want(Kind::Unrouted) {
        let told = Record {
            kind: Kind::Unrouted.into(),
            reason: Bytes::from_static(NO_SUBSCRIBERS.as_bytes()),
            ..record
        };
        intake.push(&told, Entry::default()).await;
    }
}

fn message(template: &Record, will: &Will, context: TraceContext) -> Message {
    let received_at_ms = now_ms();
    let expiry = will.properties.message_expiry_secs;
    Message {
        topic: Bytes::copy_from_slice(will.topic.as_bytes()),
        payload: will.payload.clone(),
        qos: will.qos,
        retain: will.retain,
        from_client_id: template.client_id.clone(),
        from_username: template.username.clone(),
        trace: Bytes::copy_from_slice(&context.to_binary()),
        received_at_ms,
        expires_at_ms: Message::expires_at_ms(received_at_ms, expiry),
        properties: Some(Box::new(will.properties.clone())),
    }
}
