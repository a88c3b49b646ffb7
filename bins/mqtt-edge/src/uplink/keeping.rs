//! What of a frame is kept besides the frame itself: messages for sessions that outlive their
//! connections, and retained ones. Both are safe before their publishers are acknowledged.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use futures::future::join_all;
use session::StoreError;
use tracing::warn;

use crate::bus::{Delivery, Message};
use crate::codec::{Answer, ReasonCode};
use crate::connection::Outbox;
use crate::meters::Meters;
use crate::sessions::{Addressed, DurableSession, Outage, Stores};

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
    deliveries: Vec<Delivery>,
    /// Publishers whose message is for this session alone.
    waiters: Vec<Waiter>,
    seq: Option<u64>,
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
                entry.deliveries.push(delivery);
                entry.waiters.extend(waiter.filter(|_| alone).cloned());
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
            if let Some(seq) = entry.seq {
                entry.session.mailbox.stored(seq, entry.deliveries);
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
            deliveries: Vec::new(),
            waiters: Vec::new(),
            seq: None,
        }
    }

    async fn store(&mut self, id: &str, stores: &Stores, meters: &Meters) {
        let mut outage = Outage::default();
        loop {
            match stores
                .queue
                .store(&self.session, id, &self.deliveries)
                .await
            {
                Ok(seq) => self.seq = Some(seq),
                Err(error @ StoreError::Unavailable { .. }) => {
                    outage.wait(&error).await;
                    continue;
                }
                Err(error) => self.refuse(&error, meters),
            }
            return;
        }
    }

    fn refuse(&self, error: &StoreError, meters: &Meters) {
        warn!(messages = self.deliveries.len(), "{error}");
        let refused = self.deliveries.len() as u64;
        meters.deliveries_dropped.add(["queue_full"], refused);
        for waiter in &self.waiters {
            waiter.tell(QUEUE_FULL);
        }
    }
}
