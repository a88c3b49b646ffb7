//! What all sessions share.

use bytes::Bytes;
use record::Kind;
use schema::Contracts;
use settings::WantedEvents;
use telemetry::SamplingPolicy;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::codec::Limits;
use crate::commands::CommandCheck;
use crate::connection::Registry;
use crate::meters::Meters;
use crate::topics::Topics;
use crate::uplink::Uplink;

/// What all sessions share.
pub(crate) struct Edge<B: Bus> {
    /// Name in records and envelopes.
    pub(crate) node: Bytes,
    pub(crate) uplink: Uplink,
    pub(crate) bus: B,
    pub(crate) registry: Registry,
    pub(crate) contracts: Contracts,
    pub(crate) topics: Topics,
    /// Where some command topic is checked.
    pub(crate) commands: Option<CommandCheck>,
    pub(crate) wanted: WantedEvents,
    pub(crate) sampling: SamplingPolicy,
    pub(crate) limits: Limits,
    /// Publishes without PUBACK that an MQTT 5 client may have: its Receive Maximum.
    pub(crate) receive_maximum: u16,
    pub(crate) allow_anonymous: bool,
    pub(crate) meters: Meters,
    pub(crate) stop: CancellationToken,
}

impl<B: Bus> Edge<B> {
    /// Whether some hook wants this event: others are not stored.
    pub(crate) fn wants_event(&self, kind: Kind, topic: &Bytes) -> bool {
        self.wanted
            .wants(kind, std::str::from_utf8(topic).unwrap_or_default())
    }
}
