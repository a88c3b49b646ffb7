//! Messages for this client.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use bytes::Bytes;
use record::Kind;

use super::{Connection, End};
use crate::bus::{Bus, BusError, BusLink, ForwardToken, Forwarded, Message};
use crate::codec::{EncodeError, OutgoingPublish, ReasonCode};

/// Messages that wait for a client's PUBACK at most; the client's Receive Maximum may be lower.
const WINDOW: u16 = 100;

/// The client's link to the router, and what it has not acknowledged.
pub(super) struct Delivering<B: Bus> {
    bus: B,
    /// Made with the first subscription: most connections that only publish never need one.
    link: Option<B::Link>,
    filters: Vec<Box<str>>,
    in_flight: VecDeque<InFlight>,
    window: usize,
    next_id: NonZeroU16,
}

struct InFlight {
    packet_id: NonZeroU16,
    message: Message,
    qos: u8,
    token: ForwardToken,
}

impl<B: Bus> Delivering<B> {
    pub(super) fn new(bus: B, receive_maximum: NonZeroU16) -> Self {
        Self {
            bus,
            link: None,
            filters: Vec::new(),
            in_flight: VecDeque::new(),
            window: receive_maximum.get().min(WINDOW).into(),
            next_id: NonZeroU16::MIN,
        }
    }

    pub(super) async fn subscribe(
        &mut self,
        client_id: &Bytes,
        filter: &str,
        qos: u8,
    ) -> Result<(), BusError> {
        let link = match &mut self.link {
            Some(link) => link,
            none => {
                let client_id = String::from_utf8_lossy(client_id);
                none.insert(self.bus.connect(&client_id).await?)
            }
        };
        link.subscribe(filter, qos).await?;
        if !self.filters.iter().any(|known| **known == *filter) {
            self.filters.push(filter.into());
        }
        Ok(())
    }

    /// Whether there was such a subscription.
    pub(super) async fn unsubscribe(&mut self, filter: &str) -> Result<bool, BusError> {
        let Some(at) = self.filters.iter().position(|known| **known == *filter) else {
            return Ok(false);
        };
        self.filters.swap_remove(at);
        if let Some(link) = &mut self.link {
            link.unsubscribe(filter).await?;
        }
        Ok(true)
    }

    /// Whether the client may get another message.
    pub(super) fn has_room(&self) -> bool {
        self.link.is_some() && self.in_flight.len() < self.window
    }

    /// The next message for the client. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Forwarded, BusError> {
        match &mut self.link {
            Some(link) => link.next().await,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn close(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    async fn done(&mut self, token: ForwardToken) -> Result<(), End> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        link.done(token)
            .await
            .map_err(|error| router_failed(&error))
    }

    /// A packet id that no message in flight has.
    fn free_id(&mut self) -> NonZeroU16 {
        loop {
            let id = self.next_id;
            self.next_id = id.checked_add(1).unwrap_or(NonZeroU16::MIN);
            if self.in_flight.iter().all(|message| message.packet_id != id) {
                return id;
            }
        }
    }
}

impl<B: Bus> Connection<B> {
    /// Writes one message to the client; tells of those that it was too slow for.
    pub(super) async fn deliver(
        &mut self,
        forwarded: Result<Forwarded, BusError>,
    ) -> Result<(), End> {
        let Forwarded {
            message,
            qos,
            token,
        } = match forwarded {
            Ok(forwarded) => forwarded,
            Err(error @ BusError::Lagged { qos0, qos1 }) => {
                self.edge.meters.deliveries_dropped.add(qos0 + qos1, &[]);
                let client_id = self.template.client_id();
                tracing::warn!(client_id, "{error}");
                return match qos1 {
                    0 => Ok(()),
                    // What it was promised is missing: it must hear of that.
                    _ => Err(End::with_text(
                        "too_slow",
                        ReasonCode::QUOTA_EXCEEDED,
                        error.to_string(),
                    )),
                };
            }
            Err(error) => return Err(router_failed(&error)),
        };
        let packet_id = (qos > 0).then(|| self.delivering.free_id());
        let topic = std::str::from_utf8(&message.topic).unwrap_or_default();
        let publish = OutgoingPublish {
            qos,
            packet_id,
            properties: message.properties.as_deref(),
            ..OutgoingPublish::new(topic, &message.payload)
        };
        match self
            .outbox
            .send(|encoder, out| encoder.encode_publish(&publish, out))
        {
            Ok(()) => {}
            // MQTT-3.1.2-25: a message that the client has no room for counts as delivered.
            Err(EncodeError::TooLarge { .. }) => return self.drop_message(&message, token).await,
            Err(error) => {
                let text = error.to_string();
                return Err(End::with_text(
                    "protocol_error",
                    ReasonCode::UNSPECIFIED_ERROR,
                    text,
                ));
            }
        }
        self.message_event(Kind::Delivered, &message, qos).await;
        match packet_id {
            Some(packet_id) => {
                self.delivering.in_flight.push_back(InFlight {
                    packet_id,
                    message,
                    qos,
                    token,
                });
                Ok(())
            }
            None => self.delivering.done(token).await,
        }
    }

    /// The client has a message.
    pub(super) async fn acknowledged(&mut self, packet_id: NonZeroU16) -> Result<(), End> {
        let in_flight = &mut self.delivering.in_flight;
        let found = in_flight
            .iter()
            .position(|message| message.packet_id == packet_id);
        let Some(message) = found.and_then(|at| in_flight.remove(at)) else {
            return Ok(());
        };
        self.message_event(Kind::Acked, &message.message, message.qos)
            .await;
        self.delivering.done(message.token).await
    }

    async fn drop_message(&mut self, message: &Message, token: ForwardToken) -> Result<(), End> {
        self.edge.meters.deliveries_dropped.add(1, &[]);
        self.message_event(Kind::Dropped, message, message.qos)
            .await;
        self.delivering.done(token).await
    }
}

fn router_failed(error: &BusError) -> End {
    End::with_text(
        "router_failed",
        ReasonCode::SERVER_UNAVAILABLE,
        error.to_string(),
    )
}
