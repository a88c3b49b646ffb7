//! The thread between the edge and the router.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_utils::sync::ShardedLock;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::error::BusError;
use super::index::TopicIndex;
use super::message::Message;
use super::selector::Selector;
use super::subscriptions::{LinkId, Subscriber, Subscriptions};
use super::trunk::{Lookups, RouterDead, SEGMENT_BYTES, Ticket, Trunk, counted_bytes};

/// Orders taken at a time, and as many may wait.
pub(super) const MAX_ORDERS: usize = 256;

/// What the dispatcher is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    Publish(Arc<Message>),
    Subscribe {
        selector: Selector,
        subscriber: Subscriber,
        reply: oneshot::Sender<Result<(), BusError>>,
    },
    Unsubscribe {
        selector: Selector,
        link: LinkId,
        reply: oneshot::Sender<()>,
    },
    /// Look at [`Shared::closed`].
    Close(Option<oneshot::Sender<()>>),
}

/// What the dispatcher and all links share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Every publish asks, on every thread: a lock that readers on different threads do not share.
    pub(super) index: ShardedLock<TopicIndex>,
    /// Closed links that still have subscriptions. A list, as closing must not wait for room among
    /// the orders.
    pub(super) closed: Mutex<Vec<LinkId>>,
    pub(super) next_link: AtomicU64,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            index: ShardedLock::new(TopicIndex::default()),
            closed: Mutex::default(),
            next_link: AtomicU64::new(0),
        }
    }

    pub(super) fn wants(&self, topic: &str) -> bool {
        match self.index.read() {
            Ok(index) => index.wants(topic),
            Err(poisoned) => poisoned.into_inner().wants(topic),
        }
    }
}

/// Carries orders out, one after another, so that index, subscriptions and router always agree.
pub(super) struct Dispatcher {
    orders: mpsc::Receiver<Order>,
    shared: Arc<Shared>,
    trunk: Trunk,
    subscriptions: Subscriptions,
    batch: Batch,
    /// Its end is the bus's.
    _alive: oneshot::Sender<()>,
}

impl Dispatcher {
    pub(super) fn new(
        orders: mpsc::Receiver<Order>,
        shared: Arc<Shared>,
        trunk: Trunk,
        alive: oneshot::Sender<()>,
    ) -> Self {
        Self {
            orders,
            shared,
            trunk,
            subscriptions: Subscriptions::default(),
            batch: Batch::default(),
            _alive: alive,
        }
    }

    /// Runs until the bus and all links are dropped, or until the router dies.
    pub(super) fn run(mut self) {
        let mut orders = Vec::with_capacity(MAX_ORDERS);
        while self.orders.blocking_recv_many(&mut orders, MAX_ORDERS) > 0 {
            if let Err(RouterDead) = self.carry_out(&mut orders) {
                return;
            }
        }
    }

    fn carry_out(&mut self, orders: &mut Vec<Order>) -> Result<(), RouterDead> {
        for order in orders.drain(..) {
            if let Order::Publish(message) = order {
                self.batch.push(message);
                if self.batch.is_full() {
                    self.route()?;
                }
                continue;
            }
            // Orders take effect in their order.
            self.route()?;
            self.change(order)?;
        }
        self.route()?;
        self.remove_closed()
    }

    fn change(&mut self, order: Order) -> Result<(), RouterDead> {
        match order {
            Order::Publish(_) => {}
            Order::Subscribe { selector, subscriber, reply } => {
                let result = self.subscribe(&selector, subscriber)?;
                // Who does not wait for the answer is closing.
                reply.send(result).ok();
            }
            Order::Unsubscribe { selector, link, reply } => {
                if let Some(filter) = self.subscriptions.remove(link, &selector) {
                    self.forget(&filter)?;
                }
                reply.send(()).ok();
            }
            Order::Close(reply) => {
                self.remove_closed()?;
                reply.map(|reply| reply.send(()));
            }
        }
        Ok(())
    }

    fn subscribe(
        &mut self,
        selector: &Selector,
        subscriber: Subscriber,
    ) -> Result<Result<(), BusError>, RouterDead> {
        // Closed while it asked: it may be past the list of closed links already.
        if subscriber.queue.is_closed() {
            return Ok(Ok(()));
        }
        let number = match self.subscriptions.number_of(&selector.filter) {
            Ok(number) => number,
            Err(error) => return Ok(Err(error)),
        };
        if self.subscriptions.is_idle(number) {
            self.trunk.subscribe(&selector.filter, number)?;
            self.change_index(|index| index.insert(&selector.filter));
        }
        self.subscriptions.add(number, selector.share.as_deref(), subscriber);
        Ok(Ok(()))
    }

    fn remove_closed(&mut self) -> Result<(), RouterDead> {
        let closed = std::mem::take(&mut *self.shared.closed.lock());
        for link in closed {
            for filter in self.subscriptions.remove_link(link) {
                self.forget(&filter)?;
            }
        }
        Ok(())
    }

    /// Nobody subscribes to a filter any more.
    fn forget(&mut self, filter: &str) -> Result<(), RouterDead> {
        self.change_index(|index| index.remove(filter));
        self.trunk.unsubscribe(filter)
    }

    /// Delivers the batch.
    fn route(&mut self) -> Result<(), RouterDead> {
        let Self { batch, trunk, subscriptions, shared, .. } = self;
        match shared.index.read() {
            Ok(index) => batch.prepare(&index),
            Err(poisoned) => batch.prepare(poisoned.get_ref()),
        }
        let Batch { messages, lookups, .. } = batch;
        trunk.look_up(lookups, |ticket, filter| {
            if let Some(message) = messages.get(usize::from(ticket)) {
                subscriptions.deliver(filter, message);
            }
        })?;
        batch.clear();
        Ok(())
    }

    fn change_index(&self, change: impl FnOnce(&mut TopicIndex)) {
        match self.shared.index.write() {
            Ok(mut index) => change(&mut index),
            Err(poisoned) => change(&mut poisoned.into_inner()),
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.subscriptions.fail();
    }
}

/// Messages that are routed together.
#[derive(Debug, Default)]
struct Batch {
    messages: Vec<Arc<Message>>,
    /// What they count in a log of the router that gets all of them.
    bytes: usize,
    lookups: Lookups,
}

impl Batch {
    fn push(&mut self, message: Arc<Message>) {
        self.bytes += counted_bytes(&message.topic);
        self.messages.push(message);
    }

    /// Without its last message a batch never fills a segment. So even a log that gets all of it
    /// begins two segments at most, and none that is unread is dropped.
    fn is_full(&self) -> bool {
        self.bytes >= SEGMENT_BYTES || self.messages.len() > usize::from(Ticket::MAX)
    }

    /// Only what somebody wants goes to the router: it searches all filters for any other topic,
    /// each time anew.
    fn prepare(&mut self, index: &TopicIndex) {
        for (ticket, message) in (0..=Ticket::MAX).zip(&self.messages) {
            let topic = std::str::from_utf8(&message.topic).unwrap_or_default();
            let expected = index.matches(topic);
            if expected > 0 {
                self.lookups.add(topic, ticket, expected);
            }
        }
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }
}
