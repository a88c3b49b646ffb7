//! The messages that a client has not acknowledged (MQTT 5.0, section 4.4).

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU16;

use crate::bus::{Delivery, ForwardToken};

/// Messages of `QoS` 1 and 2 that are with the client, in the order in which they were sent.
#[derive(Debug)]
pub(crate) struct Window {
    in_flight: VecDeque<InFlight>,
    next_id: NonZeroU16,
    reserved: BTreeSet<NonZeroU16>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) packet_id: NonZeroU16,
    pub(crate) origin: Origin,
    pub(crate) phase: Phase,
    /// Whether this connection has sent it: after a resume it is sent again.
    pub(crate) sent: bool,
}

/// What the client owes.
#[derive(Debug)]
pub(crate) enum Phase {
    /// PUBACK or PUBREC.
    Publish(Delivery),
    /// PUBCOMP: the message itself is done with.
    Release,
}

/// Where a message came from, and so where it is given back to.
#[derive(Debug)]
pub(crate) enum Origin {
    /// The bus: it is gone with the connection.
    Live(ForwardToken),
    /// The session's queue in JetStream, where it stays until it is acknowledged.
    Stored(Place),
    /// Memory of this edge alone.
    Kept,
}

/// A message's place in the session's queue: its entry, and its index in that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) index: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            in_flight: VecDeque::new(),
            next_id: NonZeroU16::MIN,
            reserved: BTreeSet::new(),
        }
    }
}

impl Window {
    /// Messages that count towards the client's Receive Maximum (MQTT 5.0, section 4.9), sent or
    /// to be sent again.
    pub(crate) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Adds a message that was just sent.
    pub(crate) fn sent_as(&mut self, packet_id: NonZeroU16, delivery: Delivery, origin: Origin) {
        self.in_flight.push_back(InFlight {
            packet_id,
            origin,
            phase: Phase::Publish(delivery),
            sent: true,
        });
    }

    /// Adds what an earlier life of this edge has left: a message that the client has and did not
    /// complete.
    pub(crate) fn restore_release(&mut self, packet_id: NonZeroU16) {
        self.in_flight.push_back(InFlight {
            packet_id,
            origin: Origin::Kept,
            phase: Phase::Release,
            sent: false,
        });
    }

    /// An identifier that an earlier life of this edge has used for a message that is not with the
    /// client's answer yet.
    pub(crate) fn reserve(&mut self, packet_id: NonZeroU16) {
        self.reserved.insert(packet_id);
    }

    /// A PUBACK, or a PUBREC that refuses: the message is done with.
    pub(crate) fn acknowledged(&mut self, packet_id: NonZeroU16) -> Option<(Delivery, Origin)> {
        let at = self.position(packet_id, |phase| matches!(phase, Phase::Publish(_)))?;
        let in_flight = self.in_flight.remove(at)?;
        self.reserved.remove(&packet_id);
        match in_flight.phase {
            Phase::Publish(delivery) => Some((delivery, in_flight.origin)),
            Phase::Release => None,
        }
    }

    /// A PUBREC that accepts: the message is done with, its identifier is not.
    pub(crate) fn received(&mut self, packet_id: NonZeroU16) -> Option<(Delivery, Origin)> {
        let at = self.position(packet_id, |phase| matches!(phase, Phase::Publish(_)))?;
        let in_flight = self.in_flight.get_mut(at)?;
        let origin = std::mem::replace(&mut in_flight.origin, Origin::Kept);
        match std::mem::replace(&mut in_flight.phase, Phase::Release) {
            Phase::Publish(delivery) => Some((delivery, origin)),
            Phase::Release => None,
        }
    }

    /// Whether a PUBREL is under way: the client has sent its PUBREC.
    pub(crate) fn is_released(&self, packet_id: NonZeroU16) -> bool {
        let released = |phase: &Phase| matches!(phase, Phase::Release);
        self.position(packet_id, released).is_some()
    }

    /// A PUBCOMP.
    pub(crate) fn completed(&mut self, packet_id: NonZeroU16) -> bool {
        self.reserved.remove(&packet_id);
        let at = self.position(packet_id, |phase| matches!(phase, Phase::Release));
        at.and_then(|at| self.in_flight.remove(at)).is_some()
    }

    /// The connection has ended: what the client did not answer is sent again (MQTT-4.4.0-1).
    pub(crate) fn disconnected(&mut self) {
        for in_flight in &mut self.in_flight {
            in_flight.sent = false;
            if matches!(in_flight.origin, Origin::Live(_)) {
                in_flight.origin = Origin::Kept;
            }
        }
    }

    /// The next one to be sent again, in the order of the first time (MQTT-4.6.0-1).
    pub(crate) fn next_unsent(&mut self) -> Option<&mut InFlight> {
        self.in_flight.iter_mut().find(|in_flight| !in_flight.sent)
    }

    /// How many of them this connection has sent.
    pub(crate) fn sent(&self) -> usize {
        self.in_flight
            .iter()
            .filter(|in_flight| in_flight.sent)
            .count()
    }

    fn position(&self, packet_id: NonZeroU16, phase: impl Fn(&Phase) -> bool) -> Option<usize> {
        self.in_flight
            .iter()
            .position(|in_flight| in_flight.packet_id == packet_id && phase(&in_flight.phase))
    }

    /// A packet identifier that no message has.
    pub(crate) fn free_id(&mut self) -> NonZeroU16 {
        loop {
            let id = self.next_id;
            self.next_id = id.checked_add(1).unwrap_or(NonZeroU16::MIN);
            let in_use = |message: &InFlight| message.packet_id == id;
            if !self.in_flight.iter().any(in_use) && !self.reserved.contains(&id) {
                return id;
            }
        }
    }

    /// Whether a message of the session's queue is with the client.
    pub(crate) fn has(&self, place: Place) -> bool {
        let is_it = |origin: &Origin| matches!(origin, Origin::Stored(at) if *at == place);
        self.in_flight
            .iter()
            .any(|in_flight| is_it(&in_flight.origin))
    }
}
