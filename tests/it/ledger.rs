//! The account of a load: what was published, acknowledged, stored, and found dead.

use std::collections::{BTreeMap, HashMap};

use kafka::ReadRecord;
use record::{DeadLetter, Original};

use crate::kafka_log::{header, payload};
use crate::payloads::read_state;

/// Examples of each fault that a failed test shows.
const EXAMPLES: usize = 10;

/// Who published it, and its number there. Numbers grow in the order of publishing.
pub(crate) type Id = (String, u64);

#[derive(Default, Debug)]
struct Message {
    broken: bool,
    acknowledged: bool,
    /// The header lw-seq of each time it is in Kafka.
    stored: Vec<String>,
    dead: usize,
}

/// Follows every message.
#[derive(Default, Debug)]
pub(crate) struct Ledger {
    messages: BTreeMap<Id, Message>,
    newest: HashMap<String, u64>,
    overtaken: Vec<Id>,
    strangers: Vec<Id>,
}

/// How the account ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeats {
    /// Stored again with the same lw-seq: a reader recognises them.
    pub(crate) recognisable: usize,
    /// Stored again with another lw-seq: published again by the lock, or by the edge.
    pub(crate) republished: usize,
}

impl Ledger {
    pub(crate) fn published(&mut self, id: Id, broken: bool) {
        self.messages.insert(
            id,
            Message {
                broken,
                ..Message::default()
            },
        );
    }

    pub(crate) fn acknowledged(&mut self, id: &Id) {
        self.messages
            .get_mut(id)
            .expect("PUBACK of what was never published")
            .acknowledged = true;
    }

    /// Messages that were published.
    pub(crate) fn published_count(&self) -> usize {
        self.messages.len()
    }

    /// Books records in the order in which Kafka holds them.
    pub(crate) fn book_stored(&mut self, records: &[ReadRecord]) {
        for record in records {
            let id = read_state(&payload(record)).expect("a state");
            self.stored(id, header(record, "lw-seq"));
        }
    }

    fn stored(&mut self, id: Id, sequence: String) {
        let Some(message) = self.messages.get_mut(&id) else {
            self.strangers.push(id);
            return;
        };
        message.stored.push(sequence);
        // Repeats may come late; the order is that of the first occurrences.
        if message.stored.len() == 1 {
            let newest = self.newest.entry(id.0.clone()).or_default();
            if id.1 < *newest {
                self.overtaken.push(id);
            } else {
                *newest = id.1;
            }
        }
    }

    pub(crate) fn book_dead<'l>(&mut self, letters: impl IntoIterator<Item = &'l DeadLetter>) {
        for letter in letters {
            let Some(Original::Record(record)) = &letter.original else {
                panic!("a dead letter without its record: {letter:?}");
            };
            let id = read_state(&record.payload).expect("a state");
            match self.messages.get_mut(&id) {
                Some(message) => message.dead += 1,
                None => self.strangers.push(id),
            }
        }
    }

    /// Fails unless every acknowledged message is where it belongs, in order, and nothing else is.
    pub(crate) fn assert_whole(&self) -> Repeats {
        self.judge().unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn judge(&self) -> Result<Repeats, String> {
        let in_place = |message: &Message| {
            let (dead, stored) = (message.dead > 0, !message.stored.is_empty());
            (dead, stored) == (message.broken, !message.broken)
        };
        let lost = self.select(|message| message.acknowledged && !in_place(message));
        let unacknowledged = self.select(|message| !message.acknowledged);
        let faults = [
            ("acknowledged, but not where they belong", &lost),
            ("never acknowledged", &unacknowledged),
            (
                "stored behind a later one of the same lock",
                &self.overtaken,
            ),
            ("never published", &self.strangers),
        ];
        let found: Vec<String> = faults
            .into_iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(fault, ids)| self.tell(fault, ids))
            .collect();
        if found.is_empty() {
            return Ok(self.repeats());
        }
        let messages = self.messages.len();
        Err(format!("of {messages} messages:\n{}", found.join("\n")))
    }

    fn repeats(&self) -> Repeats {
        let mut repeats = Repeats {
            recognisable: 0,
            republished: 0,
        };
        for (id, message) in &self.messages {
            let mut sequences = message.stored.clone();
            sequences.sort_unstable();
            sequences.dedup();
            repeats.recognisable += message.stored.len() - sequences.len();
            if sequences.len() > 1 {
                eprintln!(
                    "{} number {} was published again: {sequences:?}",
                    id.0, id.1
                );
                repeats.republished += sequences.len() - 1;
            }
        }
        repeats
    }

    fn select(&self, is: impl Fn(&Message) -> bool) -> Vec<Id> {
        let selected = self.messages.iter().filter(|(_, message)| is(message));
        selected.map(|(id, _)| id.clone()).collect()
    }

    fn tell(&self, fault: &str, ids: &[Id]) -> String {
        let examples: Vec<String> = ids
            .iter()
            .take(EXAMPLES)
            .map(|id| format!("{} number {}: {:?}", id.0, id.1, self.messages.get(id)))
            .collect();
        format!("{} {fault}, e.g.\n  {}", ids.len(), examples.join("\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> Id {
        ("lock".to_owned(), number)
    }

    fn ledger(numbers: std::ops::Range<u64>) -> Ledger {
        let mut ledger = Ledger::default();
        for number in numbers {
            ledger.published(id(number), false);
            ledger.acknowledged(&id(number));
        }
        ledger
    }

    /// Scenario: three messages arrive in order, one of them twice as it is, one twice as another.
    /// Guarantee: all is well, and the two kinds of repeats are told apart.
    #[test]
    fn repeats_are_told_apart() {
        let mut ledger = ledger(0..3);
        for (number, sequence) in [(0, "a-1"), (1, "a-2"), (2, "a-3"), (0, "a-1"), (1, "b-9")] {
            ledger.stored(id(number), sequence.to_owned());
        }
        assert_eq!(
            ledger.judge(),
            Ok(Repeats {
                recognisable: 1,
                republished: 1
            })
        );
    }

    /// Scenario: one of three is missing; two change places; one was never published; a broken one
    /// is in Kafka.
    /// Guarantee: each fault fails, and is named: the scenarios can fail.
    #[test]
    fn every_fault_fails() {
        let mut missing = ledger(0..3);
        missing.stored(id(0), "a".to_owned());
        missing.stored(id(2), "c".to_owned());
        assert!(
            missing
                .judge()
                .unwrap_err()
                .contains("1 acknowledged, but not where")
        );

        let mut swapped = ledger(0..2);
        swapped.stored(id(1), "b".to_owned());
        swapped.stored(id(0), "a".to_owned());
        assert!(swapped.judge().unwrap_err().contains("behind a later one"));

        let mut strange = ledger(0..0);
        strange.stored(id(7), "x".to_owned());
        assert!(strange.judge().unwrap_err().contains("1 never published"));

        let mut broken = ledger(0..0);
        broken.published(id(0), true);
        broken.acknowledged(&id(0));
        broken.stored(id(0), "a".to_owned());
        assert!(
            broken
                .judge()
                .unwrap_err()
                .contains("not where they belong")
        );
    }
}
