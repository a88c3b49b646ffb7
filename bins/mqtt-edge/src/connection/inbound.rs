//! What a client sends.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::join_all;
use record::{Kind, Record, TraceContext, Verdict};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::arrival::{Arrival, refusal};
use super::end::NORMAL;
use super::events::recorded;
use super::pace::Brought;
use super::unanswered::ExactlyOnce;
use super::{Connection, End};
use crate::bus::Bus;
use crate::codec::{Disconnect, Encoder, Packet, Publish, ReasonCode, Version};
use crate::sessions::Seat;
use crate::uplink::{Acknowledge, EdgeSpan, Entry, Full, Intake, Pushing};
use stage::now_ms;

/// How long a session that has to end finishes its claims.
const LAST_CLAIMS: Duration = Duration::from_secs(2);

impl<B: Bus> Connection<B> {
    /// Handles every whole packet of the input.
    pub(super) async fn handle_input(&mut self) -> Result<Brought, End> {
        let mut brought = Brought::default();
        loop {
            let (mut arrivals, mut checks) = (VecDeque::new(), Vec::new());
            let next = self.take_publishes(&mut arrivals, &mut checks);
            brought.add(&arrivals);
            self.tell(checks).await?;
            self.judge(&mut arrivals).await?;
            let answers = arrivals.iter().map(|arrival| arrival.answer.reason);
            self.edge.meters.published(answers);
            let unrouted = self.unrouted(&arrivals);
            // What arrived before a broken packet counts.
            self.push_all(arrivals).await?;
            self.tell(unrouted).await?;
            match next? {
                Some(packet) => {
                    brought.packets += 1;
                    self.handle(packet).await?;
                }
                None => return Ok(brought),
            }
        }
    }

    /// Takes publishes up to the first other packet, which it returns. `checks`: what the access
    /// rules were asked, as far as a rule is to hear of it.
    fn take_publishes(
        &mut self,
        arrivals: &mut VecDeque<Arrival>,
        checks: &mut Vec<Record>,
    ) -> Result<Option<Packet>, End> {
        // Arrivals that will want an answer: `QoS` 0 does not count towards the Receive Maximum.
        let mut expecting = 0;
        loop {
            let packet = self.decoder.decode(&mut self.input);
            let mut publish = match packet.map_err(|error| End::from(&error))? {
                Some(Packet::Publish(publish)) => publish,
                other => return Ok(other),
            };
            self.aliases.resolve(&mut publish)?;
            if self.is_repetition(&publish) {
                continue;
            }
            self.check(&publish, expecting)?;
            expecting += usize::from(publish.qos > 0);
            let arrival = self.arrival(publish);
            checks.extend(self.publish_checked(&arrival));
            if !arrival.is_admitted() {
                self.refuse(&arrival)?;
            }
            arrivals.push_back(arrival);
        }
    }

    /// Whether it is a `QoS` 2 message that is stored, or about to be.
    fn is_repetition(&self, publish: &Publish) -> bool {
        let Some(packet_id) = publish.packet_id.filter(|_| publish.qos == 2) else {
            return false;
        };
        match self.outbox.begin_exactly_once(packet_id) {
            ExactlyOnce::New => false,
            ExactlyOnce::UnderWay => true,
            ExactlyOnce::Known => {
                self.outbox.send(|encoder, out| {
                    encoder.encode_pubrec(packet_id, ReasonCode::SUCCESS, out);
                });
                true
            }
        }
    }

    /// What this client may not publish. 3.1.1 has no word for it: an acknowledgement would say
    /// that the message is safe, so the connection ends (MQTT 3.1.1, MQTT-3.3.5-2).
    fn refuse(&self, arrival: &Arrival) -> Result<(), End> {
        let topic = &arrival.publish.topic;
        debug!(client_id = self.template.client_id(), %topic, "may not publish");
        if self.version == Version::V311 && arrival.publish.qos > 0 {
            return Err(End::new("not_authorized", None));
        }
        Ok(())
    }

    /// Checks the commands among the arrivals, all at once. Each claims its nonce, which takes a
    /// round trip to NATS.
    async fn judge(&mut self, arrivals: &mut VecDeque<Arrival>) -> Result<(), End> {
        let edge = Arc::clone(&self.edge);
        let Some(commands) = &edge.commands else {
            return Ok(());
        };
        let mut checked: Vec<_> = arrivals
            .iter_mut()
            .filter(|arrival| arrival.is_admitted() && commands.checks(&arrival.publish.topic))
            .collect();
        if checked.is_empty() {
            return Ok(());
        }
        // Before a nonce is claimed: a command that is then not stored would be refused when it
        // comes again.
        self.wait_for_room().await?;
        let checks = checked.iter_mut().map(async |arrival| {
            let Publish { topic, payload, .. } = &arrival.publish;
            let judgement = commands.judge(topic, payload).await;
            arrival.judged(judgement);
        });
        let mut checks = pin!(join_all(checks));
        match unless_it_ends(&self.seat, &edge.stop, checks.as_mut()).await {
            Ok(_) => Ok(()),
            // What has begun is finished and stored, unless NATS is away.
            Err(end) => match timeout(LAST_CLAIMS, checks).await {
                Ok(_) => Ok(()),
                Err(_elapsed) => Err(end),
            },
        }
    }

    /// Pushes in order, waiting for room. Nothing is read meanwhile: the back-pressure reaches the
    /// device by TCP.
    async fn push_all(&mut self, mut arrivals: VecDeque<Arrival>) -> Result<(), End> {
        loop {
            self.push_what_fits(&mut arrivals);
            if arrivals.is_empty() {
                return Ok(());
            }
            self.wait_for_room().await?;
        }
    }

    /// Takes the lane's lock once for all.
    fn push_what_fits(&mut self, arrivals: &mut VecDeque<Arrival>) {
        if arrivals.is_empty() {
            return;
        }
        let intake = Arc::clone(&self.intake);
        let mut pushing = intake.begin();
        while let Some(mut arrival) = arrivals.pop_front() {
            if !arrival.is_admitted() {
                self.answer(&arrival);
            } else if self.push(&mut pushing, &mut arrival, &intake) == Err(Full) {
                arrivals.push_front(arrival);
                return;
            }
        }
    }

    pub(super) async fn wait_for_room(&mut self) -> Result<(), End> {
        let (edge, intake) = (Arc::clone(&self.edge), Arc::clone(&self.intake));
        unless_it_ends(&self.seat, &edge.stop, intake.wait_for_room()).await
    }

    fn answer(&self, arrival: &Arrival) {
        let Publish { packet_id, qos, .. } = arrival.publish;
        if let Some(packet_id) = packet_id {
            self.outbox.refuse(packet_id, arrival.answer, qos == 2);
        }
    }

    /// What this server has said in CONNACK that it does not take.
    fn check(&self, publish: &Publish, expecting: usize) -> Result<(), End> {
        let window = usize::from(self.edge.receive_maximum);
        let outstanding = || self.outbox.outstanding() + expecting;
        // 3.1.1 knows no such number, but what a client does not release is memory all the same.
        let is_bounded = publish.qos == 2 || publish.qos == 1 && self.version == Version::V5;
        if is_bounded && outstanding() >= window {
            let text = format!("more than {window} messages without PUBACK or PUBCOMP");
            return Err(End::protocol(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED, text));
        }
        Ok(())
    }

    /// Writes one message into the lane's frame.
    fn push(
        &mut self,
        pushing: &mut Pushing<'_>,
        arrival: &mut Arrival,
        intake: &Intake,
    ) -> Result<(), Full> {
        let Arrival {
            publish, context, ..
        } = arrival;
        let link = self.fill_template(publish, &arrival.trace);
        self.template.verdict = arrival.verdict.into();
        self.template.reason = refusal(arrival.refusal.is_some());
        let outbox = Arc::clone(&self.outbox);
        let mut entry = Entry {
            acknowledge: publish.packet_id.map(|packet_id| Acknowledge {
                outbox: &outbox,
                packet_id,
                answer: arrival.answer,
                exactly_once: publish.qos == 2,
            }),
            route: arrival.route.take(),
            span: arrival.shape.as_ref().map(|shape| EdgeSpan {
                context: *context,
                link,
                started: SystemTime::now(),
                shape: Arc::clone(shape),
                refusal: arrival.refusal,
            }),
            stored: None,
        };
        let pushed = pushing.push(&self.template, &mut entry);
        // The read buffer can only be used again when nothing looks into it any more.
        self.template.topic = Bytes::new();
        self.template.payload = Bytes::new();
        self.template.verdict = Verdict::Unchecked.into();
        self.template.reason = Bytes::new();
        if pushed == Err(Full) {
            if publish.qos == 0 && intake.is_stalled() {
                // QoS 0 promises nothing, and waiting for it would hold the rest up.
                self.edge.meters.qos0_dropped.add(1, &[]);
                return Ok(());
            }
            arrival.route = entry.route;
        }
        pushed
    }

    pub(super) fn fill_template(
        &mut self,
        publish: &Publish,
        trace: &Bytes,
    ) -> Option<TraceContext> {
        let record = &mut self.template;
        record.kind = Kind::Publish.into();
        record.topic = publish.topic.as_bytes().clone();
        record.payload = publish.payload.clone();
        record.qos = publish.qos.into();
        record.retain = publish.retain;
        record.dup = publish.dup;
        record.received_at_ms = now_ms();
        record.trace = trace.clone();
        record.user_properties.clear();
        record.publisher_trace = Bytes::new();
        let properties = publish.properties.as_ref()?;
        let user_properties = recorded(&properties.user_properties);
        record.user_properties.extend(user_properties);
        let sent = properties
            .user_properties
            .iter()
            .find(|(name, _)| name == "traceparent");
        let link = sent.and_then(|(_, value)| TraceContext::from_traceparent(value))?;
        record.publisher_trace = Bytes::copy_from_slice(&link.to_binary());
        Some(link)
    }

    async fn handle(&mut self, packet: Packet) -> Result<(), End> {
        match packet {
            Packet::Publish(_) | Packet::Connect(_) => Ok(()),
            Packet::PubAck {
                packet_id,
                properties,
                ..
            } => self.acknowledged(packet_id, properties).await,
            Packet::PubRec {
                packet_id,
                reason,
                properties,
            } => self.received(packet_id, reason, properties).await,
            Packet::PubRel { packet_id, .. } => {
                self.outbox.release(packet_id);
                Ok(())
            }
            Packet::PubComp { packet_id, .. } => {
                self.completed(packet_id);
                Ok(())
            }
            Packet::Subscribe(subscribe) => Box::pin(self.subscribe(*subscribe)).await,
            Packet::Unsubscribe(unsubscribe) => Box::pin(self.unsubscribe(*unsubscribe)).await,
            Packet::PingRequest => {
                self.outbox.send(Encoder::encode_pingresp);
                Ok(())
            }
            Packet::Disconnect(disconnect) => Err(self.goodbye(disconnect)),
            Packet::Auth(_) => {
                let text = "enhanced authentication is not supported";
                Err(End::protocol(ReasonCode::BAD_AUTHENTICATION_METHOD, text))
            }
        }
    }

    /// DISCONNECT: success drops the will (MQTT-3.14.4-3), and the session may get another life.
    fn goodbye(&mut self, disconnect: Disconnect) -> End {
        if disconnect.reason == ReasonCode::SUCCESS {
            self.will = None;
        }
        if let Some(secs) = disconnect.session_expiry_secs {
            self.session_expiry_secs = self.edge.session_expiry(secs);
        }
        self.farewell = Some(Box::new(disconnect));
        End::new(NORMAL, None)
    }
}

impl Brought {
    fn add(&mut self, arrivals: &VecDeque<Arrival>) {
        self.packets += arrivals.len();
        self.messages += arrivals.len();
        let payloads = arrivals.iter().map(|arrival| arrival.publish.payload.len());
        self.bytes += payloads.sum::<usize>();
    }
}

/// Waits for something, unless the session has to end before.
async fn unless_it_ends<T>(
    seat: &Seat,
    stop: &CancellationToken,
    waited_for: impl Future<Output = T>,
) -> Result<T, End> {
    tokio::select! {
        biased;
        // What needs no wait is done: the newer session begins when this one has ended.
        done = waited_for => Ok(done),
        () = seat.taken_over() => {
            Err(End::taken_over())
        }
        () = stop.cancelled() => {
            Err(End::shutdown())
        }
    }
}
