//! Messages for this client.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use bytes::Bytes;
use stage::now_ms;

use super::{Connection, End};
use crate::bus::{Bus, BusError, BusLink, Delivery, ForwardToken, Forwarded, SubscriptionOptions};
use crate::codec::{EncodeError, OutgoingPublish, ReasonCode};
use crate::sessions::{FromQueue, Origin, Phase, Place, Queue, Reading, SessionState};

/// Messages that wait for a client's acknowledgement at most; the client's Receive Maximum may be
/// lower.
const WINDOW: u16 = 100;

/// Retained messages that may wait for a client when it asks for more of them.
const RETAINED_WAITING: usize = 10_000;

/// Where messages for the client come from.
pub(super) struct Delivering<B: Bus> {
    bus: B,
    /// Made with the first subscription that needs it: most connections that only publish, and
    /// sessions that outlive theirs, never do.
    link: Option<B::Link>,
    /// Read from the session's queue, or retained: next in line.
    ready: VecDeque<(Option<Place>, Delivery)>,
    reading: Reading,
    window: usize,
}

/// What there is to send.
pub(super) enum Outgoing {
    /// What an earlier connection has sent, and the client did not answer.
    Again,
    /// Of the session's queue or retained.
    Ready(Option<Place>, Delivery),
    /// Passing through.
    Live(Result<Forwarded, BusError>),
    /// An entry of the session's queue.
    Entry(Vec<(Place, Delivery)>),
}

impl From<FromQueue> for Outgoing {
    fn from(next: FromQueue) -> Self {
        match next {
            FromQueue::Message(place, delivery) => Self::Ready(place, delivery),
            FromQueue::Entry(messages) => Self::Entry(messages),
        }
    }
}

impl<B: Bus> Delivering<B> {
    pub(super) fn new(bus: B, receive_maximum: NonZeroU16) -> Self {
        Self {
            bus,
            link: None,
            ready: VecDeque::new(),
            reading: Reading::default(),
            window: receive_maximum.get().min(WINDOW).into(),
        }
    }

    /// Subscribes on the bus.
    pub(super) async fn subscribe(
        &mut self,
        client_id: &Bytes,
        filter: &str,
        options: SubscriptionOptions,
    ) -> Result<(), BusError> {
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(self.bus.connect(client_id).await?),
        };
        link.subscribe(filter, options).await
    }

    /// Takes a subscription on the bus back.
    pub(super) async fn unsubscribe(&mut self, filter: &str) -> Result<(), BusError> {
        match &mut self.link {
            Some(link) => link.unsubscribe(filter).await,
            None => Ok(()),
        }
    }

    /// Retained messages come before what is published from now on. A client that asks for more
    /// while thousands wait has to go: they are memory.
    pub(super) fn send_retained(&mut self, deliveries: Vec<Delivery>) -> Result<(), End> {
        if self.ready.len() > RETAINED_WAITING {
            let text = "asked for retained messages faster than it takes them";
            return Err(End::with_text("too_slow", ReasonCode::QUOTA_EXCEEDED, text));
        }
        let deliveries = deliveries.into_iter();
        self.ready
            .extend(deliveries.map(|delivery| (None, delivery)));
        Ok(())
    }

    /// Whether the client may get another message.
    pub(super) fn has_room(&self, session: &SessionState) -> bool {
        session.window.sent() < self.window
    }

    /// The next thing to send. Cancel-safe.
    pub(super) async fn next(&mut self, session: &SessionState, queue: &Queue) -> Outgoing {
        if session.window.sent() < session.window.len() {
            return Outgoing::Again;
        }
        if let Some((place, delivery)) = self.ready.pop_front() {
            return Outgoing::Ready(place, delivery);
        }
        let live = async {
            match &mut self.link {
                Some(link) => link.next().await,
                None => std::future::pending().await,
            }
        };
        let stored = async {
            match session.shared() {
                Some(session) => queue.next(session, &mut self.reading).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            live = live => Outgoing::Live(live),
            next = stored => next.into(),
        }
    }

    pub(super) async fn close(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    pub(super) async fn done(&mut self, token: ForwardToken) -> Result<(), End> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        link.done(token)
            .await
            .map_err(|error| End::router_failed(&error))
    }
}

impl<B: Bus> Connection<B> {
    /// Sends the next thing.
    pub(super) async fn send(&mut self, outgoing: Outgoing) -> Result<(), End> {
        match outgoing {
            Outgoing::Again => self.send_again().await,
            Outgoing::Ready(place, delivery) => {
                let origin = place.map_or(Origin::Kept, Origin::Stored);
                self.deliver(delivery, origin).await
            }
            Outgoing::Live(Ok(Forwarded { delivery, token })) => {
                self.deliver(delivery, Origin::Live(token)).await
            }
            Outgoing::Live(Err(error)) => self.bus_failed(&error),
            Outgoing::Entry(messages) => {
                // After a resume some of them are with the client already.
                let window = &self.session.window;
                let new = messages
                    .into_iter()
                    .filter(|(place, _)| !window.has(*place));
                let new = new.map(|(place, delivery)| (Some(place), delivery));
                self.delivering.ready.extend(new);
                Ok(())
            }
        }
    }

    /// What the client has not answered to an earlier connection of its session (MQTT-4.4.0-1).
    async fn send_again(&mut self) -> Result<(), End> {
        let Some(in_flight) = self.session.window.next_unsent() else {
            return Ok(());
        };
        in_flight.sent = true;
        let packet_id = in_flight.packet_id;
        match &in_flight.phase {
            Phase::Publish(delivery) => {
                let delivery = delivery.clone();
                let Err(error) = self.write(&delivery, Some(packet_id), true) else {
                    return Ok(());
                };
                let origin = self.session.window.acknowledged(packet_id);
                self.completed(packet_id);
                let origin = origin.map_or(Origin::Kept, |(_, origin)| origin);
                self.not_written(error, &delivery, origin).await
            }
            Phase::Release => {
                let reason = ReasonCode::SUCCESS;
                self.outbox
                    .send(|encoder, out| encoder.encode_pubrel(packet_id, reason, out));
                Ok(())
            }
        }
    }

    /// Writes one message to the client.
    async fn deliver(&mut self, delivery: Delivery, origin: Origin) -> Result<(), End> {
        if delivery.message.is_expired(now_ms()) {
            return self.drop_message(&delivery, origin, "expired").await;
        }
        if !self.may_get(delivery.message.topic()) {
            return self.drop_message(&delivery, origin, "not_allowed").await;
        }
        if delivery.qos == 0 {
            return match self.write(&delivery, None, false) {
                Ok(()) => {
                    self.delivered(&delivery).await;
                    self.done(origin).await
                }
                Err(error) => self.not_written(error, &delivery, origin).await,
            };
        }
        let Some((packet_id, dup)) = self.identify(&delivery, &origin).await? else {
            return self.done(origin).await;
        };
        match self.write(&delivery, Some(packet_id), dup) {
            Ok(()) => {
                self.delivered(&delivery).await;
                self.session.window.sent_as(packet_id, delivery, origin);
                Ok(())
            }
            Err(error) => {
                self.completed(packet_id);
                self.not_written(error, &delivery, origin).await
            }
        }
    }

    /// The packet identifier of a message, and whether it was sent under it before. `None`: the
    /// client has the message.
    ///
    /// A `QoS` 2 message of a session that outlives this edge keeps its identifier: the client
    /// knows by it what it has (MQTT-4.3.3-2).
    async fn identify(
        &mut self,
        delivery: &Delivery,
        origin: &Origin,
    ) -> Result<Option<(NonZeroU16, bool)>, End> {
        let fresh = self.session.window.free_id();
        let (Some(durable), Origin::Stored(place), 2) =
            (&mut self.session.durable, origin, delivery.qos)
        else {
            return Ok(Some((fresh, false)));
        };
        match durable.sent_as(*place) {
            Some((_, true)) => return Ok(None),
            Some((Some(packet_id), false)) => return Ok(Some((packet_id, true))),
            Some((None, false)) | None => durable.sending(fresh, *place),
        }
        self.save().await?;
        Ok(Some((fresh, false)))
    }

    fn write(
        &mut self,
        delivery: &Delivery,
        packet_id: Option<NonZeroU16>,
        dup: bool,
    ) -> Result<(), EncodeError> {
        let message = &*delivery.message;
        let written = self.aliases.write(message.topic());
        let publish = OutgoingPublish {
            dup,
            qos: delivery.qos,
            retain: delivery.retain,
            packet_id,
            properties: message.properties.as_deref(),
            message_expiry_secs: message.expiry_left_secs(now_ms()),
            topic_alias: written.alias,
            subscription_ids: &delivery.subscription_ids,
            ..OutgoingPublish::new(written.topic, &message.payload)
        };
        let encoded = self
            .outbox
            .send(|encoder, out| encoder.encode_publish(&publish, out));
        if encoded.is_err() && written.is_new() {
            self.aliases.take_back(message.topic());
        }
        encoded
    }

    async fn not_written(
        &mut self,
        error: EncodeError,
        delivery: &Delivery,
        origin: Origin,
    ) -> Result<(), End> {
        match error {
            // MQTT-3.1.2-25: a message that the client has no room for counts as delivered.
            EncodeError::TooLarge { .. } => self.drop_message(delivery, origin, "too_large").await,
            error => Err(unsendable(error)),
        }
    }

    async fn drop_message(
        &mut self,
        delivery: &Delivery,
        origin: Origin,
        reason: &'static str,
    ) -> Result<(), End> {
        self.edge.meters.deliveries_dropped.add([reason], 1);
        self.dropped(delivery, reason).await;
        self.done(origin).await
    }

    fn bus_failed(&self, error: &BusError) -> Result<(), End> {
        let BusError::Lagged { qos0, qos1 } = error else {
            return Err(End::router_failed(error));
        };
        let dropped = &self.edge.meters.deliveries_dropped;
        dropped.add(["too_slow"], qos0 + qos1);
        let client_id = self.template.client_id();
        tracing::warn!(client_id, "{error}");
        match qos1 {
            0 => Ok(()),
            // What it was promised is missing: it must hear of that.
            _ => Err(End::with_text(
                "too_slow",
                ReasonCode::QUOTA_EXCEEDED,
                error.to_string(),
            )),
        }
    }
}

fn unsendable(error: EncodeError) -> End {
    End::protocol(ReasonCode::UNSPECIFIED_ERROR, error.to_string())
}
