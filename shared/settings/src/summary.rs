//! A pipeline as `latchwork check` shows it.

use std::fmt::{Debug, Display, Formatter, Result};

use record::TopicFilter;

use crate::pipeline::Pipeline;

impl Display for Pipeline {
    /// One line for each contract, hook and Kafka topic, and for each raw setting its name.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for contract in &self.contracts {
            let (filter, schema) = (contract.filter(), contract.schema().name());
            let client = if contract.checks_client_id() {
                ", client_id as in the topic"
            } else {
                ""
            };
            writeln!(f, "contract  {filter} must be {schema}{client}")?;
        }
        for hook in &self.hooks {
            let filter = hook.filter.as_ref().map_or("", TopicFilter::as_str);
            let (event, kafka_topic) = (hook.event.name(), &hook.kafka_topic);
            writeln!(f, "hook      {event:<20} {filter} -> {kafka_topic}")?;
        }
        for topic in &self.topics {
            match &topic.schema {
                Some(schema) => writeln!(f, "topic     {} must be {}", topic.name, schema.name())?,
                None => writeln!(f, "topic     {} is not checked", topic.name)?,
            }
        }
        for name in self.librdkafka.keys() {
            writeln!(f, "kafka     {name} is set")?;
        }
        if self.hooks.is_empty() {
            writeln!(
                f,
                "note      there is no [[hook]]: nothing is written to Kafka"
            )?;
        }
        let contracts = self.contracts.iter().count();
        write!(f, "ok: {contracts} contracts, {} hooks", self.hooks.len())
    }
}

impl Debug for Pipeline {
    /// The summary: the raw settings of librdkafka hold passwords.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Display::fmt(self, f)
    }
}
