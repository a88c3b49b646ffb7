//! What all sessions share.

use std::sync::Arc;
use std::time::Duration;

use access::Access;
use bytes::Bytes;
use telemetry::SamplingPolicy;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bus::{Bus, Message};
use crate::codec::Limits;
use crate::commands::CommandCheck;
use crate::in_force::InForce;
use crate::listener::PublishLimits;
use crate::listener::admission::Admission;
use crate::meters::Meters;
use crate::sessions::{DurableIndex, Registry, Stores};
use crate::uplink::{Route, Uplink};

/// What all sessions share.
pub(crate) struct Edge<B: Bus> {
    /// Name in records and envelopes.
    pub(crate) node: Bytes,
    pub(crate) uplink: Uplink,
    pub(crate) bus: B,
    pub(crate) registry: Arc<Registry>,
    /// Subscriptions of the sessions that outlive their connections.
    pub(crate) durable: DurableIndex,
    /// Those sessions, their queues, and retained messages, in JetStream.
    pub(crate) stores: Arc<Stores>,
    /// Connections and sessions that wait, together.
    pub(crate) max_sessions: usize,
    /// Longest time that a session waits for its client, in seconds.
    pub(crate) max_session_expiry_secs: u32,
    /// Longest keep-alive, in seconds; 0 is without a limit.
    pub(crate) max_keep_alive_secs: u16,
    /// Contracts, classes of topics and wanted events, version by version.
    pub(crate) versions: watch::Receiver<Arc<InForce>>,
    /// Where some command topic is checked.
    pub(crate) commands: Option<CommandCheck>,
    pub(crate) sampling: SamplingPolicy,
    pub(crate) limits: Limits,
    /// Publishes without PUBACK that an MQTT 5 client may have: its Receive Maximum.
    pub(crate) receive_maximum: u16,
    pub(crate) access: Arc<Access>,
    /// Counts the connections of each user.
    pub(crate) admission: Arc<Admission>,
    /// How long one packet may take.
    pub(crate) packet_limit: Duration,
    pub(crate) publish_limits: PublishLimits,
    pub(crate) meters: Arc<Meters>,
    pub(crate) stop: CancellationToken,
}

impl<B: Bus> Edge<B> {
    /// What holds now. Takes a lock: a connection keeps it, see [`crate::in_force::Following`].
    pub(crate) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.versions.borrow())
    }

    /// How long a session waits for its client, of what the client asks for.
    pub(crate) fn session_expiry(&self, asked_secs: u32) -> u32 {
        asked_secs.min(self.max_session_expiry_secs)
    }

    /// Where a message goes besides the stream. `passing`: the bus wants it.
    pub(crate) fn route(&self, message: Arc<Message>, passing: bool) -> Route {
        Route {
            addressed: self.durable.addressed(&message),
            passing,
            message,
        }
    }
}
