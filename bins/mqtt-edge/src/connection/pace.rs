//! How slow and how fast a client may send.

use tokio::time::Instant;

use super::End;
use crate::codec::ReasonCode;
use crate::listener::{PublishLimits, PublishRate, Taken};
use crate::wire::PacketDeadline;

/// What one read brought.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Brought {
    /// Whole packets.
    pub(super) packets: usize,
    /// Publishes among them.
    pub(super) messages: usize,
    /// Bytes of their payloads.
    pub(super) bytes: usize,
}

/// One client's limits of time.
pub(super) struct Pace {
    packet: PacketDeadline,
    publishing: Option<PublishRate>,
    /// Nothing is read before: the client feels it by TCP.
    pause: Option<Instant>,
}

impl Pace {
    pub(super) fn new(packet: PacketDeadline, limits: &PublishLimits) -> Self {
        Self {
            packet,
            publishing: limits.account(Instant::now()),
            pause: None,
        }
    }

    /// A read was handled; so many bytes of another packet are left.
    pub(super) fn read(&mut self, brought: Brought, bytes_left: usize) -> Result<(), End> {
        let now = Instant::now();
        self.packet.read(brought.packets, bytes_left, now);
        let Some(rate) = &mut self.publishing else {
            return Ok(());
        };
        match rate.take(brought.messages, brought.bytes, now) {
            Taken::Now => {}
            Taken::Wait(pause) => self.pause = Some(now + pause),
            Taken::TooLong => {
                let text = "published faster than allowed for too long";
                let code = ReasonCode::QUOTA_EXCEEDED;
                return Err(End::with_text("publish_rate", code, text));
            }
        }
        Ok(())
    }

    /// When reading may go on, if not now.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.pause
    }

    pub(super) fn go_on(&mut self) {
        self.pause = None;
    }

    /// When the packet that has begun must be complete. While nothing is read it can't be.
    pub(super) fn packet_end(&self) -> Option<Instant> {
        self.packet.expires().filter(|_| self.pause.is_none())
    }

    pub(super) fn too_slow() -> End {
        let text = "a packet that began did not end in time";
        End::with_text("packet_timeout", ReasonCode::UNSPECIFIED_ERROR, text)
    }
}
