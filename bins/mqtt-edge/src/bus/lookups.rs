//! What goes to the router and comes back: topics and tickets out, filters and tickets in.
//!
//! The messages themselves wait in the dispatcher. The router would keep them in its logs, which
//! are freed by size only, long after the last reader; and it knows neither publishers nor traces.

use bytes::Bytes;
use rumqttd::Forward;
use rumqttd::protocol::{Packet, Publish};

use super::index::RouterNumber;
use super::trunk::SEGMENT_BYTES;

/// The router's topic for messages that somebody subscribed to by the very name of their topic.
pub(super) const BY_NAME: &str = "name";

/// Stands for a message while the router finds its subscriptions: its place in the batch.
pub(super) type Ticket = u8;

/// Messages in a batch.
pub(super) const MAX_TICKETS: usize = TICKETS.len();

static TICKETS: [u8; 256] = {
    let mut tickets = [0; 256];
    let mut rest = tickets.as_mut_slice();
    let mut ticket: u8 = 0;
    while let Some((first, tail)) = rest.split_first_mut() {
        *first = ticket;
        ticket = ticket.wrapping_add(1);
        rest = tail;
    }
    tickets
};

/// A message and one filter that matches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) ticket: Ticket,
    /// Which router has found it.
    pub(super) router: RouterNumber,
    /// See `Trunk::filter`.
    pub(super) filter: usize,
}

impl Found {
    pub(super) fn read(forward: &Forward, router: RouterNumber) -> Option<Self> {
        let properties = forward.properties.as_ref()?;
        Some(Self {
            ticket: *forward.publish.payload.first()?,
            router,
            filter: properties
                .subscription_identifiers
                .first()?
                .checked_sub(1)?,
        })
    }
}

/// Messages whose subscriptions are to be looked up together.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    packets: Vec<Packet>,
    /// Forwards that the router owes for them.
    expected: usize,
    /// What the logs count: the one of [`BY_NAME`], and any other at most.
    by_name_bytes: usize,
    by_topic_bytes: usize,
}

impl Lookups {
    /// Asks for those who named a topic.
    pub(super) fn add_by_name(&mut self, ticket: Ticket) {
        self.by_name_bytes += self.push(Bytes::from_static(BY_NAME.as_bytes()), ticket);
        self.expected += 1;
    }

    /// Asks for the filters with wildcards that match a topic, of which there are `expected`.
    pub(super) fn add_by_topic(&mut self, topic: &str, ticket: Ticket, expected: usize) {
        self.by_topic_bytes += self.push(routed(topic).into(), ticket);
        self.expected += expected;
    }

    /// Without its last message a batch never fills a segment. So even a log that gets all of it
    /// begins one segment more at most: what is unread stays in the two that the router keeps.
    pub(super) fn is_full(&self) -> bool {
        self.by_name_bytes >= SEGMENT_BYTES || self.by_topic_bytes >= SEGMENT_BYTES
    }

    /// Empties it. The forwards are still expected.
    pub(super) fn packets(&mut self) -> impl DoubleEndedIterator<Item = Packet> {
        (self.by_name_bytes, self.by_topic_bytes) = (0, 0);
        self.packets.drain(..)
    }

    /// Forwards that the router owes for the packets taken.
    pub(super) fn take_expected(&mut self) -> usize {
        std::mem::take(&mut self.expected)
    }

    /// Returns the size as a log counts it.
    fn push(&mut self, topic: Bytes, ticket: Ticket) -> usize {
        // A static byte costs no memory in the logs. It is never empty: an empty payload would
        // touch the router's retained messages.
        let ticket = TICKETS
            .get(usize::from(ticket)..)
            .and_then(|rest| rest.first_chunk::<1>());
        let payload = Bytes::from_static(ticket.unwrap_or(&[0]));
        // rumqttd, `PublishData::size`.
        let counted = 4 + topic.len() + payload.len();
        self.packets
            .push(Packet::Publish(Publish::new(topic, payload, false), None));
        counted
    }
}

/// A topic or filter in the router's name space. The router dies of a topic that begins with a
/// character of several bytes, and lets nobody subscribe to `$` topics; with two spaces a leading
/// wildcard leaves `$` topics out as it must (MQTT-4.7.2-1).
pub(super) fn routed(text: &str) -> String {
    let prefix = if text.starts_with('$') { "s/" } else { "t/" };
    [prefix, text].concat()
}
