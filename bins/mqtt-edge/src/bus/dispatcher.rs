//! The thread between the edge and the router.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_utils::sync::ShardedLock;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::error::BusError;
use super::index::TopicIndex;
use super::lookups::{Found, Lookups, MAX_TICKETS, Ticket};
use super::message::Message;
use super::selector::Selector;
use super::subscriptions::{LinkId, Subscriber, Subscriptions};
use super::trunk::{RouterDead, Trunk};
use super::trunks::Trunks;

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
    /// See whether the router lives.
    Check(oneshot::Sender<()>),
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
    trunks: Trunks,
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
            trunks: Trunks::over(trunk),
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
                self.add(message)?;
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
            Order::Subscribe {
                selector,
                subscriber,
                reply,
            } => {
                let result = self.subscribe(&selector, subscriber)?;
                // Who does not wait for the answer is closing.
                reply.send(result).ok();
            }
            Order::Unsubscribe {
                selector,
                link,
                reply,
            } => {
                if self.subscriptions.remove(link, &selector) {
                    self.forget(&selector.filter)?;
                }
                reply.send(()).ok();
            }
            Order::Check(reply) => {
                self.trunks.check()?;
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
        if !self.subscriptions.has(&selector.filter) {
            let matcher = self.trunks.subscribe(&selector.filter)?;
            self.change_index(|index| index.insert(&selector.filter, matcher));
            self.batch.routers(self.trunks.len());
        }
        self.subscriptions.add(selector, subscriber);
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
        self.trunks.unsubscribe(filter)
    }

    fn add(&mut self, message: Arc<Message>) -> Result<(), RouterDead> {
        match self.shared.index.read() {
            Ok(index) => self.batch.push(message, &index),
            Err(poisoned) => self.batch.push(message, poisoned.get_ref()),
        }
        if self.batch.is_full() {
            self.route()
        } else {
            Ok(())
        }
    }

    /// Delivers the batch.
    fn route(&mut self) -> Result<(), RouterDead> {
        let Batch {
            messages,
            lookups,
            found,
            unrouted,
            ..
        } = &mut self.batch;
        self.trunks.look_up(lookups, found)?;
        // The routers read filter by filter; this restores the order of publishing.
        found.sort_unstable();
        let (mut found_left, mut unrouted_left) = (found.as_slice(), unrouted.as_slice());
        let mut filters = Vec::new();
        for (ticket, message) in (0..).zip(&*messages) {
            let routed = take_while(&mut found_left, |found| usize::from(found.ticket) == ticket);
            let routed = routed.iter().map(|found| self.trunks.filter(*found));
            filters.extend(routed.map(|filter| filter.unwrap_or_else(|| message.topic())));
            let unrouted = take_while(&mut unrouted_left, |(of, _)| *of == ticket);
            filters.extend(unrouted.iter().map(|(_, filter)| &**filter));
            self.subscriptions.deliver(filters.drain(..), message);
        }
        found.clear();
        unrouted.clear();
        messages.clear();
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

/// Takes the first items off, as long as they are wanted.
fn take_while<'a, T>(items: &mut &'a [T], wanted: impl Fn(&T) -> bool) -> &'a [T] {
    let end = items.iter().position(|item| !wanted(item));
    let (taken, left) = items.split_at(end.unwrap_or(items.len()));
    *items = left;
    taken
}

/// Messages that are routed together.
#[derive(Debug)]
struct Batch {
    messages: Vec<Arc<Message>>,
    /// For each router.
    lookups: Vec<Lookups>,
    /// Filters of each router that match one message.
    matching: Vec<usize>,
    found: Vec<Found>,
    /// Filters that no router knows, by the message's place.
    unrouted: Vec<(usize, Arc<str>)>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            lookups: vec![Lookups::default()],
            matching: Vec::new(),
            found: Vec::new(),
            unrouted: Vec::new(),
        }
    }
}

impl Batch {
    /// So many routers there are now.
    fn routers(&mut self, count: usize) {
        self.lookups.resize_with(count, Lookups::default);
    }

    /// Takes a message if somebody wants it. A router would search all its filters for any other
    /// topic, each time anew.
    fn push(&mut self, message: Arc<Message>, index: &TopicIndex) {
        let Ok(ticket) = Ticket::try_from(self.messages.len()) else {
            return;
        };
        let topic = message.topic();
        self.matching.clear();
        self.matching.resize(self.lookups.len(), 0);
        let (place, before) = (self.messages.len(), self.unrouted.len());
        let unrouted = &mut self.unrouted;
        index.match_wildcards(topic, &mut self.matching, |filter| {
            unrouted.push((place, Arc::clone(filter)));
        });
        let mut wanted = index.has_name(topic);
        if let Some(first) = self.lookups.first_mut().filter(|_| wanted) {
            first.add_by_name(ticket);
        }
        for (lookups, matching) in self.lookups.iter_mut().zip(&self.matching) {
            if *matching > 0 {
                lookups.add_by_topic(topic, ticket, *matching);
                wanted = true;
            }
        }
        if wanted || self.unrouted.len() > before {
            self.messages.push(message);
        }
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= MAX_TICKETS || self.lookups.iter().any(Lookups::is_full)
    }
}
