//! A packet that has begun must end.

use std::time::Duration;

use tokio::time::Instant;

/// When the packet that a client is sending must be complete.
///
/// The keep-alive alone does not stop a client that sends one byte in a while: for it, any byte
/// may be a sign of life, and with keep-alive 0 there is no limit at all.
///
/// After each read and decode the connection says what is left over; before the next wait it asks
/// for [`PacketDeadline::expires`].
#[derive(Clone, Copy, Debug)]
pub struct PacketDeadline {
    limit: Duration,
    began: Option<Instant>,
}

impl PacketDeadline {
    /// With a limit for each packet, from its first byte to its last.
    pub fn new(limit: Duration) -> Self {
        Self { limit, began: None }
    }

    /// To be told after every read, when all whole packets of it are handled: how many packets
    /// there were, and how many bytes of another one are left.
    pub fn read(&mut self, whole_packets: usize, bytes_left: usize, now: Instant) {
        self.began = match self.began {
            _ if bytes_left == 0 => None,
            // What is left is still the same packet.
            Some(began) if whole_packets == 0 => Some(began),
            _ => Some(now),
        };
    }

    /// When the packet must be complete; `None` between packets.
    pub fn expires(&self) -> Option<Instant> {
        self.began.map(|began| began + self.limit)
    }
}
