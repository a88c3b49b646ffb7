//! What a client sends.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use record::{Kind, TraceContext, UserProperty};

use super::registry::now_ms;
use super::{End, SHUTDOWN, Session};
use crate::bus::{Bus, Message};
use crate::codec::{Encoder, Packet, ProtocolError, Publish, ReasonCode, Version};
use crate::uplink::{EdgeSpan, Entry, Full, Intake};

/// Where the publishes of one read ended.
enum Taken {
    /// Every whole packet is handled.
    All,
    /// The next packet is another one.
    Other(Packet),
    /// The lane has no room for this one yet.
    Waiting(Publish),
}

impl<B: Bus> Session<B> {
    /// Handles every whole packet of the input.
    pub(super) async fn handle_input(&mut self) -> Result<(), End> {
        let mut waiting = None;
        loop {
            match self.take_publishes(waiting.take())? {
                Taken::All => return Ok(()),
                Taken::Other(packet) => self.handle(packet).await?,
                Taken::Waiting(publish) => {
                    // Nothing is read meanwhile: the back-pressure reaches the device by TCP.
                    self.wait_for_room().await?;
                    waiting = Some(publish);
                }
            }
        }
    }

    async fn wait_for_room(&mut self) -> Result<(), End> {
        let stop = self.edge.stop.clone();
        tokio::select! {
            biased;
            // What is still unread must not come behind the newer session's messages.
            () = self.seat.taken_over() => {
                Err(End::new("takenover", Some(ReasonCode::SESSION_TAKEN_OVER)))
            }
            () = stop.cancelled() => {
                Err(End::new(SHUTDOWN, Some(ReasonCode::SERVER_SHUTTING_DOWN)))
            }
            () = self.intake.wait_for_room() => Ok(()),
        }
    }

    /// Takes publishes up to the first other packet, under one lock of the lane.
    fn take_publishes(&mut self, first: Option<Publish>) -> Result<Taken, End> {
        let intake = Arc::clone(&self.intake);
        let mut pushing = None;
        let mut next = first.map(Packet::Publish);
        loop {
            let packet = match next.take() {
                Some(packet) => packet,
                None => match self.decoder.decode(&mut self.input) {
                    Ok(Some(packet)) => packet,
                    Ok(None) => return Ok(Taken::All),
                    Err(error) => return Err(broken(&error)),
                },
            };
            let Packet::Publish(publish) = packet else {
                return Ok(Taken::Other(packet));
            };
            self.check(&publish)?;
            let pushing = pushing.get_or_insert_with(|| intake.begin());
            match self.push(pushing, &publish, &intake) {
                Ok(()) => {}
                Err(Full) => return Ok(Taken::Waiting(publish)),
            }
        }
    }

    /// What this server has said in CONNACK that it does not take.
    fn check(&self, publish: &Publish) -> Result<(), End> {
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
        if self.version == Version::V5 && self.outbox.unacknowledged() >= window && publish.qos > 0
        {
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
        pushing: &mut crate::uplink::Pushing<'_>,
        publish: &Publish,
        intake: &Intake,
    ) -> Result<(), Full> {
        let class = self.edge.topics.class_of(&publish.topic);
        let context = TraceContext::root(self.edge.sampling.sampled(class.always_traced));
        let trace = self.cut_trace(context);
        let link = self.fill_template(publish, &trace);
        let outbox = Arc::clone(&self.outbox);
        let entry = Entry {
            acknowledge: publish
                .packet_id
                .map(|id| (&outbox, id, self.reason_for(publish))),
            route: self.route(publish, &trace),
            span: context.sampled.then(|| EdgeSpan {
                context,
                link,
                started: SystemTime::now(),
                shape: class.shape,
            }),
        };
        let pushed = pushing.push(&self.template, entry);
        // The read buffer can only be used again when nothing looks into it any more.
        self.template.topic = Bytes::new();
        self.template.payload = Bytes::new();
        if pushed == Err(Full) && publish.qos == 0 && intake.is_stalled() {
            // QoS 0 promises nothing, and waiting for it would hold the rest up.
            self.edge.meters.qos0_dropped.add(1, &[]);
            return Ok(());
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

fn broken(error: &ProtocolError) -> End {
    End::with_text("protocol_error", error.reason(), error.to_string())
}
