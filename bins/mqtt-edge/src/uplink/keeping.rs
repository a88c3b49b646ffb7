//! What of a frame is kept besides the frame itself: messages for sessions that outlive their
//! connections, and retained ones. Both are safe before their publishers are acknowledged.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use futures::future::join_all;
use tracing::warn;

use crate::bus::{Delivery, Message};
use crate::codec::{Answer, ReasonCode};
use crate::connection::Outbox;
use crate::meters::Meters;
use crate::sessions::{Addressed, DurableSession, Stores, into_entries};

/// What the publisher of a message is told when the only session that it was for has no room.
const QUEUE_FULL: Answer = Answer {
    reason: ReasonCode::QUOTA_EXCEEDED,
    text: "too many messages wait for this client; try again when it has taken some",
};

/// The same for a retained message.
const RETAINED_FULL: Answer = Answer {
    reason: ReasonCode::QUOTA_EXCEEDED,
    text: "too many topics have a retained message here",
};

/// What of a frame is kept besides.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    entries: Vec<SessionEntry>,
    /// By session: one entry of a queue for all of a frame.
    places: HashMap<usize, usize>,
    /// `QoS` 0 for sessions that outlive their connections: not stored for them.
    passing: Vec<Addressed>,
    /// By topic the last one counts.
    retained: Vec<(Arc<Message>, Option<Waiter>)>,
}

#[derive(Debug)]
struct SessionEntry {
    session: Arc<DurableSession>,
    /// With the publisher, when the message is for this session alone.
    messages: Vec<(Delivery, Option<Waiter>)>,
    /// What is stored, by the place in the queue.
    stored: Vec<(u64, Vec<Delivery>)>,
}

/// A publisher that waits for the frame.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) outbox: Arc<Outbox>,
    pub(super) packet_id: NonZeroU16,
}

impl Waiter {
    fn tell(&self, answer: Answer) {
        self.outbox.overrule(self.packet_id, answer);
    }
}

impl Keeping {
    pub(super) fn address(&mut self, addressed: Vec<Addressed>, waiter: Option<&Waiter>) {
        let alone = addressed.len() == 1;
        for addressed in addressed {
            if addressed.delivery.qos == 0 {
                self.passing.push(addressed);
                continue;
            }
            let Addressed { session, delivery } = addressed;
            let next = self.entries.len();
            let place = self.places.entry(Arc::as_ptr(&session).addr());
            let place = *place.or_insert(next);
            if place == next {
                self.entries.push(SessionEntry::new(session));
            }
            if let Some(entry) = self.entries.get_mut(place) {
                let waiter = waiter.filter(|_| alone).cloned();
                entry.messages.push((delivery, waiter));
            }
        }
    }

    pub(super) fn retain(&mut self, message: Arc<Message>, waiter: Option<&Waiter>) {
        self.retained
            .retain(|(earlier, _)| earlier.topic != message.topic);
        self.retained.push((message, waiter.cloned()));
    }

    /// Stores everything, however long it takes; what has no room is refused.
    pub(super) async fn store(&mut self, id: &str, stores: &Stores, meters: &Meters) {
        let entries = self.entries.iter_mut();
        let entries = join_all(entries.map(|entry| entry.store(id, stores, meters)));
        let retained = join_all(self.retained.iter().map(async |(message, waiter)| {
            if stores.retained.keep(message).await.is_err() {
                warn!(topic = message.topic(), "no room for a retained message");
                if let Some(waiter) = waiter {
                    waiter.tell(RETAINED_FULL);
                }
            }
        }));
        tokio::join!(entries, retained);
    }

    /// The frame is stored too: those who are connected get their messages.
    pub(super) fn release(&mut self) {
        for entry in self.entries.drain(..) {
            for (seq, deliveries) in entry.stored {
                entry.session.mailbox.stored(seq, deliveries);
            }
        }
        for Addressed { session, delivery } in self.passing.drain(..) {
            session.mailbox.passing(delivery);
        }
        self.places.clear();
        self.retained.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.retained.is_empty()
    }
}

impl SessionEntry {
    fn new(session: Arc<DurableSession>) -> Self {
        Self {
            session,
            messages: Vec::new(),
            stored: Vec::new(),
        }
    }

    async fn store(&mut self, id: &str, stores: &Stores, meters: &Meters) {
        let messages = std::mem::take(&mut self.messages);
        let entries = into_entries(messages, |(delivery, _)| delivery.message.weight());
        for (number, entry) in entries.into_iter().enumerate() {
            let (deliveries, waiters): (Vec<_>, Vec<_>) = entry.into_iter().unzip();
            let id = format!("{id}:{number}");
            match stores.queue.store(&self.session, &id, &deliveries).await {
                Ok(seq) => self.stored.push((seq, deliveries)),
                Err(error) => {
                    warn!(messages = deliveries.len(), "{error}");
                    meters
                        .deliveries_dropped
                        .add(["queue_full"], deliveries.len() as u64);
                    for waiter in waiters.into_iter().flatten() {
                        waiter.tell(QUEUE_FULL);
                    }
                }
            }
        }
    }
}
