//! Who has subscribed to what.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::message::{Delivery, Message, SubscriptionOptions};
use bytes::Bytes;

use super::queue::Queue;
use super::selector::Selector;

/// One link among all of this process.
pub(super) type LinkId = u64;

/// One link's part in a subscription.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) link: LinkId,
    pub(super) queue: Arc<Queue>,
    pub(super) client_id: Bytes,
    pub(super) options: SubscriptionOptions,
}

/// The filters that somebody subscribes to, with their subscribers.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    filters: HashMap<Arc<str>, Filter>,
    /// Filters of each link, so that its closing does not search all.
    links: HashMap<LinkId, Vec<Arc<str>>>,
}

/// The subscribers of one filter.
#[derive(Debug, Default)]
struct Filter {
    subscribers: Vec<Subscriber>,
    /// By the name of `$share/name/filter`.
    groups: BTreeMap<Box<str>, Group>,
}

/// The sessions that share a subscription.
#[derive(Debug, Default)]
struct Group {
    members: Vec<Subscriber>,
    /// Whose turn it is.
    turn: usize,
}

impl Subscriptions {
    pub(super) fn has(&self, filter: &str) -> bool {
        self.filters.contains_key(filter)
    }

    /// Adds a subscriber, in its own right or to a group, or replaces its options.
    pub(super) fn add(&mut self, selector: &Selector, subscriber: Subscriber) {
        let text: Arc<str> = match self.filters.get_key_value(&*selector.filter) {
            Some((known, _)) => Arc::clone(known),
            None => (&*selector.filter).into(),
        };
        let of_link = self.links.entry(subscriber.link).or_default();
        if !of_link.contains(&text) {
            of_link.push(Arc::clone(&text));
        }
        let filter = self.filters.entry(text).or_default();
        let subscribers = match &selector.share {
            Some(name) => &mut filter.groups.entry(name.clone()).or_default().members,
            None => &mut filter.subscribers,
        };
        match subscribers
            .iter_mut()
            .find(|known| known.link == subscriber.link)
        {
            Some(known) => *known = subscriber,
            None => subscribers.push(subscriber),
        }
    }

    /// Takes a subscriber away. True when nobody subscribes to its filter any more.
    pub(super) fn remove(&mut self, link: LinkId, selector: &Selector) -> bool {
        let Some(filter) = self.filters.get_mut(&*selector.filter) else {
            return false;
        };
        filter.remove(link, |share| share == selector.share.as_deref());
        if !filter.has(link)
            && let Entry::Occupied(mut of_link) = self.links.entry(link)
        {
            of_link
                .get_mut()
                .retain(|known| **known != *selector.filter);
            if of_link.get().is_empty() {
                of_link.remove();
            }
        }
        let idle = filter.is_idle();
        if idle {
            self.filters.remove(&*selector.filter);
        }
        idle
    }

    /// Takes a link away. Returns the filters that nobody subscribes to any more.
    pub(super) fn remove_link(&mut self, link: LinkId) -> Vec<Arc<str>> {
        let mut idle = self.links.remove(&link).unwrap_or_default();
        idle.retain(|text| {
            let Some(filter) = self.filters.get_mut(text) else {
                return false;
            };
            filter.remove(link, |_any| true);
            if filter.is_idle() {
                self.filters.remove(text);
                return true;
            }
            false
        });
        idle
    }

    /// Gives a message to all subscribers of the filters that match it, once each, and to one of
    /// each group.
    pub(super) fn deliver<'a>(
        &mut self,
        matching: impl ExactSizeIterator<Item = &'a str>,
        message: &Arc<Message>,
    ) {
        // A client with one filter that matches is nearly every client.
        let mut merged = (matching.len() > 1).then(Merged::default);
        for filter in matching {
            let Some(filter) = self.filters.get_mut(filter) else {
                continue;
            };
            let takers = filter.subscribers.iter();
            for subscriber in takers.filter(|subscriber| subscriber.takes(message)) {
                match &mut merged {
                    Some(merged) => merged.add(subscriber, message),
                    None => subscriber.deliver(message),
                }
            }
            for group in filter.groups.values_mut() {
                group.deliver(message);
            }
        }
        if let Some(merged) = merged {
            merged.deliver();
        }
    }

    /// Tells every link that nothing will come any more.
    pub(super) fn fail(&self) {
        for subscriber in self.filters.values().flat_map(Filter::all) {
            subscriber.queue.fail();
        }
    }
}

impl Filter {
    fn all(&self) -> impl Iterator<Item = &Subscriber> {
        self.subscribers
            .iter()
            .chain(self.groups.values().flat_map(|group| &group.members))
    }

    fn is_idle(&self) -> bool {
        self.subscribers.is_empty() && self.groups.is_empty()
    }

    fn has(&self, link: LinkId) -> bool {
        self.all().any(|subscriber| subscriber.link == link)
    }

    /// Removes a link where `from` says so: from the group of a name, or from the plain
    /// subscribers (`None`).
    fn remove(&mut self, link: LinkId, from: impl Fn(Option<&str>) -> bool) {
        if from(None) {
            self.subscribers
                .retain(|subscriber| subscriber.link != link);
        }
        self.groups.retain(|name, group| {
            if from(Some(name)) {
                group.members.retain(|member| member.link != link);
            }
            !group.members.is_empty()
        });
    }
}

impl Group {
    /// The members take turns; one that has too much to do is passed over.
    fn deliver(&mut self, message: &Arc<Message>) {
        let count = self.members.len();
        let weight = message.weight();
        let order = (0..count).map(|step| (self.turn + step) % count);
        let mut turn = order
            .filter_map(|at| Some((at, self.members.get(at)?)))
            .peekable();
        let first = turn.peek().copied();
        let free = turn.find(|(_, member)| member.queue.has_room(weight));
        if let Some((at, member)) = free.or(first) {
            member.deliver(message);
            self.turn = at + 1;
        }
    }
}

impl Subscriber {
    /// MQTT-3.8.3-3: with no-local, a client does not get its own messages.
    fn takes(&self, message: &Message) -> bool {
        !(self.options.no_local && self.client_id == message.from_client_id)
    }

    fn deliver(&self, message: &Arc<Message>) {
        self.queue.push(Delivery::new(message, &self.options));
    }
}

/// One message for links of which some have several filters that match.
#[derive(Default)]
struct Merged {
    places: HashMap<LinkId, usize>,
    deliveries: Vec<(Arc<Queue>, Delivery)>,
}

impl Merged {
    fn add(&mut self, subscriber: &Subscriber, message: &Arc<Message>) {
        let options = &subscriber.options;
        let known = self.places.get(&subscriber.link);
        if let Some((_, delivery)) = known.and_then(|place| self.deliveries.get_mut(*place)) {
            delivery.merge(options);
            return;
        }
        self.places.insert(subscriber.link, self.deliveries.len());
        let delivery = Delivery::new(message, options);
        self.deliveries
            .push((Arc::clone(&subscriber.queue), delivery));
    }

    fn deliver(self) {
        for (queue, delivery) in self.deliveries {
            queue.push(delivery);
        }
    }
}
