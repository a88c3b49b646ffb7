//! Records of what happens to a client, as far as some hook, rule or the audit wants them.

use std::collections::VecDeque;

use access::Decision;
use bytes::Bytes;
use record::{Kind, Record, TraceContext, UserProperty};

use super::arrival::Arrival;
use super::event_fields::{self as fields, Asked};
use super::greeting::Greeting;
use super::{Connection, End};
use crate::bus::{Bus, Delivery};
use crate::codec::{AckProperties, FilterRequest, ReasonCode, Subscribe, UserProperties};
use crate::uplink::{EdgeSpan, Entry};
use stage::now_ms;

/// Why a message is told to be dropped that nobody here has subscribed to.
pub(super) const NO_SUBSCRIBERS: &str = "no_subscribers";

/// What an event has besides what all records of the connection share.
#[derive(Default)]
struct About {
    topic: Bytes,
    qos: u8,
    reason: Bytes,
    /// For rules: see [`Record::event_fields`].
    fields: Bytes,
}

impl<B: Bus> Connection<B> {
    /// CONNECT was answered.
    pub(super) async fn connected(&mut self, greeting: Greeting) {
        for (kind, fields) in [
            (Kind::Connack, greeting.connack),
            (Kind::Connected, greeting.connected),
        ] {
            let about = About {
                fields,
                ..About::default()
            };
            self.event(kind, about).await;
        }
    }

    pub(super) async fn disconnected(&mut self, reason: &'static str) {
        let (local, farewell) = (self.local, self.farewell.take());
        let about = About {
            reason: Bytes::from_static(reason.as_bytes()),
            fields: self.for_rules(Kind::Disconnected, || {
                fields::disconnected(local, farewell.as_deref())
            }),
            ..About::default()
        };
        self.event(Kind::Disconnected, about).await;
    }

    pub(super) async fn subscribed(
        &mut self,
        request: &FilterRequest,
        code: ReasonCode,
        subscribe: &Subscribe,
    ) {
        let about = About {
            topic: Bytes::copy_from_slice(request.filter.as_bytes()),
            qos: code.0,
            fields: self.for_rules(Kind::Subscribed, || fields::subscribed(request, subscribe)),
            ..About::default()
        };
        self.event(Kind::Subscribed, about).await;
    }

    pub(super) async fn unsubscribed(&mut self, filter: Bytes, properties: &UserProperties) {
        let about = About {
            topic: filter,
            fields: self.for_rules(Kind::Unsubscribed, || fields::unsubscribed(properties)),
            ..About::default()
        };
        self.event(Kind::Unsubscribed, about).await;
    }

    /// The access rules were asked for a filter.
    pub(super) async fn subscribe_checked(&mut self, filter: &str, decision: Decision) {
        if !self.following.in_force.rules_want(Kind::AccessChecked) {
            return;
        }
        let about = About {
            topic: Bytes::copy_from_slice(filter.as_bytes()),
            fields: fields::access(Asked::Subscribe, decision),
            ..About::default()
        };
        self.event(Kind::AccessChecked, about).await;
    }

    /// The same for a publish. There is one for each message, so it has no span of its own.
    pub(super) fn publish_checked(&mut self, arrival: &Arrival) -> Option<Record> {
        let is_wanted = self.following.in_force.rules_want(Kind::AccessChecked);
        is_wanted.then(|| Record {
            kind: Kind::AccessChecked.into(),
            topic: arrival.publish.topic.as_bytes().clone(),
            received_at_ms: now_ms(),
            trace: arrival.trace.clone(),
            event_fields: fields::access(Asked::Publish, arrival.decision),
            ..self.shared()
        })
    }

    /// Messages that nobody has subscribed to, where a rule is to hear of them.
    pub(super) fn unrouted(&mut self, arrivals: &VecDeque<Arrival>) -> Vec<Record> {
        let arrivals = arrivals.iter().filter(|arrival| arrival.is_unrouted);
        let mut told = Vec::new();
        for Arrival { publish, trace, .. } in arrivals {
            self.fill_template(publish, trace);
            told.push(Record {
                kind: Kind::Unrouted.into(),
                reason: Bytes::from_static(NO_SUBSCRIBERS.as_bytes()),
                ..self.template.clone()
            });
            self.template.topic = Bytes::new();
            self.template.payload = Bytes::new();
        }
        told
    }

    /// Stores records as there is room for them, unless the connection has to end.
    pub(super) async fn tell(&mut self, records: Vec<Record>) -> Result<(), End> {
        for record in records {
            while self
                .intake
                .begin()
                .push(&record, &mut Entry::default())
                .is_err()
            {
                self.wait_for_room().await?;
            }
        }
        Ok(())
    }

    async fn event(&mut self, kind: Kind, about: About) {
        if !self.following.in_force.wants(kind, &about.topic) {
            return;
        }
        let class = &self.following.in_force.topics.client_event;
        let context = TraceContext::root(self.edge.sampling.sampled(class.always_traced));
        let entry = Entry {
            span: EdgeSpan::root(context, &class.shape, None),
            ..Entry::default()
        };
        let record = Record {
            kind: kind.into(),
            topic: about.topic,
            qos: about.qos.into(),
            reason: about.reason,
            event_fields: about.fields,
            received_at_ms: now_ms(),
            trace: self.cut_trace(context),
            ..self.shared()
        };
        self.intake.push(&record, entry).await;
    }

    /// A message was written to the client.
    pub(super) async fn delivered(&mut self, delivery: &Delivery) {
        self.about_message(Kind::Delivered, delivery, About::default())
            .await;
    }

    /// The client has acknowledged a message.
    pub(super) async fn has_got(
        &mut self,
        delivery: &Delivery,
        properties: Option<&AckProperties>,
    ) {
        let about = About {
            fields: self.for_rules(Kind::Acked, || fields::acked(properties)),
            ..About::default()
        };
        self.about_message(Kind::Acked, delivery, about).await;
    }

    /// A message for this client that it does not get.
    pub(super) async fn dropped(&mut self, delivery: &Delivery, reason: &'static str) {
        let about = About {
            reason: Bytes::from_static(reason.as_bytes()),
            ..About::default()
        };
        self.about_message(Kind::Dropped, delivery, about).await;
    }

    /// It stays in its own trace.
    async fn about_message(&mut self, kind: Kind, delivery: &Delivery, about: About) {
        let message = &delivery.message;
        let in_force = &self.following.in_force;
        if !in_force.wants(kind, &message.topic) {
            return;
        }
        let properties = message.properties.as_ref();
        let for_rules = properties.filter(|_| in_force.rules_want(kind));
        let user_properties = for_rules.map(|sent| recorded(&sent.user_properties).collect());
        let record = Record {
            kind: kind.into(),
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            qos: delivery.qos.into(),
            retain: delivery.retain,
            reason: about.reason,
            event_fields: about.fields,
            from_client_id: message.from_client_id.clone(),
            from_username: message.from_username.clone(),
            user_properties: user_properties.unwrap_or_default(),
            received_at_ms: now_ms(),
            trace: message.trace.clone(),
            ..self.shared()
        };
        self.intake.push(&record, Entry::default()).await;
    }

    /// Further fields, made only where a rule is about events of this kind.
    fn for_rules(&self, kind: Kind, fields: impl FnOnce() -> Bytes) -> Bytes {
        let is_wanted = self.following.in_force.rules_want(kind);
        is_wanted.then(fields).unwrap_or_default()
    }

    /// The fields that all records of the connection share, and none of its last message.
    pub(super) fn shared(&mut self) -> Record {
        let template = &mut self.template;
        template.user_properties.clear();
        template.publisher_trace = Bytes::new();
        (template.retain, template.dup) = (false, false);
        template.clone()
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

/// User properties as records have them.
pub(super) fn recorded(properties: &UserProperties) -> impl Iterator<Item = UserProperty> + '_ {
    properties.iter().map(|(name, value)| UserProperty {
        name: name.as_bytes().clone(),
        value: value.as_bytes().clone(),
    })
}
