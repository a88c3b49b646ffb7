//! What a client's session is (MQTT 5.0, section 4.1; 3.1.1, section 3.1.2.4).

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use record::Record;
use tokio::time::Instant;

use super::durable::{Durable, DurableSession};
use super::window::Window;
use crate::bus::SubscriptionOptions;
use crate::codec::Will;

/// A session, with or without a connection.
#[derive(Debug, Default)]
pub(crate) struct SessionState {
    /// By filter, as the client sent it.
    pub(crate) subscriptions: BTreeMap<Box<str>, SubscriptionOptions>,
    /// Messages that the client has not acknowledged.
    pub(crate) window: Window,
    /// Identifiers of the client's `QoS` 2 messages that are stored and not released.
    pub(crate) received: Vec<NonZeroU16>,
    /// Present when the session outlives its connection. Most do not.
    pub(crate) durable: Option<Box<Durable>>,
}

/// A session without a connection.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) state: SessionState,
    /// `None`: never.
    pub(crate) expires: Option<Instant>,
    pub(crate) will: Option<PendingWill>,
}

/// A will that waits (MQTT 5.0, section 3.1.3.2.2).
#[derive(Debug)]
pub(crate) struct PendingWill {
    pub(crate) will: Will,
    pub(crate) due: Instant,
    /// The fields that all records of the connection shared.
    pub(crate) template: Record,
}

impl SessionState {
    /// Whether it is this user's: another one with the same client id must not get its messages.
    pub(crate) fn is_of(&self, username: &str) -> bool {
        let owner = self
            .durable
            .as_ref()
            .map(|durable| &durable.record.username);
        owner.is_none_or(|owner| owner == username)
    }

    /// The session as the index and the lanes know it, when it outlives its connection.
    pub(crate) fn shared(&self) -> Option<&Arc<DurableSession>> {
        self.durable.as_ref().map(|durable| &durable.session)
    }
}

impl Parked {
    /// When something happens to it without the client.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let will = self.will.as_ref().map(|will| will.due);
        [self.expires, will].into_iter().flatten().min()
    }
}
