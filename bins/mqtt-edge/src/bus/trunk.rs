//! The one link to rumqttd's router.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use rumqttd::local::{LinkBuilder, LinkError, LinkRx, LinkTx};
use rumqttd::protocol::{
    Filter, Packet, QoS, RetainForwardRule, Subscribe, SubscribeProperties, Unsubscribe,
};
use rumqttd::{Notification, Router, RouterConfig, Strategy};
use tracing::error;

use super::error::BusError;
use super::index::RouterNumber;
use super::lookups::{BY_NAME, Found, Lookups, routed};

/// Size of a log segment in the router, in bytes as it counts them: topic and payload. It keeps
/// two segments for each of its filters, for good, with 232 bytes of memory besides for each
/// message. Larger ones make larger batches: see `Lookups::is_full`.
pub(super) const SEGMENT_BYTES: usize = 2048;

/// Filters with wildcards that one router may ever get. It frees nothing of a filter (7 KB,
/// and 70 KB after thousands of messages, measured), and compares each topic that is new to it with
/// all of them (7 ms for 10,000 on a busy machine, measured).
const MAX_FILTERS: usize = 10_000;

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

/// The link, used from one thread. Each call waits until the router has nothing left to do, so
/// its logs never hold more than one batch that is unread.
///
/// The router knows the filters with wildcards. Those that name one topic share one of its filters,
/// [`BY_NAME`]: who has subscribed to a topic's very name is one look-up for us, while the router
/// would keep a log for each lock.
pub(super) struct Trunk {
    router: RouterNumber,
    to_router: LinkTx,
    from_router: LinkRx,
    /// Numbers of the filters with wildcards that the router has ever seen.
    numbers: HashMap<Arc<str>, usize>,
    filters: Vec<Arc<str>>,
}

impl Trunk {
    /// Starts a router. Its thread cannot be stopped: it lives as long as the process.
    pub(super) fn open(number: RouterNumber) -> Result<Self, RouterDead> {
        let router = Router::new(number, config()).spawn();
        let (to_router, from_router, _) =
            LinkBuilder::new("trunk", router).build().map_err(dead)?;
        Self::over(number, to_router, from_router)
    }

    pub(super) fn over(
        router: RouterNumber,
        to_router: LinkTx,
        from_router: LinkRx,
    ) -> Result<Self, RouterDead> {
        let (numbers, filters) = (HashMap::new(), Vec::new());
        let mut trunk = Self {
            router,
            to_router,
            from_router,
            numbers,
            filters,
        };
        trunk.ask_for(BY_NAME.to_owned(), 0)?;
        Ok(trunk)
    }

    /// Whether it knows a filter with wildcards.
    pub(super) fn knows(&self, filter: &str) -> bool {
        self.numbers.contains_key(filter)
    }

    /// Whether it knows a filter with wildcards, or can take one that it does not know.
    pub(super) fn takes(&self, filter: &str) -> bool {
        self.knows(filter) || self.filters.len() < MAX_FILTERS
    }

    /// Subscribes to a filter with wildcards that nobody has subscribed to.
    pub(super) fn subscribe(&mut self, filter: &str) -> Result<(), RouterDead> {
        let number = self.numbers.get(filter).copied();
        let number = number.unwrap_or_else(|| {
            let text: Arc<str> = filter.into();
            self.filters.push(Arc::clone(&text));
            self.numbers.insert(text, self.filters.len());
            self.filters.len()
        });
        self.ask_for(routed(filter), number)
    }

    /// Takes the subscription to a filter back.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> Result<(), RouterDead> {
        let unsubscribe = Unsubscribe {
            pkid: 1,
            filters: vec![routed(filter)],
        };
        self.send(Packet::Unsubscribe(unsubscribe, None))?;
        self.wait_for(|packet| matches!(packet, Packet::UnsubAck(..)))
    }

    /// Asks for the subscriptions of messages. Takes the messages out of the look-ups.
    pub(super) fn ask(&mut self, lookups: &mut Lookups) -> Result<(), RouterDead> {
        let mut packets = lookups.packets();
        let Some(last) = packets.next_back() else {
            return Ok(());
        };
        // One event for all of them: the router takes the whole buffer at once.
        self.to_router.buffer().extend(packets);
        self.send(last)
    }

    /// Adds the answer to [`ask`](Self::ask) to `found`, in any order.
    pub(super) fn gather(
        &mut self,
        lookups: &mut Lookups,
        found: &mut Vec<Found>,
    ) -> Result<(), RouterDead> {
        let mut expected = lookups.take_expected();
        while expected > 0 {
            if let Notification::Forward(forward) = self.next()? {
                found.extend(Found::read(&forward, self.router));
                expected -= 1;
            }
        }
        Ok(())
    }

    /// Has the router answer something.
    pub(super) fn check(&mut self) -> Result<(), RouterDead> {
        let mut lookups = Lookups::default();
        lookups.add_by_name(0);
        self.ask(&mut lookups)?;
        self.gather(&mut lookups, &mut Vec::new())
    }

    /// The filter with a number of [`Found::filter`]; `None` for [`BY_NAME`].
    pub(super) fn filter(&self, number: usize) -> Option<&str> {
        self.filters.get(number.checked_sub(1)?).map(|text| &**text)
    }

    /// Subscribes at the router. Forwards will carry the number.
    fn ask_for(&mut self, path: String, number: usize) -> Result<(), RouterDead> {
        let filter = Filter {
            path,
            // The router then needs no acknowledgements. It loses nothing all the same, as
            // everything is read before more is written.
            qos: QoS::AtMostOnce,
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::Never,
        };
        // Zero is no subscription identifier (MQTT 5.0, section 3.8.2.1.2).
        let properties = SubscribeProperties {
            id: Some(number + 1),
            user_properties: Vec::new(),
        };
        let subscribe = Subscribe {
            pkid: 1,
            filters: vec![filter],
        };
        self.send(Packet::Subscribe(subscribe, Some(properties)))?;
        self.wait_for(|packet| matches!(packet, Packet::SubAck(..)))
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

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
fn dead(error: LinkError) -> RouterDead {
    error!(%error, "the router of local subscriptions does not answer");
    RouterDead
}
