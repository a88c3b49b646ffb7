//! What a client sends.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::join_all;
use record::{Kind, REFUSED, TraceContext, UserProperty, Verdict};
use telemetry::Failure;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Connection, End, SHUTDOWN, Seat};
use crate::bus::{Bus, Message};
use crate::codec::{Answer, Encoder, Packet, ProtocolError, Publish, ReasonCode, Version};
use crate::commands::Judgement;
use crate::uplink::{EdgeSpan, Entry, Full, Intake, Pushing};
use stage::now_ms;

/// How long a session that has to end finishes its claims.
const LAST_CLAIMS: Duration = Duration::from_secs(2);

/// A publish with all that can be found out about it outside the lane's lock.
struct Arrival {
    publish: Publish,
    /// What the client is told when it is stored.
    answer: Answer,
    verdict: Verdict,
    /// Why it is stored and not let through, if so.
    refusal: Option<Failure<'static>>,
    /// The message for local subscribers.
    route: Option<Message>,
    context: TraceContext,
    trace: Bytes,
    /// Which of the edge's span shapes.
    shape: usize,
}

impl Arrival {
    fn judged(&mut self, judgement: Judgement) {
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
    /// Handles every whole packet of the input.
    pub(super) async fn handle_input(&mut self) -> Result<(), End> {
        loop {
            let mut arrivals = VecDeque::new();
            let next = self.take_publishes(&mut arrivals);
            self.judge(&mut arrivals).await?;
            let answers = arrivals.iter().map(|arrival| arrival.answer.reason);
            self.edge.meters.published(answers);
            // What arrived before a broken packet counts.
            self.push_all(arrivals).await?;
            match next? {
                Some(packet) => self.handle(packet).await?,
                None => return Ok(()),
            }
        }
    }

    /// Takes publishes up to the first other packet, which it returns.
    fn take_publishes(&mut self, arrivals: &mut VecDeque<Arrival>) -> Result<Option<Packet>, End> {
        // Arrivals that will want a PUBACK: `QoS` 0 does not count towards the Receive Maximum.
        let mut expecting = 0;
        loop {
            let packet = self.decoder.decode(&mut self.input);
            let publish = match packet.map_err(|error| broken(&error))? {
                Some(Packet::Publish(publish)) => publish,
                other => return Ok(other),
            };
            self.check(&publish, expecting)?;
            expecting += usize::from(publish.qos > 0);
            arrivals.push_back(self.arrival(publish));
        }
    }

    fn arrival(&mut self, publish: Publish) -> Arrival {
        let class = self.edge.topics.class_of(&publish.topic);
        let (shape, sampled) = (class.shape, self.edge.sampling.sampled(class.always_traced));
        let context = TraceContext::root(sampled);
        let trace = self.cut_trace(context);
        Arrival {
            answer: self.reason_for(&publish).into(),
            verdict: Verdict::Unchecked,
            refusal: None,
            route: self.route(&publish, &trace),
            publish,
            context,
            trace,
            shape,
        }
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
            .filter(|arrival| commands.checks(&arrival.publish.topic))
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
            if self.push(&mut pushing, &mut arrival, &intake) == Err(Full) {
                arrivals.push_front(arrival);
                return;
            }
        }
    }

    async fn wait_for_room(&mut self) -> Result<(), End> {
        let (edge, intake) = (Arc::clone(&self.edge), Arc::clone(&self.intake));
        unless_it_ends(&self.seat, &edge.stop, intake.wait_for_room()).await
    }

    /// What this server has said in CONNACK that it does not take.
    fn check(&self, publish: &Publish, expecting: usize) -> Result<(), End> {
        if publish.qos > 1 {
            let text = "QoS 2 is not supported; publish at QoS 0 or 1";
            return Err(End::with_text(
                "protocol_error",
                ReasonCode::QOS_NOT_SUPPORTED,
                text,
            ));
        }
        if publish.retain && self.version == Version::V5 {
            let text = "retained messages are not supported";
            return Err(End::with_text(
                "protocol_error",
                ReasonCode::RETAIN_NOT_SUPPORTED,
                text,
            ));
        }
        let window = usize::from(self.edge.receive_maximum);
        let outstanding = || self.outbox.unacknowledged() + expecting;
        if self.version == Version::V5 && publish.qos > 0 && outstanding() >= window {
            let text = format!("more than {window} messages without PUBACK");
            return Err(End::with_text(
                "protocol_error",
                ReasonCode::RECEIVE_MAXIMUM_EXCEEDED,
                text,
            ));
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
            acknowledge: publish.packet_id.map(|id| (&outbox, id, arrival.answer)),
            route: arrival.route.take(),
            span: context.sampled.then(|| EdgeSpan {
                context: *context,
                link,
                started: SystemTime::now(),
                shape: arrival.shape,
                refusal: arrival.refusal,
            }),
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

    fn fill_template(&mut self, publish: &Publish, trace: &Bytes) -> Option<TraceContext> {
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
        for (name, value) in &properties.user_properties {
            let (name, value) = (name.as_bytes().clone(), value.as_bytes().clone());
            record.user_properties.push(UserProperty { name, value });
        }
        let sent = properties
            .user_properties
            .iter()
            .find(|(name, _)| name == "traceparent");
        let link = sent.and_then(|(_, value)| TraceContext::from_traceparent(value))?;
        record.publisher_trace = Bytes::copy_from_slice(&link.to_binary());
        Some(link)
    }

    /// An MQTT 5 client is told of a payload that breaks its contract; the message goes on and
    /// becomes a dead letter with its cause. 3.1.1 has no word for it, so it is not checked twice.
    fn reason_for(&self, publish: &Publish) -> ReasonCode {
        let broken = self.version == Version::V5
            && (!publish.payload_format_is_valid()
                || self
                    .edge
                    .contracts
                    .check(&publish.topic, &publish.payload)
                    .is_err());
        if broken {
            ReasonCode::PAYLOAD_FORMAT_INVALID
        } else {
            ReasonCode::SUCCESS
        }
    }

    /// The message for local subscribers, copied: the router keeps it, and must not keep our
    /// read buffer with it.
    fn route(&self, publish: &Publish, trace: &Bytes) -> Option<Message> {
        if !self.edge.bus.wants(&publish.topic) {
            return None;
        }
        Some(Message {
            topic: Bytes::copy_from_slice(publish.topic.as_bytes()),
            payload: Bytes::copy_from_slice(&publish.payload),
            qos: publish.qos,
            from_client_id: self.template.client_id.clone(),
            from_username: self.template.username.clone(),
            trace: trace.clone(),
            properties: publish.properties.clone(),
            ..Message::default()
        })
    }

    async fn handle(&mut self, packet: Packet) -> Result<(), End> {
        match packet {
            Packet::Publish(_) | Packet::Connect(_) => Ok(()),
            Packet::PubAck { packet_id, .. } => self.acknowledged(packet_id).await,
            Packet::Subscribe(subscribe) => self.subscribe(*subscribe).await,
            Packet::Unsubscribe(unsubscribe) => self.unsubscribe(*unsubscribe).await,
            Packet::PingRequest => {
                self.outbox.send(Encoder::encode_pingresp);
                Ok(())
            }
            Packet::Disconnect(disconnect) => {
                if disconnect.reason == ReasonCode::SUCCESS {
                    self.will = None;
                }
                Err(End::new("normal", None))
            }
            Packet::PubRec { .. } | Packet::PubRel { .. } | Packet::PubComp { .. } => {
                let text = "QoS 2 is not supported";
                Err(End::with_text(
                    "protocol_error",
                    ReasonCode::PROTOCOL_ERROR,
                    text,
                ))
            }
            Packet::Auth(_) => {
                let text = "enhanced authentication is not supported";
                Err(End::with_text(
                    "protocol_error",
                    ReasonCode::BAD_AUTHENTICATION_METHOD,
                    text,
                ))
            }
        }
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
        // What is still unread must not come behind the newer session's messages.
        () = seat.taken_over() => {
            Err(End::new("takenover", Some(ReasonCode::SESSION_TAKEN_OVER)))
        }
        () = stop.cancelled() => {
            Err(End::new(SHUTDOWN, Some(ReasonCode::SERVER_SHUTTING_DOWN)))
        }
        done = waited_for => Ok(done),
    }
}

fn broken(error: &ProtocolError) -> End {
    End::with_text("protocol_error", error.reason(), error.to_string())
}
