//! The queues of sessions in JetStream, for connections and lanes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use session::{Down, Entry, StoreError};
use stage::now_ms;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{error, warn};

use super::durable::DurableSession;
use super::mailbox::Next;
use super::outage::Outage;
use super::stored::{delivery, queued};
use super::window::Place;
use crate::bus::Delivery;

/// Entries read at a time.
const READ_ENTRIES: usize = 16;

/// Bytes of messages in one entry: small beside what nats-server takes in one message.
const ENTRY_BYTES: usize = 256 * 1024;

/// Messages in one entry.
const ENTRY_MESSAGES: usize = 256;

/// Entries that wait to be removed at most: then clients are not asked for more acknowledgements.
const REMOVALS_WAITING: usize = 4096;

/// Entries that are being removed at a time.
const REMOVALS: usize = 64;

/// The queues of all sessions.
#[derive(Debug)]
pub(crate) struct Queue {
    down: Down,
    to_remove: mpsc::Sender<(Arc<DurableSession>, u64)>,
    /// First part of the ids of what this edge adds by itself: unique for this start of it.
    id_prefix: String,
    added: AtomicU64,
}

/// What a connection gets from its session's queue.
#[derive(Debug)]
pub(crate) enum FromQueue {
    /// A message that a lane has handed over.
    Message(Option<Place>, Delivery),
    /// Messages that were read, some of which may be with the client.
    Entry(Vec<(Place, Delivery)>),
}

/// A read that has begun: what else the connection does must not begin it anew.
#[derive(Default)]
pub(crate) struct Reading(Option<BoxFuture<'static, Vec<Entry>>>);

impl Queue {
    /// Needs a runtime: what the clients have is removed by a task of its own.
    pub(crate) fn new(down: Down, node: &str) -> Self {
        let (to_remove, removals) = mpsc::channel(REMOVALS_WAITING);
        tokio::spawn(remove_all(down.clone(), removals));
        Self {
            down,
            to_remove,
            id_prefix: format!("{node}:{}", now_ms()),
            added: AtomicU64::new(0),
        }
    }

    /// Stores messages for a session, durably; waits while JetStream is away. The id makes a repeat
    /// harmless.
    pub(crate) async fn store(
        &self,
        session: &Arc<DurableSession>,
        id: &str,
        deliveries: &[Delivery],
    ) -> Result<u64, StoreError> {
        let client_id = session.client_id_text();
        let messages: Vec<_> = deliveries.iter().map(queued).collect();
        let mut outage = Outage::default();
        loop {
            match self.down.store(client_id, id, &messages).await {
                Err(error @ StoreError::Unavailable { .. }) => outage.wait(&error).await,
                Ok(seq) if session.has_ended() => {
                    // Nobody will come for it, or somebody who never asked for it.
                    self.forget(Arc::clone(session), seq).await;
                    return Ok(seq);
                }
                result => return result,
            }
        }
    }

    /// Adds messages that no publisher waits for. Those of `QoS` 0 only pass through. Returns how
    /// many a full queue had no room for.
    pub(crate) async fn add(&self, session: &Arc<DurableSession>, messages: Vec<Delivery>) -> u64 {
        let mut dropped = 0;
        let (stored, passing): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|delivery| delivery.qos > 0);
        for entry in into_entries(stored, |delivery| delivery.message.weight()) {
            let number = self.added.fetch_add(1, Ordering::Relaxed);
            let id = format!("{}:{number}", self.id_prefix);
            match self.store(session, &id, &entry).await {
                Ok(seq) => session.mailbox.stored(seq, entry),
                Err(error) => {
                    warn!(messages = entry.len(), "dropped: {error}");
                    dropped += entry.len() as u64;
                }
            }
        }
        for delivery in passing {
            session.mailbox.passing(delivery);
        }
        dropped
    }

    /// The next messages for a connection. Cancel-safe: a read that has begun goes on in `reading`.
    pub(crate) async fn next(
        &self,
        session: &Arc<DurableSession>,
        reading: &mut Reading,
    ) -> FromQueue {
        loop {
            let entries = match &mut reading.0 {
                Some(read) => read.await,
                none => {
                    match session.mailbox.next().await {
                        Next::Message(place, delivery) => {
                            return FromQueue::Message(place, delivery);
                        }
                        Next::Read(after) => {
                            *none = Some(Box::pin(read(
                                self.down.clone(),
                                Arc::clone(session),
                                after,
                            )));
                        }
                    }
                    continue;
                }
            };
            reading.0 = None;
            if entries.is_empty() {
                session.mailbox.read_to_the_end();
            } else {
                return FromQueue::Entry(unfinished(session, entries));
            }
        }
    }

    /// The client has everything of an entry.
    pub(crate) async fn forget(&self, session: Arc<DurableSession>, seq: u64) {
        // Its task lives as long as this.
        self.to_remove.send((session, seq)).await.ok();
    }

    /// Removes the whole queue of a client.
    pub(crate) async fn purge(&self, client_id: &str) {
        let mut outage = Outage::default();
        while let Err(error) = self.down.purge(client_id).await {
            outage.wait(&error).await;
        }
    }
}

/// Divides messages into entries of the queue, in their order. A message that is larger than an
/// entry should be has one of its own.
pub(crate) fn into_entries<T>(messages: Vec<T>, weight: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut entries: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let weight = weight(&message);
        match entries.last_mut() {
            Some(entry) if bytes + weight <= ENTRY_BYTES && entry.len() < ENTRY_MESSAGES => {
                bytes += weight;
                entry.push(message);
            }
            _ => {
                bytes = weight;
                entries.push(vec![message]);
            }
        }
    }
    entries
}

/// Messages of entries that were read, but for those that a lane has handed over or the client has.
fn unfinished(session: &DurableSession, entries: Vec<Entry>) -> Vec<(Place, Delivery)> {
    let mut unfinished = Vec::new();
    for Entry { seq, messages } in entries {
        match messages {
            Ok(messages) => {
                let mut left = session
                    .mailbox
                    .read(seq, messages.len())
                    .into_iter()
                    .peekable();
                for (index, message) in (0..).zip(messages) {
                    if left.next_if_eq(&index).is_some() {
                        unfinished.push((Place { seq, index }, delivery(message)));
                    }
                }
            }
            Err(error) => {
                let client_id = session.client_id_text();
                error!(client_id, seq, "an entry of the queue stays there: {error}");
                session.mailbox.read(seq, 0);
            }
        }
    }
    unfinished
}

/// Reads entries; waits while JetStream is away.
async fn read(down: Down, session: Arc<DurableSession>, after: u64) -> Vec<Entry> {
    let mut outage = Outage::default();
    loop {
        match down
            .read(session.client_id_text(), after, READ_ENTRIES)
            .await
        {
            Ok(entries) => return entries,
            Err(error) => outage.wait(&error).await,
        }
    }
}

/// Removes what the clients have, many at a time.
async fn remove_all(down: Down, mut removals: mpsc::Receiver<(Arc<DurableSession>, u64)>) {
    let mut under_way = JoinSet::new();
    while let Some((session, seq)) = removals.recv().await {
        under_way.spawn(remove(down.clone(), session, seq));
        while under_way.len() >= REMOVALS || under_way.try_join_next().is_some() {
            if under_way.len() >= REMOVALS {
                under_way.join_next().await;
            }
        }
    }
}

async fn remove(down: Down, session: Arc<DurableSession>, seq: u64) {
    let mut outage = Outage::default();
    while let Err(error) = down.forget(session.client_id_text(), &[seq]).await {
        outage.wait(&error).await;
    }
    session.mailbox.removed(seq);
}
