//! The one link to rumqttd's router.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use rumqttd::local::{LinkBuilder, LinkError, LinkRx, LinkTx};
use rumqttd::protocol::{
    Filter, Packet, Publish, QoS, RetainForwardRule, Subscribe, SubscribeProperties, Unsubscribe,
};
use rumqttd::{Notification, Router, RouterConfig, Strategy};
use tracing::error;

use super::error::BusError;

/// Size of a log segment in the router: it keeps two for each filter, for good, each with 232 bytes
/// of memory per message besides what it counts. 1 KiB is the least that it takes.
pub(super) const SEGMENT_BYTES: usize = 1024;

/// Packets for which the router has not answered in this time are taken for its death: it answers
/// within microseconds, milliseconds on a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The router is gone.
#[derive(Debug)]
pub(super) struct RouterDead;

impl From<RouterDead> for BusError {
    fn from(RouterDead: RouterDead) -> Self {
        Self::RouterDead
    }
}

/// Stands for a message while the router finds its filters; its place in the batch.
pub(super) type Ticket = u8;

/// The messages that wait to be looked up together.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    packets: Vec<Packet>,
    /// Forwards that the router owes for them.
    expected: usize,
}

impl Lookups {
    /// Asks for the filters of a topic, of which there are `expected`.
    pub(super) fn add(&mut self, topic: &str, ticket: Ticket, expected: usize) {
        // A static byte costs no memory in the router's logs. It is never empty: an empty payload
        // would touch the router's retained messages.
        let ticket = TICKETS.get(usize::from(ticket)..).and_then(|rest| rest.first_chunk::<1>());
        let Some(ticket) = ticket else { return };
        let publish = Publish::new(Bytes::from(routed(topic)), Bytes::from_static(ticket), false);
        self.packets.push(Packet::Publish(publish, None));
        self.expected += expected;
    }
}

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

/// What a topic counts in a log segment (rumqttd, `PublishData::size`).
pub(super) fn counted_bytes(topic: &[u8]) -> usize {
    4 + PREFIX_LEN + topic.len() + size_of::<Ticket>()
}

/// The link, used from one thread. Each call waits until the router has nothing left to do, so
/// its logs never hold more than one batch that is unread.
pub(super) struct Trunk {
    to_router: LinkTx,
    from_router: LinkRx,
}

impl Trunk {
    /// Starts a router. Its thread cannot be stopped: it lives as long as the process.
    pub(super) fn open() -> Result<Self, RouterDead> {
        let router = Router::new(0, config()).spawn();
        let link = LinkBuilder::new("trunk", router).build();
        let (to_router, from_router, _) = link.map_err(dead)?;
        Ok(Self::new(to_router, from_router))
    }

    pub(super) fn new(to_router: LinkTx, from_router: LinkRx) -> Self {
        Self { to_router, from_router }
    }

    /// Subscribes to a filter. Forwards for it will carry its number.
    pub(super) fn subscribe(&mut self, filter: &str, number: usize) -> Result<(), RouterDead> {
        let filter = Filter {
            path: routed(filter),
            // The router then needs no acknowledgements. It loses nothing all the same, as
            // everything is read before more is written.
            qos: QoS::AtMostOnce,
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::Never,
        };
        // Zero is no subscription identifier (MQTT 5.0, section 3.8.2.1.2).
        let properties = SubscribeProperties { id: Some(number + 1), user_properties: Vec::new() };
        let subscribe = Subscribe { pkid: 1, filters: vec![filter] };
        self.send(Packet::Subscribe(subscribe, Some(properties)))?;
        self.wait_for(|packet| matches!(packet, Packet::SubAck(..)))
    }

    /// Takes a subscription back.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> Result<(), RouterDead> {
        let unsubscribe = Unsubscribe { pkid: 1, filters: vec![routed(filter)] };
        self.send(Packet::Unsubscribe(unsubscribe, None))?;
        self.wait_for(|packet| matches!(packet, Packet::UnsubAck(..)))
    }

    /// Has the filters of messages looked up: `found` gets each with the number of each filter.
    /// Empties the look-ups.
    pub(super) fn look_up(
        &mut self,
        lookups: &mut Lookups,
        mut found: impl FnMut(Ticket, usize),
    ) -> Result<(), RouterDead> {
        // One event for all of them: the router takes the whole buffer at once.
        let Some(last) = lookups.packets.pop() else { return Ok(()) };
        self.to_router.buffer().extend(lookups.packets.drain(..));
        self.send(last)?;
        let mut expected = std::mem::take(&mut lookups.expected);
        while expected > 0 {
            let Notification::Forward(forward) = self.next()? else { continue };
            expected -= 1;
            let ids = forward.properties.map(|properties| properties.subscription_identifiers);
            let number = ids.and_then(|ids| ids.first()?.checked_sub(1));
            if let (Some(&ticket), Some(number)) = (forward.publish.payload.first(), number) {
                found(ticket, number);
            }
        }
        Ok(())
    }

    fn wait_for(&mut self, is_answer: impl Fn(&Packet) -> bool) -> Result<(), RouterDead> {
        loop {
            let packet = Option::<Packet>::from(self.next()?);
            if packet.is_some_and(|packet| is_answer(&packet)) {
                return Ok(());
            }
        }
    }

    fn send(&mut self, packet: Packet) -> Result<(), RouterDead> {
        // Asynchronous in name only: it blocks while the router's channel is full, and never waits.
        match self.to_router.send(packet).now_or_never() {
            Some(Ok(_buffered)) => Ok(()),
            Some(Err(error)) => Err(dead(error)),
            None => Err(RouterDead),
        }
    }

    fn next(&mut self) -> Result<Notification, RouterDead> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            match self.from_router.recv_deadline(deadline).map_err(dead)? {
                // The router has stopped sending until it hears that its buffer was emptied. This
                // would kill it after the end of a link, but the trunk has none.
                Some(Notification::Unschedule) => self.from_router.ready().map_err(dead)?,
                Some(notification) => return Ok(notification),
                // A signal for what an earlier one brought already.
                None => {}
            }
        }
    }
}

pub(super) fn config() -> RouterConfig {
    RouterConfig {
        max_connections: 1,
        // What it reads from a log at a time.
        max_outgoing_packet_count: 256,
        max_segment_size: SEGMENT_BYTES,
        // The one being written, and the one before it.
        max_segment_count: 2,
        custom_segment: None,
        initialized_filters: None,
        shared_subscriptions_strategy: Strategy::RoundRobin,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn dead(error: LinkError) -> RouterDead {
    error!(%error, "the router of local subscriptions does not answer");
    RouterDead
}

const PREFIX_LEN: usize = 2;

/// A topic or filter in the router's name space. The router dies of a topic that begins with a
/// character of several bytes, and lets nobody subscribe to `$` topics; with two spaces a leading
/// wildcard leaves `$` topics out as it must (MQTT-4.7.2-1).
fn routed(text: &str) -> String {
    let prefix = if text.starts_with('$') { "s/" } else { "t/" };
    [prefix, text].concat()
}
