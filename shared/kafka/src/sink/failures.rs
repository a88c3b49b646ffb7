//! What becomes of the records of a flight that Kafka did not take.

use rdkafka::types::RDKafkaErrorCode;
use record::KafkaRecord;
use stage::{Refused, Reject};

use super::opening::no_topic;
use super::{KafkaSink, REFUSALS};
use crate::delivery::Failure;
use crate::failure::{Meaning, meaning};
use crate::gate::HeldFor;

/// What becomes of one record.
enum Fate {
    /// It is refused.
    Refused(Reject),
    /// It is tried again at once.
    Again,
    /// It is tried again after a wait.
    Later,
}

impl KafkaSink {
    /// Decides about each failed record; `true` when some are to be tried again, but not at once.
    pub(super) fn sort_out_failures(
        &mut self,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
    ) -> bool {
        let mut wait = false;
        for Failure { position, code } in std::mem::take(&mut self.failures) {
            let Some(&index) = self.plan.flight().get(position) else {
                continue;
            };
            let Some(record) = items.get(index) else {
                continue;
            };
            match self.fate(index, record, code) {
                Fate::Refused(reject) => {
                    refused.push(Refused { index, reject });
                    continue;
                }
                Fate::Again => {}
                Fate::Later => wait = true,
            }
            self.plan.put_back(index);
        }
        wait
    }

    fn fate(&mut self, index: usize, record: &KafkaRecord, code: RDKafkaErrorCode) -> Fate {
        match meaning(code) {
            Meaning::Record(word) if self.plan.was_refused(index) >= REFUSALS => {
                let detail = format!("Kafka refuses the record: {code}");
                Fate::Refused(Reject::new(word, detail))
            }
            Meaning::Record(_) | Meaning::NoRoom => Fate::Again,
            // Asked again, Kafka says whether the topic has this partition. If it has, it is
            // librdkafka that does not know it yet.
            Meaning::Partition => {
                self.open.remove(&record.topic);
                if self.plan.doubts(index) {
                    Fate::Again
                } else {
                    self.alarm(code, record.topic());
                    Fate::Later
                }
            }
            Meaning::Topic(HeldFor::Denied) if record.topic_is_dynamic => {
                // librdkafka fails all records of the topic from now on, until it is looked up.
                self.open.remove(&record.topic);
                Fate::Refused(no_topic(record.topic(), HeldFor::Denied))
            }
            Meaning::Topic(why) => {
                self.open.remove(&record.topic);
                if !record.topic_is_dynamic {
                    self.producer.gate().hold(&record.topic, why);
                }
                Fate::Later
            }
            Meaning::Passing => {
                self.alarm(code, record.topic());
                Fate::Later
            }
        }
    }

    fn alarm(&self, code: RDKafkaErrorCode, topic: &str) {
        use RDKafkaErrorCode::{Fatal, PurgeInflight, PurgeQueue};
        // The renewal of the producer has told it.
        if matches!(code, Fatal | PurgeInflight | PurgeQueue) {
            return;
        }
        let alarms = &self.producer.hub().alarms;
        if let Some(suppressed) = alarms.due(&format!("{code} {topic}")) {
            tracing::warn!(
                topic,
                suppressed,
                "Kafka did not take records ({code}); trying again"
            );
        }
    }
}
