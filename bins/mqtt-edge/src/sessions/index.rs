//! Which sessions that outlive their connections want a topic.
//!
//! Their messages must be in JetStream before the publisher is acknowledged, so they are found
//! before the frame is stored; what only passes through is routed after that, by the bus.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::sync::ShardedLock;
use record::TopicFilterMap;

use super::durable::DurableSession;
use crate::bus::{Delivery, Message, SubscriptionOptions};

/// The subscriptions of all sessions that outlive their connections. `$share` is not among them.
#[derive(Debug, Default)]
pub(crate) struct DurableIndex {
    /// Every publish asks, on every thread.
    filters: ShardedLock<TopicFilterMap<Vec<Subscriber>>>,
    /// Asked before the lock: many edges have no such session.
    subscriptions: AtomicUsize,
}

#[derive(Debug)]
struct Subscriber {
    session: Arc<DurableSession>,
    options: SubscriptionOptions,
}

/// One session that must get a message.
#[derive(Clone, Debug)]
pub(crate) struct Addressed {
    pub(crate) session: Arc<DurableSession>,
    pub(crate) delivery: Delivery,
}

impl DurableIndex {
    /// Adds a subscription, or replaces its options.
    pub(crate) fn subscribe(
        &self,
        session: &Arc<DurableSession>,
        filter: &str,
        options: SubscriptionOptions,
    ) {
        self.change(|filters| {
            let subscribers = filters.entry(filter);
            let known = subscribers
                .iter_mut()
                .find(|known| Arc::ptr_eq(&known.session, session));
            if let Some(known) = known {
                known.options = options;
                return;
            }
            subscribers.push(Subscriber {
                session: Arc::clone(session),
                options,
            });
            self.subscriptions.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// Takes a subscription away.
    pub(crate) fn unsubscribe(&self, session: &Arc<DurableSession>, filter: &str) {
        self.change(|filters| {
            let Some(subscribers) = filters.get_mut(filter) else {
                return;
            };
            let before = subscribers.len();
            subscribers.retain(|known| !Arc::ptr_eq(&known.session, session));
            let removed = before - subscribers.len();
            if subscribers.is_empty() {
                filters.remove(filter);
            }
            self.subscriptions.fetch_sub(removed, Ordering::Relaxed);
        });
    }

    /// Whether some session wants the topic. Does not allocate.
    pub(crate) fn wants(&self, topic: &str) -> bool {
        self.subscriptions.load(Ordering::Relaxed) > 0
            && self.read(|filters| {
                let mut found = false;
                filters.visit(topic, |_| found = true);
                found
            })
    }

    /// The sessions that want a message, each once with all of its subscriptions that match.
    pub(crate) fn addressed(&self, message: &Arc<Message>) -> Vec<Addressed> {
        let mut all: Vec<Addressed> = Vec::new();
        if self.subscriptions.load(Ordering::Relaxed) == 0 {
            return all;
        }
        self.read(|filters| {
            let mut matching = Vec::new();
            filters.visit(message.topic(), |subscribers| matching.push(subscribers));
            // A session with one filter that matches is nearly every session.
            let mut places = (matching.len() > 1).then(HashMap::new);
            for Subscriber { session, options } in matching.into_iter().flatten() {
                if options.no_local && *session.client_id() == message.from_client_id {
                    continue;
                }
                let place = all.len();
                let known = places
                    .as_mut()
                    .map(|places| *places.entry(Arc::as_ptr(session)).or_insert(place));
                match known.and_then(|known| all.get_mut(known)) {
                    Some(known) => known.delivery.merge(options),
                    None => all.push(Addressed {
                        session: Arc::clone(session),
                        delivery: Delivery::new(message, options),
                    }),
                }
            }
        });
        all
    }

    fn read<T>(&self, read: impl FnOnce(&TopicFilterMap<Vec<Subscriber>>) -> T) -> T {
        match self.filters.read() {
            Ok(filters) => read(&filters),
            Err(poisoned) => read(&poisoned.into_inner()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut TopicFilterMap<Vec<Subscriber>>)) {
        match self.filters.write() {
            Ok(mut filters) => change(&mut filters),
            Err(poisoned) => change(&mut poisoned.into_inner()),
        }
    }
}
