//! What is accepted but not acknowledged yet, in order.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use super::message::{Publish, Qos};

/// One message that is not acknowledged yet.
#[derive(Debug)]
pub(super) struct Unacknowledged {
    pub(super) sequence: u64,
    pub(super) publish: Publish,
}

/// Messages in the order they were accepted in. A message keeps its packet identifier over
/// connections, as a kept session demands (MQTT-4.4.0-1).
#[derive(Debug, Default)]
pub(super) struct ResendQueue {
    messages: VecDeque<Unacknowledged>,
    /// How many of them went out on this connection.
    sent: usize,
    last_id: u16,
}

impl ResendQueue {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn push(&mut self, sequence: u64, mut publish: Publish) {
        publish.packet_id = match publish.qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce => self.free_id(),
        };
        self.messages
            .push_back(Unacknowledged { sequence, publish });
    }

    /// The next message to send on this connection.
    pub(super) fn unsent(&self) -> Option<&Unacknowledged> {
        self.messages.get(self.sent)
    }

    /// The message that [`unsent`](Self::unsent) gave is on its way; from now on it is a repeat.
    pub(super) fn mark_sent(&mut self) {
        if let Some(message) = self.messages.get_mut(self.sent) {
            // DUP with QoS 0 breaks the protocol (MQTT-3.3.1-2).
            message.publish.dup = message.publish.qos == Qos::AtLeastOnce;
            self.sent += 1;
        }
    }

    /// Takes a message out, wherever it stands.
    pub(super) fn acknowledge(&mut self, sequence: u64) -> bool {
        let Some(at) = self
            .messages
            .iter()
            .position(|message| message.sequence == sequence)
        else {
            return false;
        };
        self.messages.remove(at);
        self.sent = self.sent.saturating_sub(usize::from(at < self.sent));
        true
    }

    /// The connection is gone: everything has to be sent again.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
    }

    pub(super) fn into_sequences(self) -> Vec<u64> {
        self.messages
            .into_iter()
            .map(|message| message.sequence)
            .collect()
    }

    fn free_id(&mut self) -> Option<NonZeroU16> {
        for _ in 0..u16::MAX {
            self.last_id = self.last_id.wrapping_add(1);
            let id = NonZeroU16::new(self.last_id);
            let in_use = self
                .messages
                .iter()
                .any(|message| message.publish.packet_id == id);
            if id.is_some() && !in_use {
                return id;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsent(queue: &ResendQueue) -> Option<(u64, bool, u16)> {
        let message = queue.unsent()?;
        Some((
            message.sequence,
            message.publish.dup,
            message.publish.packet_id?.get(),
        ))
    }

    /// Scenario: three messages go out, the second is acknowledged, and the connection breaks.
    /// Guarantee: the first and the third are sent again, in order, as repeats, under their
    /// identifiers; a new message comes after them.
    #[test]
    fn repeats_keep_order_and_identifier() {
        let mut queue = ResendQueue::default();
        for sequence in 10..13 {
            queue.push(sequence, Publish::new("t", "p"));
            assert_eq!(
                unsent(&queue).map(|(s, dup, _)| (s, dup)),
                Some((sequence, false))
            );
            queue.mark_sent();
        }
        assert!(queue.unsent().is_none());
        assert!(queue.acknowledge(11));
        assert!(!queue.acknowledge(11), "reported once");
        queue.rewind();
        queue.push(13, Publish::new("t", "p"));
        let mut again = Vec::new();
        while let Some(message) = unsent(&queue) {
            again.push(message);
            queue.mark_sent();
        }
        assert_eq!(again, [(10, true, 1), (12, true, 3), (13, false, 4)]);
        assert_eq!(queue.into_sequences(), [10, 12, 13]);
    }
}
