//! Looking up the topics of records that wait, and refusing what can't be sent.

use std::time::{Duration, Instant};

use bytes::Bytes;
use record::KafkaRecord;
use stage::{Refused, Reject};

use super::KafkaSink;
use crate::error::KafkaError;
use crate::gate::{Found, HeldFor, is_topic_name};
use crate::producer::UnknownTopic;

impl KafkaSink {
    /// Looks up the topics of the waiting records; `true` when something can go on.
    pub(super) async fn open_topics(
        &mut self,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
    ) -> Result<bool, KafkaError> {
        // Whether somebody waits for the topic decides how fresh the answer must be.
        let mut topics: Vec<(Bytes, bool)> = Vec::new();
        for record in self
            .plan
            .waiting()
            .iter()
            .filter_map(|index| items.get(*index))
        {
            let is_awaited = !record.topic_is_dynamic;
            match topics.iter_mut().find(|(topic, _)| *topic == record.topic) {
                Some((_, awaited)) => *awaited |= is_awaited,
                // A slice would keep the whole frame for as long as the topic is remembered.
                None => topics.push((Bytes::copy_from_slice(&record.topic), is_awaited)),
            }
        }
        let mut progress = false;
        for (topic, is_awaited) in topics {
            let found = if is_topic_name(&topic) {
                let producer = self.producer.live().producer;
                let gate = self.producer.gate();
                let is_awaited = is_awaited || gate.expected().contains(&topic);
                gate.look_up(&topic, producer, self.began, is_awaited)
                    .await?
            } else {
                Found::Invalid
            };
            progress |= match found {
                Found::Open { partitions } => {
                    self.open_topic(&topic, partitions, items, refused);
                    true
                }
                Found::Shut(why) => self.wait_or_refuse(&topic, why, items, refused),
                Found::Invalid => self.refuse(items, refused, |record| {
                    (record.topic == topic).then(not_a_topic)
                }),
                Found::NoAnswer => false,
            };
        }
        Ok(progress)
    }

    /// Opens a topic, and refuses the records for a partition that it does not have. The number of
    /// partitions was asked for after these records came, so none of them can be too early.
    fn open_topic(
        &mut self,
        topic: &Bytes,
        partitions: i32,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
    ) {
        self.open.insert(topic.clone(), partitions, self.began);
        self.refuse(items, refused, |record| {
            let partition = record.partition.filter(|_| record.topic == *topic)?;
            let is_there = (0..partitions).contains(&partition);
            (!is_there).then(|| no_partition(record.topic(), partition, partitions))
        });
    }

    /// Refuses the records of a topic that can't be written to if nobody may wait for it, and holds
    /// the others back. `true` when some were refused.
    fn wait_or_refuse(
        &mut self,
        topic: &Bytes,
        why: HeldFor,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
    ) -> bool {
        let of_dynamic = |record: &KafkaRecord| {
            let is_dynamic = record.topic == *topic && record.topic_is_dynamic;
            is_dynamic.then(|| no_topic(record.topic(), why))
        };
        let progress = !self.is_waited_for(topic, why) && self.refuse(items, refused, of_dynamic);
        let is_wanted = |index: &usize| {
            let record = items.get(*index);
            record.is_some_and(|one| one.topic == *topic && !one.topic_is_dynamic)
        };
        if !self.plan.waiting().iter().any(is_wanted) {
            return progress;
        }
        let held = self.producer.gate().hold(topic, why);
        if why == HeldFor::Unknown && self.gives_up_after(held) {
            let of_topic = |record: &KafkaRecord| {
                (record.topic == *topic).then(|| no_topic(record.topic(), why))
            };
            return self.refuse(items, refused, of_topic) || progress;
        }
        progress
    }

    /// Whether also the records wait in the name of whose topic a message had a part.
    fn is_waited_for(&self, topic: &Bytes, why: HeldFor) -> bool {
        let within = self.producer.missing_for();
        let expected = self.producer.gate().expected();
        why == HeldFor::Unknown && expected.may_wait(topic, Instant::now(), within)
    }

    /// Takes out the waiting records that are to be refused; `true` when there were some.
    fn refuse(
        &mut self,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
        mut reject: impl FnMut(&KafkaRecord) -> Option<Reject>,
    ) -> bool {
        let before = refused.len();
        self.plan.retain_waiting(|index| {
            let Some(reject) = items.get(index).and_then(&mut reject) else {
                return true;
            };
            refused.push(Refused { index, reject });
            false
        });
        refused.len() > before
    }

    fn gives_up_after(&self, held: Duration) -> bool {
        match self.producer.unknown_topic() {
            UnknownTopic::Wait => false,
            UnknownTopic::DeadLetter { after } => held >= after,
        }
    }
}

/// Why a record is refused whose topic can't be written to.
pub(super) fn no_topic(topic: &str, why: HeldFor) -> Reject {
    match why {
        HeldFor::Unknown => Reject::new(
            "unknown-topic",
            format!("the Kafka topic {topic} does not exist"),
        ),
        HeldFor::Denied => Reject::new(
            "denied-topic",
            format!(
                "Kafka denies writing to the topic {topic}: allow this client DESCRIBE and WRITE \
                 on it, if it exists"
            ),
        ),
    }
}

fn no_partition(topic: &str, partition: i32, partitions: i32) -> Reject {
    Reject::new(
        "unknown-partition",
        format!(
            "the Kafka topic {topic} has no partition {partition}: it has {partitions}, numbered \
             from 0"
        ),
    )
}

fn not_a_topic() -> Reject {
    Reject::new(
        "kafka-topic",
        "not a Kafka topic: 1 to 249 of the characters a-z A-Z 0-9 . _ - are allowed",
    )
}
