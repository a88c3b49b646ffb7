//! Which records of a batch go next.

use std::collections::HashSet;

use bytes::Bytes;
use record::KafkaRecord;

use crate::enqueue::size;
use crate::open_topics::OpenTopics;
use crate::producer::Window;

/// The unconfirmed records of a batch, as indices, always in the order of the batch.
#[derive(Default)]
pub(crate) struct Plan {
    waiting: Vec<usize>,
    flight: Vec<usize>,
    left: Vec<usize>,
    /// Those that go one by one, because their message set was refused, and how often each was
    /// refused alone. Sorted.
    alone: Vec<(usize, u8)>,
    /// Those whose partition librdkafka did not know.
    doubted: HashSet<usize>,
}

impl Plan {
    /// Starts over with a batch of `count` records.
    pub(crate) fn reset(&mut self, count: usize) {
        self.waiting.clear();
        self.waiting.extend(0..count);
        self.flight.clear();
        self.alone.clear();
        self.doubted.clear();
    }

    /// Takes the next flight out of the waiting records; `false` when none of them can go. A
    /// record whose topic is not open waits, and so do all later ones of that topic.
    pub(crate) fn next_flight(
        &mut self,
        items: &[KafkaRecord],
        window: Window,
        open: &OpenTopics,
    ) -> bool {
        self.flight.clear();
        self.left.clear();
        let mut bytes = 0;
        let mut last: Option<(&Bytes, bool)> = None;
        for (place, &index) in self.waiting.iter().enumerate() {
            let Some(record) = items.get(index) else {
                continue;
            };
            let is_open = match last {
                Some((topic, is_open)) if *topic == record.topic => is_open,
                _ => open.contains(&record.topic),
            };
            last = Some((&record.topic, is_open));
            if !is_open {
                self.left.push(index);
                continue;
            }
            let alone = find(&self.alone, index).is_ok();
            let within = self.flight.len() < window.records && bytes < window.bytes;
            let takes = self.flight.is_empty() || within && !alone;
            if takes {
                self.flight.push(index);
                bytes += size(record);
            }
            if alone || !takes {
                let rest = place + usize::from(takes)..;
                self.left
                    .extend_from_slice(self.waiting.get(rest).unwrap_or_default());
                break;
            }
        }
        std::mem::swap(&mut self.waiting, &mut self.left);
        !self.flight.is_empty()
    }

    /// The flight that was taken last.
    pub(crate) fn flight(&self) -> &[usize] {
        &self.flight
    }

    /// Whether nothing waits.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn waiting(&self) -> &[usize] {
        &self.waiting
    }

    /// Lets the flight from `position` on wait again.
    pub(crate) fn put_back_from(&mut self, position: usize) {
        let back = self.flight.get(position..).unwrap_or_default();
        self.waiting.extend_from_slice(back);
        self.waiting.sort_unstable();
    }

    /// Lets one record wait again.
    pub(crate) fn put_back(&mut self, index: usize) {
        if let Err(place) = self.waiting.binary_search(&index) {
            self.waiting.insert(place, index);
        }
    }

    /// Whether the flight is one record that goes alone.
    pub(crate) fn flight_is_alone(&self) -> bool {
        matches!(*self.flight, [index] if find(&self.alone, index).is_ok())
    }

    /// Notes that the message set of a record was refused, and lets the record go alone from now
    /// on. Returns how often it was refused alone.
    pub(crate) fn was_refused(&mut self, index: usize) -> u8 {
        match find(&self.alone, index) {
            Ok(place) => self.alone.get_mut(place).map_or(0, |(_, times)| {
                *times = times.saturating_add(1);
                *times
            }),
            Err(place) => {
                self.alone.insert(place, (index, 0));
                0
            }
        }
    }

    /// Keeps only these of the waiting records.
    pub(crate) fn retain_waiting(&mut self, mut keep: impl FnMut(usize) -> bool) {
        self.waiting.retain(|index| keep(*index));
    }

    /// Notes that librdkafka does not know the partition of a record; `true` for the first time.
    pub(crate) fn doubts(&mut self, index: usize) -> bool {
        self.doubted.insert(index)
    }
}

fn find(alone: &[(usize, u8)], index: usize) -> Result<usize, usize> {
    alone.binary_search_by_key(&index, |(index, _)| *index)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn batch(topics: &[&'static str]) -> Vec<KafkaRecord> {
        let record = |topic: &&'static str| KafkaRecord {
            topic: Bytes::from_static(topic.as_bytes()),
            value: Bytes::from_static(&[b'x'; 100]),
            ..KafkaRecord::default()
        };
        topics.iter().map(record).collect()
    }

    fn open(topics: &[&'static str]) -> OpenTopics {
        let mut open = OpenTopics::default();
        for topic in topics {
            open.insert(Bytes::from_static(topic.as_bytes()), 1, Instant::now());
        }
        open
    }

    const WIDE: Window = Window {
        records: 100,
        bytes: 1_000_000,
    };

    /// Scenario: records of an open and a held topic, mixed.
    /// Guarantee: those of the open topic go in order, those of the held one wait in order.
    #[test]
    fn held_topics_wait_and_others_pass() {
        let items = batch(&["a", "b", "a", "b", "a"]);
        let mut plan = Plan::default();
        plan.reset(items.len());
        assert!(plan.next_flight(&items, WIDE, &open(&["a"])));
        assert_eq!(plan.flight(), [0, 2, 4]);
        assert!(!plan.next_flight(&items, WIDE, &open(&["a"])));
        assert_eq!(plan.waiting(), [1, 3]);
        assert!(plan.next_flight(&items, WIDE, &open(&["a", "b"])));
        assert_eq!(plan.flight(), [1, 3]);
        assert!(plan.is_done());
    }

    /// Scenario: a batch above the window by count, then by bytes, then with a record that alone
    /// is above it.
    /// Guarantee: flights keep the order and the window, which its last record may pass.
    #[test]
    fn flights_keep_the_window() {
        let mut items = batch(&["a"; 5]);
        let flights = |items: &[KafkaRecord], records, bytes| {
            let mut plan = Plan::default();
            plan.reset(items.len());
            let mut flights = Vec::new();
            while plan.next_flight(items, Window { records, bytes }, &open(&["a"])) {
                flights.push(plan.flight().to_vec());
            }
            assert!(plan.is_done());
            flights
        };
        assert_eq!(flights(&items, 2, 1000), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(flights(&items, 9, 200), [vec![0, 1], vec![2, 3], vec![4]]);
        items[1].value = Bytes::from_static(&[0; 600]);
        assert_eq!(flights(&items, 9, 500), [vec![0, 1], vec![2, 3, 4]]);
    }

    /// Scenario: two neighbours are to be sent alone.
    /// Guarantee: what is before them goes first, then each of them alone, then the rest.
    #[test]
    fn suspects_go_alone_and_in_order() {
        let items = batch(&["a"; 6]);
        let mut plan = Plan::default();
        plan.reset(items.len());
        assert_eq!(
            [3, 2, 2, 2].map(|index| plan.was_refused(index)),
            [0, 0, 1, 2]
        );
        let mut flights = Vec::new();
        while plan.next_flight(&items, WIDE, &open(&["a"])) {
            flights.push((plan.flight().to_vec(), plan.flight_is_alone()));
        }
        let [before, two, three, after] = [vec![0, 1], vec![2], vec![3], vec![4, 5]];
        let expected = [(before, false), (two, true), (three, true), (after, false)];
        assert_eq!(flights, expected);
    }

    /// Scenario: a flight stops in the middle, one of its records failed, one topic is given up.
    /// Guarantee: what is put back waits in the order of the batch, each record once.
    #[test]
    fn what_is_put_back_keeps_its_place() {
        let items = batch(&["a", "b", "a", "a", "b"]);
        let mut plan = Plan::default();
        plan.reset(items.len());
        plan.next_flight(&items, WIDE, &open(&["a"]));
        assert_eq!(plan.flight(), [0, 2, 3]);
        plan.put_back_from(2);
        plan.put_back(0);
        plan.put_back(0);
        assert_eq!(plan.waiting(), [0, 1, 3, 4]);
        plan.retain_waiting(|index| items[index].topic != items[1].topic);
        assert_eq!(plan.waiting(), [0, 3]);
    }
}
