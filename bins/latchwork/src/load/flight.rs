//! What one client has sent and what was acknowledged, without storing anything per message.

use std::collections::VecDeque;

use super::message::packet_id;

/// The messages of one client, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// All before this one are acknowledged.
    lowest: u64,
    /// Of those from `lowest` on that were ever sent: acknowledged ahead of an earlier one?
    acknowledged: VecDeque<bool>,
    /// The next to send on this connection.
    next: u64,
    /// Refused by the server with a reason.
    refused: Vec<u64>,
}

/// How a client's messages ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// All before this one are acknowledged, and those in `beyond`.
    pub(super) lowest: u64,
    pub(super) beyond: Vec<u64>,
    /// Acknowledged with a reason why the server does not take it.
    pub(super) refused: Vec<u64>,
}

impl Outcome {
    /// Messages that the server took: all of them must be in Kafka.
    pub(super) fn taken(&self) -> impl Iterator<Item = u64> {
        let all = (0..self.lowest).chain(self.beyond.iter().copied());
        all.filter(|sequence| self.refused.binary_search(sequence).is_err())
    }
}

impl Flight {
    /// The next message to send, if the window has room; and whether it was sent before.
    pub(super) fn next(&mut self, due: u64, window: u64) -> Option<(u64, bool)> {
        loop {
            if self.next >= due || self.next - self.lowest >= window {
                return None;
            }
            let sequence = self.next;
            self.next += 1;
            match self.acknowledged.get(place(sequence - self.lowest)) {
                None => {
                    self.acknowledged.push_back(false);
                    return Some((sequence, false));
                }
                Some(false) => return Some((sequence, true)),
                Some(true) => {}
            }
        }
    }

    /// The message that a PUBACK belongs to; `None` when it belongs to none that is on its way.
    pub(super) fn acknowledge(&mut self, id: u16, is_refused: bool) -> Option<u64> {
        if id == 0 {
            return None;
        }
        let distance = u64::from(id) + 65_535 - u64::from(packet_id(self.lowest));
        let sequence = self.lowest + distance % 65_535;
        let flag = self.acknowledged.get_mut(place(sequence - self.lowest));
        let flag = flag.filter(|flag| !**flag && sequence < self.next)?;
        *flag = true;
        while self.acknowledged.front() == Some(&true) {
            self.acknowledged.pop_front();
            self.lowest += 1;
        }
        // Later ones may have been acknowledged on an earlier connection.
        self.next = self.next.max(self.lowest);
        if is_refused {
            self.refused.push(sequence);
        }
        Some(sequence)
    }

    /// The connection is gone: what was not acknowledged has to be sent again.
    pub(super) fn rewind(&mut self) {
        self.next = self.lowest;
    }

    pub(super) fn into_outcome(mut self) -> Outcome {
        let lowest = self.lowest;
        let beyond = (lowest..)
            .zip(self.acknowledged)
            .filter_map(|(n, acked)| acked.then_some(n));
        self.refused.sort_unstable();
        Outcome {
            lowest,
            beyond: beyond.collect(),
            refused: self.refused,
        }
    }
}

/// Distances within a window fit every machine.
fn place(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send_all(flight: &mut Flight, due: u64, window: u64) -> Vec<(u64, bool)> {
        std::iter::from_fn(|| flight.next(due, window)).collect()
    }

    /// Scenario: more is due than the window holds, PUBACKs come out of order, one is a refusal,
    /// one is for nothing, and the identifiers wrap around.
    /// Guarantee: the window holds, and each PUBACK finds its message.
    #[test]
    fn pubacks_find_their_messages() {
        let mut flight = Flight {
            lowest: 65_533,
            next: 65_533,
            ..Flight::default()
        };
        let sent = send_all(&mut flight, 70_000, 4);
        assert_eq!(sent, [65_533, 65_534, 65_535, 65_536].map(|n| (n, false)));
        assert_eq!(flight.next(70_000, 4), None);
        assert_eq!(flight.acknowledge(packet_id(65_535), true), Some(65_535));
        assert_eq!(flight.acknowledge(packet_id(65_535), false), None, "twice");
        assert_eq!(
            flight.acknowledge(packet_id(65_537), false),
            None,
            "not sent"
        );
        assert_eq!(flight.next(70_000, 4), None, "the oldest holds the window");
        assert_eq!(flight.acknowledge(packet_id(65_533), false), Some(65_533));
        assert_eq!(send_all(&mut flight, 70_000, 4), [(65_537, false)]);
        assert_eq!(flight.acknowledge(0, false), None, "no identifier");

        flight.rewind();
        let again = send_all(&mut flight, 65_539, 10);
        assert_eq!(
            again,
            [
                (65_534, true),
                (65_536, true),
                (65_537, true),
                (65_538, false)
            ]
        );
        flight.rewind();
        assert_eq!(flight.next(65_539, 1), Some((65_534, true)));
        assert_eq!(flight.acknowledge(packet_id(65_534), false), Some(65_534));
        assert_eq!(send_all(&mut flight, 65_539, 1), [(65_536, true)]);
        flight.rewind();
        let outcome = flight.into_outcome();
        assert_eq!(
            (outcome.lowest, &outcome.beyond[..], &outcome.refused[..]),
            (65_536, &[0_u64; 0][..], &[65_535][..])
        );
        assert_eq!(outcome.taken().count(), 65_535);
    }
}
