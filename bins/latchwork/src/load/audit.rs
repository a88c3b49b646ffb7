//! What arrived in Kafka, message by message: one bit each.

use super::flight::Outcome;

/// What arrived in Kafka.
#[derive(Debug)]
pub(super) struct Audit {
    clients: Vec<Arrived>,
    /// Different messages.
    pub(super) distinct: u64,
    /// Messages that arrived again.
    pub(super) duplicates: u64,
    /// Messages that arrived for the first time after a later one of the same client.
    pub(super) out_of_order: u64,
    /// Records that are not of this run.
    pub(super) foreign: u64,
}

#[derive(Clone, Debug, Default)]
struct Arrived {
    bits: Vec<u64>,
    /// Sequence of the latest message so far, plus one.
    highest: u64,
}

impl Audit {
    pub(super) fn new(clients: usize) -> Self {
        Self {
            clients: vec![Arrived::default(); clients],
            distinct: 0,
            duplicates: 0,
            out_of_order: 0,
            foreign: 0,
        }
    }

    /// Enters a message; true when it is there for the first time.
    pub(super) fn arrived(&mut self, client: usize, sequence: u64) -> bool {
        let Some(arrived) = self.clients.get_mut(client) else {
            return false;
        };
        let (word, bit) = position(sequence);
        if arrived.bits.len() <= word {
            arrived.bits.resize(word + 1, 0);
        }
        let Some(bits) = arrived.bits.get_mut(word) else {
            return false;
        };
        if *bits & bit != 0 {
            self.duplicates += 1;
            return false;
        }
        *bits |= bit;
        self.distinct += 1;
        if sequence < arrived.highest {
            self.out_of_order += 1;
        }
        arrived.highest = arrived.highest.max(sequence + 1);
        true
    }

    /// Messages that the server acknowledged and that did not arrive, by the number of the client.
    pub(super) fn lost(&self, outcomes: &[(usize, Outcome)]) -> u64 {
        let missing = |(client, outcome): &(usize, Outcome)| {
            outcome
                .taken()
                .filter(|sequence| !self.has_arrived(*client, *sequence))
                .count() as u64
        };
        outcomes.iter().map(missing).sum()
    }

    fn has_arrived(&self, client: usize, sequence: u64) -> bool {
        let (word, bit) = position(sequence);
        let bits = self
            .clients
            .get(client)
            .and_then(|arrived| arrived.bits.get(word));
        bits.is_some_and(|bits| bits & bit != 0)
    }
}

/// Word and bit of a message.
fn position(sequence: u64) -> (usize, u64) {
    (
        usize::try_from(sequence / 64).unwrap_or(usize::MAX),
        1 << (sequence % 64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: of two clients' messages one is lost, one doubled, two change places, one is
    /// refused, and one arrives though it was never acknowledged.
    /// Guarantee: each fault is counted as what it is, and nothing else is.
    #[test]
    fn every_fault_is_counted() {
        let mut audit = Audit::new(2);
        for sequence in [0, 1, 3, 2, 64, 64, 65] {
            audit.arrived(0, sequence);
        }
        assert!(audit.arrived(1, 0));
        assert_eq!(
            (audit.distinct, audit.duplicates, audit.out_of_order),
            (7, 1, 1)
        );

        let outcome = |lowest, beyond: &[u64], refused: &[u64]| Outcome {
            lowest,
            beyond: beyond.to_vec(),
            refused: refused.to_vec(),
        };
        assert_eq!(
            audit.lost(&[(0, outcome(4, &[64], &[])), (1, outcome(1, &[], &[]))]),
            0
        );
        assert_eq!(audit.lost(&[(0, outcome(5, &[64], &[]))]), 1, "4 is lost");
        assert_eq!(
            audit.lost(&[(0, outcome(5, &[64], &[4]))]),
            0,
            "4 was refused"
        );
        assert_eq!(audit.lost(&[(1, outcome(1, &[2], &[]))]), 1, "2 is lost");
    }
}
