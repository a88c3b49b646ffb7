//! What a client says of messages: those that it got, and its own of `QoS` 2.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::{Connection, End};
use crate::bus::{Bus, Delivery};
use crate::codec::{AckProperties, ReasonCode};
use crate::sessions::Origin;

impl<B: Bus> Connection<B> {
    /// PUBACK: the client has a message of `QoS` 1.
    pub(super) async fn acknowledged(
        &mut self,
        packet_id: NonZeroU16,
        properties: Option<Box<AckProperties>>,
    ) -> Result<(), End> {
        let Some((delivery, origin)) = self.session.window.acknowledged(packet_id) else {
            return Ok(());
        };
        if let Some(durable) = &mut self.session.durable {
            // For a PUBREC that refuses.
            durable.completed(packet_id);
        }
        self.acked(&delivery, origin, properties).await
    }

    /// PUBREC: the client has a message of `QoS` 2, or refuses it.
    pub(super) async fn received(
        &mut self,
        packet_id: NonZeroU16,
        reason: ReasonCode,
        properties: Option<Box<AckProperties>>,
    ) -> Result<(), End> {
        if reason.is_failure() {
            // The identifier is free (MQTT-4.3.3-4).
            return self.acknowledged(packet_id, properties).await;
        }
        let known = self.session.window.is_released(packet_id);
        let Some((delivery, origin)) = self.session.window.received(packet_id) else {
            self.send_release(packet_id, known);
            return Ok(());
        };
        if let (Origin::Stored(_), Some(durable)) = (&origin, &mut self.session.durable) {
            // Remembered before it is removed: it must never be sent again.
            durable.released(packet_id);
            self.save().await?;
        }
        self.acked(&delivery, origin, properties).await?;
        self.send_release(packet_id, true);
        Ok(())
    }

    /// PUBCOMP: the exchange is over.
    pub(super) fn completed(&mut self, packet_id: NonZeroU16) {
        self.session.window.completed(packet_id);
        if let Some(durable) = &mut self.session.durable {
            // Stored with the next change: until then the client would be asked once more.
            durable.completed(packet_id);
        }
    }

    /// 3.1.1 has no word for an identifier that nobody knows.
    fn send_release(&self, packet_id: NonZeroU16, known: bool) {
        let reason = if known {
            ReasonCode::SUCCESS
        } else {
            ReasonCode::PACKET_IDENTIFIER_NOT_FOUND
        };
        self.outbox
            .send(|encoder, out| encoder.encode_pubrel(packet_id, reason, out));
    }

    async fn acked(
        &mut self,
        delivery: &Delivery,
        origin: Origin,
        properties: Option<Box<AckProperties>>,
    ) -> Result<(), End> {
        self.has_got(delivery, properties.as_deref()).await;
        self.done(origin).await
    }

    /// The client needs a message no more: back to where it came from.
    pub(super) async fn done(&mut self, origin: Origin) -> Result<(), End> {
        match origin {
            Origin::Live(token) => self.delivering.done(token).await,
            Origin::Stored(place) => {
                let session = self.session.shared();
                if let Some(session) = session.filter(|session| session.mailbox.done(place)) {
                    let queue = &self.edge.stores.queue;
                    queue.forget(Arc::clone(session), place.seq).await;
                }
                Ok(())
            }
            Origin::Kept => Ok(()),
        }
    }

    /// `QoS` 2 messages of the client are stored or released: remembered, and only then answered.
    pub(super) async fn remember_received(&mut self) -> Result<(), End> {
        let (received, answers) = self.outbox.received();
        if let Some(durable) = &mut self.session.durable {
            durable.record.received = received.iter().map(|id| id.get()).collect();
            self.save().await?;
        }
        self.outbox.remembered(answers);
        Ok(())
    }
}
