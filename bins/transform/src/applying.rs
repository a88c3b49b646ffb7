//! What one rule makes of one record.

use bytes::Bytes;
use record::{Header, KafkaRecord, Kind, Origin, Record, UserProperty};
use rules::event::RecordEvent;
use rules::{ActionFailed, Effect, KafkaMessage, OnFailure, PartitionChoice, Publication, Rule};
use stage::{Outputs, Reject};

use crate::counters::{ActionTally, RuleTally};
use crate::output::Output;

/// Rules that may publish a message on, one after the other. Rules that publish for each other multiply
/// with each: ten of them make some thousand messages of one, and no more.
const MAX_HOPS: u32 = 4;

/// Whether the rules and hooks after a rule see the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    GoOn,
    /// `drop`.
    End,
}

/// A record with its place, and what has been made of it so far.
pub(crate) struct Application<'a> {
    pub(crate) record: &'a Record,
    pub(crate) event: &'a RecordEvent<'a>,
    pub(crate) origin: Origin,
    /// Kafka records that were made of it.
    pub(crate) index: u32,
    /// Rules and their actions that handed something on.
    pub(crate) done: &'a mut Vec<(usize, usize)>,
    pub(crate) out: &'a mut Outputs<Output>,
}

impl Application<'_> {
    /// Evaluates a rule and does what it says. `Err`: the message is a dead letter and nothing else.
    pub(crate) fn apply(
        &mut self,
        number: usize,
        rule: &Rule,
        tally: &mut RuleTally,
    ) -> Result<Next, Reject> {
        let outcome = match rule.evaluate(self.event) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => {
                tally.failed_no_result += 1;
                return Ok(Next::GoOn);
            }
            Err(failed) => {
                tally.failed_exception += 1;
                self.failed(rule, "rule-failed", &failed.to_string());
                return Ok(Next::GoOn);
            }
        };
        tally.passed += 1;
        let mut next = Next::GoOn;
        let mut failures = Failures::default();
        let actions = (0..rule.actions.len()).cycle();
        for (action, effect) in actions.zip(outcome.effects) {
            let Some(tally) = tally.actions.get_mut(action) else {
                continue;
            };
            match effect {
                Err((_, error)) => {
                    tally.failed += 1;
                    failures.add(action, &error);
                }
                Ok(_) if rule.shadow => tally.dropped += 1,
                Ok(effect) => {
                    let before = tally.success;
                    if self.take(rule, effect, tally)? == Next::End {
                        next = Next::End;
                    }
                    if tally.success > before {
                        self.done.push((number, action));
                    }
                }
            }
        }
        if let Some(text) = failures.text() {
            self.failed(rule, "action-failed", &text);
        }
        Ok(next)
    }

    fn take(
        &mut self,
        rule: &Rule,
        effect: Effect,
        tally: &mut ActionTally,
    ) -> Result<Next, Reject> {
        match effect {
            Effect::Kafka(message) => {
                let kafka_record = self.kafka_record(message);
                self.out.push(Output::Kafka(kafka_record));
            }
            Effect::Republish(publication) => {
                if self.is_circle(rule) {
                    tally.dropped += 1;
                    return Ok(Next::GoOn);
                }
                let publication = self.publication(rule, publication);
                self.out.push(Output::Publish(publication));
            }
            Effect::Drop => {
                tally.success += 1;
                return Ok(Next::End);
            }
            Effect::DeadLetter { detail } => {
                tally.success += 1;
                let detail = format!("rule {}: {detail}", rule.name);
                return Err(Reject::new("rule", bounded(&detail)));
            }
        }
        tally.success += 1;
        Ok(Next::GoOn)
    }

    /// A rule publishes once in a chain of messages, and no chain is long.
    fn is_circle(&self, rule: &Rule) -> bool {
        let mut before = self.record.republished_by.split(|byte| *byte == b',');
        before.any(|name| name == rule.name.as_bytes()) || self.record.republish_hops >= MAX_HOPS
    }

    /// The rules of the chain, of which the last is this one.
    fn chain(&self, rule: &Rule) -> Bytes {
        let before = &self.record.republished_by;
        if before.is_empty() {
            return Bytes::from(rule.name.clone());
        }
        Bytes::from([&before[..], b",", rule.name.as_bytes()].concat())
    }

    fn failed(&mut self, rule: &Rule, code: &'static str, text: &str) {
        if !rule.shadow && rule.on_failure == OnFailure::DeadLetter {
            let detail = format!("rule {}: {text}", rule.name);
            self.out.reject(Reject::new(code, bounded(&detail)));
        }
    }

    fn kafka_record(&mut self, message: KafkaMessage) -> KafkaRecord {
        let headers = message.headers.into_iter();
        let mut kafka_record = KafkaRecord {
            topic: message.topic,
            key: message.key,
            value: message.value,
            headers: headers
                .map(|(name, value)| Header { name, value })
                .collect(),
            timestamp_ms: message.timestamp_ms.unwrap_or(self.record.received_at_ms),
            client_id: self.record.client_id.clone(),
            partition: match message.partition {
                PartitionChoice::Number(number) => Some(number),
                PartitionChoice::Key | PartitionChoice::Random => None,
            },
            random_partition: message.partition == PartitionChoice::Random,
            topic_is_dynamic: message.topic_is_dynamic,
            ..KafkaRecord::default()
        };
        self.origin
            .stamp(&mut kafka_record, &self.record.node, self.index);
        self.index += 1;
        kafka_record
    }

    /// A rule is the publisher of what it publishes.
    fn publication(&self, rule: &Rule, publication: Publication) -> Record {
        let name = Bytes::from(rule.name.clone());
        let properties = publication.user_properties.into_iter();
        Record {
            kind: Kind::Publish.into(),
            client_id: name,
            topic: publication.topic,
            payload: publication.payload,
            qos: publication.qos,
            retain: publication.retain,
            received_at_ms: self.record.received_at_ms,
            node: self.record.node.clone(),
            user_properties: properties
                .map(|(name, value)| UserProperty { name, value })
                .collect(),
            republished_by: self.chain(rule),
            republish_hops: self.record.republish_hops + 1,
            ..Record::default()
        }
    }
}

/// What actions could not do with the results of one message. A list has thousands of members, and the
/// message is one dead letter.
#[derive(Default)]
struct Failures {
    first: Option<String>,
    more: usize,
}

impl Failures {
    fn add(&mut self, action: usize, error: &ActionFailed) {
        match self.first {
            None => self.first = Some(format!("action {}: {error}", action + 1)),
            Some(_) => self.more += 1,
        }
    }

    fn text(self) -> Option<String> {
        let first = self.first?;
        Some(match self.more {
            0 => first,
            more => format!("{first} (and {more} more failures)"),
        })
    }
}

/// A dead letter's cause is for people: what a device sent has a small part in it.
fn bounded(text: &str) -> String {
    const MOST: usize = 500;
    text.chars().take(MOST).collect()
}
