//! Who has subscribed to what.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::BusError;
use super::message::Message;
use super::queue::Queue;
use super::selector::Selector;

/// Filters that may ever be subscribed. The router frees nothing of a filter (6 to 15 KB each),
/// and compares each new topic with all of them (17 ms with 50,000, measured).
const MAX_FILTERS: usize = 50_000;

/// One link among all of this process.
pub(super) type LinkId = u64;

/// One link's part in a subscription.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) link: LinkId,
    pub(super) queue: Arc<Queue>,
    pub(super) qos: u8,
}

/// All filters and their subscribers. A filter's number stays the same for good.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    numbers: HashMap<Arc<str>, usize>,
    filters: Vec<Filter>,
    /// Filters of each link, so that its closing does not search all.
    links: HashMap<LinkId, Vec<usize>>,
}

#[derive(Debug)]
struct Filter {
    text: Arc<str>,
    subscribers: Vec<Subscriber>,
    groups: Vec<Group>,
}

/// The sessions that share a subscription.
#[derive(Debug)]
struct Group {
    name: Box<str>,
    members: Vec<Subscriber>,
    /// Whose turn it is.
    turn: usize,
}

impl Subscriptions {
    /// The number of a filter, old or new.
    pub(super) fn number_of(&mut self, filter: &str) -> Result<usize, BusError> {
        if let Some(&number) = self.numbers.get(filter) {
            return Ok(number);
        }
        let number = self.filters.len();
        if number >= MAX_FILTERS {
            return Err(BusError::TooManyFilters(number));
        }
        let text: Arc<str> = filter.into();
        self.numbers.insert(Arc::clone(&text), number);
        self.filters.push(Filter { text, subscribers: Vec::new(), groups: Vec::new() });
        Ok(number)
    }

    /// Whether nobody subscribes to a filter.
    pub(super) fn is_idle(&self, number: usize) -> bool {
        self.filters.get(number).is_none_or(Filter::is_idle)
    }

    /// Adds a subscriber, in its own right or to a group, or replaces its `QoS`.
    pub(super) fn add(&mut self, number: usize, share: Option<&str>, subscriber: Subscriber) {
        let Some(filter) = self.filters.get_mut(number) else { return };
        let of_link = self.links.entry(subscriber.link).or_default();
        if !of_link.contains(&number) {
            of_link.push(number);
        }
        let subscribers = match share {
            Some(name) => filter.group(name),
            None => &mut filter.subscribers,
        };
        match subscribers.iter_mut().find(|known| known.link == subscriber.link) {
            Some(known) => *known = subscriber,
            None => subscribers.push(subscriber),
        }
    }

    /// Takes a subscriber away. Returns its filter when that is idle now.
    pub(super) fn remove(&mut self, link: LinkId, selector: &Selector) -> Option<Arc<str>> {
        let number = *self.numbers.get(&*selector.filter)?;
        let filter = self.filters.get_mut(number)?;
        if filter.is_idle() {
            return None;
        }
        filter.remove(link, |share| share == selector.share.as_deref());
        if !filter.has(link)
            && let Some(of_link) = self.links.get_mut(&link)
        {
            of_link.retain(|&known| known != number);
        }
        filter.is_idle().then(|| Arc::clone(&filter.text))
    }

    /// Takes a link away. Returns the filters that are idle now.
    pub(super) fn remove_link(&mut self, link: LinkId) -> Vec<Arc<str>> {
        let mut idle = Vec::new();
        for number in self.links.remove(&link).unwrap_or_default() {
            let Some(filter) = self.filters.get_mut(number) else { continue };
            filter.remove(link, |_any| true);
            if filter.is_idle() {
                idle.push(Arc::clone(&filter.text));
            }
        }
        idle
    }

    /// Gives a message to all subscribers of a filter and to one of each group.
    pub(super) fn deliver(&mut self, number: usize, message: &Arc<Message>) {
        let Some(filter) = self.filters.get_mut(number) else { return };
        for subscriber in &filter.subscribers {
            subscriber.deliver(message);
        }
        for group in &mut filter.groups {
            group.deliver(message);
        }
    }

    /// Tells every link that nothing will come any more.
    pub(super) fn fail(&self) {
        for filter in &self.filters {
            let members = filter.groups.iter().flat_map(|group| &group.members);
            for subscriber in filter.subscribers.iter().chain(members) {
                subscriber.queue.fail();
            }
        }
    }
}

impl Filter {
    fn is_idle(&self) -> bool {
        self.subscribers.is_empty() && self.groups.is_empty()
    }

    fn has(&self, link: LinkId) -> bool {
        let members = self.groups.iter().flat_map(|group| &group.members);
        self.subscribers.iter().chain(members).any(|subscriber| subscriber.link == link)
    }

    fn group(&mut self, name: &str) -> &mut Vec<Subscriber> {
        let at = self.groups.iter().position(|group| *group.name == *name);
        let at = at.unwrap_or(self.groups.len());
        if at == self.groups.len() {
            self.groups.push(Group { name: name.into(), members: Vec::new(), turn: 0 });
        }
        &mut self.groups[at].members
    }

    /// Removes a link where `from` says so: from the group of a name, or from the plain
    /// subscribers (`None`).
    fn remove(&mut self, link: LinkId, from: impl Fn(Option<&str>) -> bool) {
        if from(None) {
            self.subscribers.retain(|subscriber| subscriber.link != link);
        }
        for group in &mut self.groups {
            if from(Some(&group.name)) {
                group.members.retain(|member| member.link != link);
            }
        }
        self.groups.retain(|group| !group.members.is_empty());
    }
}

impl Group {
    /// The members take turns; one that has too much to do is passed over.
    fn deliver(&mut self, message: &Arc<Message>) {
        let weight = message.weight();
        let order = (self.turn..self.members.len()).chain(0..self.turn);
        let free = order
            .filter_map(|at| Some((at, self.members.get(at)?)))
            .find(|(_, member)| member.queue.has_room(weight));
        let (at, member) = match free {
            Some(free) => free,
            None => match self.members.first() {
                Some(first) => (0, first),
                None => return,
            },
        };
        member.deliver(message);
        self.turn = (at + 1) % self.members.len();
    }
}

impl Subscriber {
    fn deliver(&self, message: &Arc<Message>) {
        self.queue.push(message, self.qos.min(message.qos));
    }
}
