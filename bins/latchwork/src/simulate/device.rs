//! A client of the simulation, and the books it keeps.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::event::{MessageId, MessageKind, SimulationEvent};
use crate::mqtt_client::{
    IncomingPublish, Publish, ResumableClient, ResumableEvent, ResumableOptions,
};

/// Clients that want a connection and have none.
#[derive(Clone, Debug, Default)]
pub(super) struct Outage(Arc<AtomicUsize>);

impl Outage {
    /// True for the first one.
    fn begins_for_one(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// True for the last one.
    fn ends_for_one(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// What a device went through.
#[derive(Debug)]
pub(super) enum Step {
    /// One message less waits.
    HandedOver,
    Event(ResumableEvent),
}

/// What a device has to react to.
#[derive(Debug)]
pub(super) enum Happened {
    Connected,
    Received(IncomingPublish),
    /// The books are kept; nothing else to do.
    Nothing,
}

/// A client of the simulation.
#[derive(Debug)]
pub(super) struct Device {
    client: ResumableClient,
    client_events: mpsc::Receiver<ResumableEvent>,
    /// Published for the books, but the client's window has no room yet.
    outbox: VecDeque<(MessageId, Publish)>,
    books: Books,
}

impl Device {
    pub(super) fn start(
        options: ResumableOptions,
        events: mpsc::Sender<SimulationEvent>,
        outage: Outage,
    ) -> Self {
        let (client, client_events) = ResumableClient::start(options);
        let books = Books {
            events,
            unacknowledged: HashMap::new(),
            outage,
            down: false,
        };
        Self {
            client,
            client_events,
            outbox: VecDeque::new(),
            books,
        }
    }

    /// Nothing new should be published for now.
    pub(super) fn is_congested(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Enters the message in the books, and hands it over while [`next`](Self::next) is called.
    /// Its `process_id` must be unique for this device.
    pub(super) async fn publish(
        &mut self,
        id: MessageId,
        kind: MessageKind,
        due: Instant,
        publish: Publish,
    ) {
        self.books
            .unacknowledged
            .insert(id.process_id, (id, kind, due));
        self.tell(SimulationEvent::Published { id, kind, due })
            .await;
        self.outbox.push_back((id, publish));
    }

    /// Hands over the first message that waits, or waits for an event. Cancel-safe; what it gives
    /// must go to [`account`](Self::account). `None`: the client is gone.
    pub(super) async fn next(&mut self) -> Option<Step> {
        let Some((id, publish)) = self.outbox.front().cloned() else {
            return self.client_events.recv().await.map(Step::Event);
        };
        tokio::select! {
            sent = self.client.publish(id.process_id, publish) => {
                self.outbox.pop_front();
                sent.ok().map(|()| Step::HandedOver)
            }
            event = self.client_events.recv() => event.map(Step::Event),
        }
    }

    /// Keeps the books.
    pub(super) async fn account(&mut self, step: Step) -> Happened {
        match step {
            Step::HandedOver => Happened::Nothing,
            Step::Event(event) => self.books.account(event).await,
        }
    }

    /// Waits for the last PUBACKs; gives the number of messages that have none.
    pub(super) async fn finish(mut self, within: Duration) -> usize {
        let deadline = tokio::time::Instant::now() + within;
        while self.is_congested() {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(Some(step)) => drop(self.account(step).await),
                Ok(None) | Err(_) => break,
            }
        }
        let Self {
            client,
            mut client_events,
            mut books,
            ..
        } = self;
        let finished =
            client.finish(deadline.saturating_duration_since(tokio::time::Instant::now()));
        tokio::pin!(finished);
        loop {
            tokio::select! {
                _ = &mut finished => break,
                Some(event) = client_events.recv() => drop(books.account(event).await),
            }
        }
        while let Some(event) = client_events.recv().await {
            drop(books.account(event).await);
        }
        books.unacknowledged.len()
    }

    pub(super) async fn tell(&self, event: SimulationEvent) {
        self.books.tell(event).await;
    }
}

/// What is on its way, and what was told about it.
#[derive(Debug)]
struct Books {
    events: mpsc::Sender<SimulationEvent>,
    unacknowledged: HashMap<u64, (MessageId, MessageKind, Instant)>,
    outage: Outage,
    down: bool,
}

impl Books {
    async fn account(&mut self, event: ResumableEvent) -> Happened {
        match event {
            ResumableEvent::Connected => {
                if std::mem::replace(&mut self.down, false) && self.outage.ends_for_one() {
                    self.tell(SimulationEvent::Reachable).await;
                }
                Happened::Connected
            }
            ResumableEvent::Received(message) => Happened::Received(message),
            ResumableEvent::Unreachable(error) | ResumableEvent::Lost(error) => {
                if !std::mem::replace(&mut self.down, true) && self.outage.begins_for_one() {
                    let reason = error.to_string();
                    self.tell(SimulationEvent::Unreachable { reason }).await;
                }
                Happened::Nothing
            }
            ResumableEvent::Acknowledged { sequence, ack } => {
                if let Some((id, kind, due)) = self.unacknowledged.remove(&sequence) {
                    let (at, reason) = (Instant::now(), ack.reason);
                    self.tell(SimulationEvent::Acknowledged {
                        id,
                        kind,
                        due,
                        at,
                        reason,
                    })
                    .await;
                }
                Happened::Nothing
            }
        }
    }

    async fn tell(&self, event: SimulationEvent) {
        // Without somebody who listens, the simulation goes on.
        drop(self.events.send(event).await);
    }
}
