//! How a CONNECT was answered, for those who want to hear of it.

use std::net::SocketAddr;

use bytes::Bytes;
use record::{Kind, Record};
use rules::value::Map;
use tracing::debug;

use super::event_fields as fields;
use crate::bus::Bus;
use crate::codec::{Connect, ReasonCode};
use crate::edge::Edge;
use crate::in_force::InForce;
use crate::uplink::{Entry, Full};
use crate::wire::Wire;
use stage::now_ms;

/// Characters that are recorded of the names in a refused CONNECT.
const CLAIMED_CHARACTERS: usize = 128;

/// Fields of the events of a client that was let in; empty where no rule wants them.
#[derive(Default)]
pub(super) struct Greeting {
    pub(super) connack: Bytes,
    pub(super) connected: Bytes,
}

impl Greeting {
    /// `expiry_secs`: how long its session waits for it.
    pub(super) fn new(
        in_force: &InForce,
        connect: &Connect,
        local: Option<SocketAddr>,
        expiry_secs: u32,
    ) -> Self {
        let wanted = [Kind::Connack, Kind::Connected].map(|kind| in_force.rules_want(kind));
        if wanted == [false; 2] {
            return Self::default();
        }
        let [connack, connected] = wanted;
        let shared = fields::connection(connect, local);
        let connected = connected.then(|| fields::connected(&shared, connect, expiry_secs));
        let connack = connack.then(|| fields::connack(shared, ReasonCode::SUCCESS, expiry_secs));
        Self {
            connack: connack.unwrap_or_default(),
            connected: connected.unwrap_or_default(),
        }
    }
}

/// What there is to tell of a CONNECT if it is refused.
pub(super) struct Claim {
    record: Record,
    fields: Map,
    expiry_secs: u32,
}

impl Claim {
    /// `None` where no rule wants it.
    pub(super) fn of<B: Bus>(edge: &Edge<B>, connect: &Connect, wire: &Wire) -> Option<Box<Self>> {
        if !edge.in_force().rules_want(Kind::Connack) {
            return None;
        }
        let record = Record {
            keepalive_s: connect.keep_alive_secs.into(),
            ..claimed(edge, Kind::Connack, connect, wire.peer())
        };
        Some(Box::new(Self {
            record,
            fields: fields::connection(connect, wire.local()),
            expiry_secs: edge.session_expiry(connect.session_expiry_secs),
        }))
    }

    /// It is refused.
    pub(super) fn refused<B: Bus>(self, edge: &Edge<B>, code: ReasonCode) {
        let event_fields = fields::connack(self.fields, code, self.expiry_secs);
        let record = Record {
            event_fields,
            received_at_ms: now_ms(),
            ..self.record
        };
        tell_if_there_is_room(edge, &record);
    }
}

/// What a CONNECT says of itself. Who is not let in must not choose our size.
pub(super) fn claimed<B: Bus>(
    edge: &Edge<B>,
    kind: Kind,
    connect: &Connect,
    peer: SocketAddr,
) -> Record {
    Record {
        kind: kind.into(),
        client_id: clipped(&connect.client_id),
        username: clipped(connect.user_name.as_deref().unwrap_or_default()),
        protocol_name: Bytes::from_static(b"MQTT"),
        protocol_version: connect.version.level().into(),
        node: edge.node.clone(),
        peer: Bytes::from(peer.to_string()),
        received_at_ms: now_ms(),
        ..Record::default()
    }
}

/// Logins and refusals are told at best effort: who floods the edge with them must not make anybody
/// wait.
pub(super) fn tell_if_there_is_room<B: Bus>(edge: &Edge<B>, record: &Record) {
    let intake = edge.uplink.of(&record.client_id);
    if intake.begin().push(record, &mut Entry::default()) == Err(Full) {
        debug!(kind = ?record.kind(), "no room to record the answer to a CONNECT");
    }
}

/// The beginning of a name.
fn clipped(name: &str) -> Bytes {
    let end = name.char_indices().nth(CLAIMED_CHARACTERS);
    let end = end.map_or(name.len(), |(end, _)| end);
    Bytes::copy_from_slice(name.as_bytes().get(..end).unwrap_or_default())
}
