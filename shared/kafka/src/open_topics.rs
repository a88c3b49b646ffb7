//! The topics that one lane can write to, and which partition of them a record goes to.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::types::RDKafkaErrorCode;
use record::KafkaRecord;

/// How long random partitions are chosen among those that a look-up has found. As long as
/// librdkafka takes to see more of them, see `topic.metadata.refresh.interval.ms`.
const COUNT_KEEPS: Duration = Duration::from_mins(1);

/// Topics that were looked up and can be written to.
#[derive(Default)]
pub(crate) struct OpenTopics {
    topics: HashMap<Bytes, OpenTopic>,
    /// Those whose count of partitions is old and was used all the same.
    aged: Vec<Bytes>,
}

struct OpenTopic {
    partitions: i32,
    looked_up: Instant,
}

impl OpenTopics {
    pub(crate) fn insert(&mut self, topic: Bytes, partitions: i32, looked_up: Instant) {
        let open = OpenTopic {
            partitions,
            looked_up,
        };
        self.topics.insert(topic, open);
    }

    pub(crate) fn remove(&mut self, topic: &Bytes) {
        self.topics.remove(topic);
    }

    pub(crate) fn contains(&self, topic: &Bytes) -> bool {
        self.topics.contains_key(topic)
    }

    /// The partition that a record must go to. `None` leaves the choice to librdkafka: by the key,
    /// or any when there is none.
    pub(crate) fn partition_of(
        &mut self,
        record: &KafkaRecord,
        now: Instant,
    ) -> Result<Option<i32>, RDKafkaErrorCode> {
        match record.partition {
            // -1 would be any partition for librdkafka.
            Some(..0) => Err(RDKafkaErrorCode::UnknownPartition),
            Some(partition) => Ok(Some(partition)),
            None if record.random_partition && record.key.is_some() => {
                let any = self.any_partition(&record.topic, now);
                any.map(Some).ok_or(RDKafkaErrorCode::UnknownPartition)
            }
            None => Ok(None),
        }
    }

    fn any_partition(&mut self, topic: &Bytes, now: Instant) -> Option<i32> {
        let open = self.topics.get(topic)?;
        let age = now.saturating_duration_since(open.looked_up);
        if age >= COUNT_KEEPS && !self.aged.contains(topic) {
            self.aged.push(topic.clone());
        }
        (open.partitions > 0).then(|| fastrand::i32(0..open.partitions))
    }

    /// Lets the topics whose count is old be looked up before they are used again: once a minute
    /// each, and only those where records go to random partitions.
    pub(crate) fn forget_aged(&mut self) {
        for topic in self.aged.drain(..) {
            self.topics.remove(&topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn record() -> KafkaRecord {
        KafkaRecord {
            topic: "a".into(),
            key: Some("lock-1".into()),
            ..KafkaRecord::default()
        }
    }

    fn random() -> KafkaRecord {
        KafkaRecord {
            random_partition: true,
            ..record()
        }
    }

    fn open(partitions: i32, looked_up: Instant) -> OpenTopics {
        let mut open = OpenTopics::default();
        open.insert("a".into(), partitions, looked_up);
        open
    }

    /// Scenario: records of each kind: by key, at random without a key, a given partition, a given
    /// one that is also to be random, and one below zero.
    /// Guarantee: a given partition wins; only by the key and without one librdkafka chooses; no
    /// negative number reaches it.
    #[test]
    fn the_partition_is_given_or_chosen() {
        let now = Instant::now();
        let given = |partition| KafkaRecord {
            partition: Some(partition),
            ..random()
        };
        let without_key = KafkaRecord {
            key: None,
            ..random()
        };
        let unknown = RDKafkaErrorCode::UnknownPartition;
        for (record, expected) in [
            (record(), Ok(None)),
            (without_key, Ok(None)),
            (given(0), Ok(Some(0))),
            (given(99), Ok(Some(99))),
            (given(-1), Err(unknown)),
            (given(i32::MIN), Err(unknown)),
        ] {
            assert_eq!(open(3, now).partition_of(&record, now), expected);
        }
    }

    /// Scenario: a thousand records with one key go to random partitions of five.
    /// Guarantee: every partition is chosen, and none that is not there; of a topic without any,
    /// none is made up.
    #[test]
    fn random_partitions_are_those_of_the_topic() {
        let now = Instant::now();
        let mut topics = open(5, now);
        let mut choose = || topics.partition_of(&random(), now).unwrap().unwrap();
        let chosen: HashSet<i32> = (0..1000).map(|_| choose()).collect();
        assert_eq!(chosen, (0..5).collect());
        assert!(open(0, now).partition_of(&random(), now).is_err());
    }

    /// Scenario: a topic that was looked up a minute ago is used by key, then at random.
    /// Guarantee: only the random use lets it be looked up again, and not in the middle of a
    /// flight; a count that is younger stays.
    #[test]
    fn an_old_count_is_looked_up_again() {
        let looked_up = Instant::now();
        let mut topics = open(3, looked_up);
        for (record, age, stays) in [
            (random(), COUNT_KEEPS / 2, true),
            (record(), COUNT_KEEPS, true),
            (random(), COUNT_KEEPS, false),
        ] {
            for _ in 0..2 {
                assert!(topics.partition_of(&record, looked_up + age).is_ok());
            }
            topics.forget_aged();
            assert_eq!(topics.contains(&record.topic), stays);
        }
    }
}
