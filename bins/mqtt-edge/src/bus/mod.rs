//! Routing between the sessions of this edge.
//!
//! [`Bus`] is what the rest of the edge knows; [`RouterBus`] implements it over rumqttd's router.
//!
//! ```text
//! lane --publish--> dispatcher thread --topic, ticket--> router thread
//!                     ^     |  ^                             |
//!   subscribe, close -+     |  +--ticket, matching filter----+
//!                           +--message--> queue of each link --next--> session
//! ```
//!
//! One link to a router, the trunk, serves all sessions: it never closes, and the dispatcher
//! takes everything that the router has before it gives it more. A link for each session would
//! cost 33 KB, and 156 KB after 300 messages (measured; here 1.2 KB), would lose messages of slow
//! clients without a word (the router's logs are bounded and a reader's cursor jumps), and its
//! closing can kill the router.

mod dispatcher;
mod error;
mod index;
mod lookups;
mod message;
mod queue;
mod router_bus;
mod selector;
mod subscriptions;
mod trunk;
mod trunks;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

pub use error::BusError;
pub use message::{Delivery, ForwardToken, Forwarded, Message, SubscriptionOptions};
pub use router_bus::{RouterBus, RouterLink, RouterWatch};
pub(crate) use selector::check_filter;

/// Brings stored messages to the sessions that asked for their topics. Cheap to clone.
pub trait Bus: Clone + Send + Sync + 'static {
    /// One session's end.
    type Link: BusLink;

    /// A link for one session. Any MQTT client id will do, also one that has a link already:
    /// a session that is being taken over may close its own later.
    fn connect(
        &self,
        client_id: &Bytes,
    ) -> impl Future<Output = Result<Self::Link, BusError>> + Send;

    /// Whether a session's subscription matches the topic. Asked for every publish: it does not
    /// allocate, and askers on different threads do not wait for each other.
    fn wants(&self, topic: &str) -> bool;

    /// Hands a message over; waits while too many others wait, but never for a slow client.
    ///
    /// Messages that one task publishes one after another keep their order on every link. What the message's bytes are cut from stays in memory until every subscriber
    /// is done with it. Retained messages are not kept.
    fn publish(&self, message: Arc<Message>) -> impl Future<Output = Result<(), BusError>> + Send;
}

/// One session's end of a [`Bus`]. Dropping it closes it.
pub trait BusLink: Send {
    /// Asks for the topics of a filter, or of `$share/name/filter`; a filter asked for before gets
    /// the new options. Whatever is published after this returns will be delivered.
    ///
    /// A message arrives once, whether one or more filters of the link match it, and once more for
    /// each `$share` of which it is this link's turn.
    fn subscribe(
        &mut self,
        filter: &str,
        options: SubscriptionOptions,
    ) -> impl Future<Output = Result<(), BusError>> + Send;

    /// Gives a filter back, as it was asked for. Messages that wait already are still delivered
    /// (MQTT-3.10.4-3 allows it). No error when there was no such subscription.
    fn unsubscribe(&mut self, filter: &str) -> impl Future<Output = Result<(), BusError>> + Send;

    /// The next message; waits for ever while nothing is subscribed. Cancel-safe.
    ///
    /// [`BusError::Lagged`] stands where messages are missing, after all that came before them;
    /// the link can go on.
    fn next(&mut self) -> impl Future<Output = Result<Forwarded, BusError>> + Send;

    /// The session is done with a message: the client has acknowledged it, or `QoS` 0 is written.
    /// In any order. Messages that are not done count against what a link may hold.
    fn done(&mut self, token: ForwardToken) -> impl Future<Output = Result<(), BusError>> + Send;

    /// Gives everything back. When it returns, [`Bus::wants`] knows.
    fn close(self) -> impl Future<Output = ()> + Send;
}
