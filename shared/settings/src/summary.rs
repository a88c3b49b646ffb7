//! A pipeline as `latchwork check` shows it.

use std::fmt::{Debug, Display, Formatter, Result};

use record::TopicFilter;
use rules::Action;

use crate::commands::{CommandFilter, CommandMode};
use crate::pipeline::Pipeline;

impl Display for Pipeline {
    /// One line for each contract, hook, rule and Kafka topic, and for each raw setting its name.
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
        for rule in &self.rules {
            let from = rule.statement.from.join(", ");
            let actions: Vec<&str> = rule.actions.iter().map(Action::kind).collect();
            let shadow = if rule.shadow { " (shadow)" } else { "" };
            let (name, actions) = (&rule.name, actions.join(", "));
            writeln!(f, "rule      {name:<20} {from} -> {actions}{shadow}")?;
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
        self.businesses(f)?;
        if self.hooks.is_empty() && self.rules.is_empty() {
            writeln!(
                f,
                "note      there is no [[hook]] and no [[rule]]: nothing is written to Kafka"
            )?;
        }
        let contracts = self.contracts.iter().count();
        let (hooks, rules) = (self.hooks.len(), self.rules.len());
        write!(f, "ok: {contracts} contracts, {hooks} hooks, {rules} rules")
    }
}

impl Pipeline {
    /// Commands, audit and notification, where they are on.
    fn businesses(&self, f: &mut Formatter<'_>) -> Result {
        for CommandFilter { filter, mode } in &self.commands.filters {
            let mode = match mode {
                CommandMode::Off => continue,
                CommandMode::Observe => "are checked and let pass",
                CommandMode::Enforce => "must be signed",
            };
            writeln!(f, "commands  {filter} {mode}")?;
        }
        let Some(audit) = &self.audit else {
            return match self.notify {
                Some(_) => writeln!(
                    f,
                    "note      [notify] needs an [audit] table: nobody is told of anything"
                ),
                None => Ok(()),
            };
        };
        let signed = audit.checkpoint_key_file.as_ref().map_or("not ", |_| "");
        writeln!(
            f,
            "audit     {} and {}; checkpoints are {signed}signed",
            audit.state_filter, audit.command_filter
        )?;
        if let Some(notify) = &self.notify {
            let channels = [
                ("e-mail", notify.email.is_some()),
                ("SMS", notify.sms.is_some()),
                ("webhook", notify.webhook.is_some()),
            ];
            let on = channels.into_iter().filter(|(_, on)| *on);
            let on: Vec<_> = on.map(|(name, _)| name).collect();
            writeln!(f, "notify    {}", on.join(", "))?;
        }
        Ok(())
    }
}

impl Debug for Pipeline {
    /// The summary: the raw settings of librdkafka hold passwords.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Display::fmt(self, f)
    }
}
