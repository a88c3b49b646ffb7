//! What is done with records, made from one version of the pipeline.

use std::sync::Arc;

use bytes::Bytes;
use record::{EventKind, Kind};
use rules::{Routes, Rule, rule_event};
use schema::Contracts;
use settings::Pipeline;

use crate::counters::{RuleCounters, RulesBoard};

/// Contracts, rules and hooks, ready to be used by one lane.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) version: Arc<str>,
    pub(crate) contracts: Contracts,
    routes: Routes,
    /// Rules, then hooks: a rule can keep a message from what comes after it.
    destinations: Vec<Destination>,
}

/// Who may be about a record.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    Rule(CountedRule),
    Hook(NamedHook),
}

/// A rule and where it is counted.
#[derive(Clone, Debug)]
pub(crate) struct CountedRule {
    pub(crate) rule: Arc<Rule>,
    pub(crate) counters: Arc<RuleCounters>,
}

/// A hook, with the name of its Kafka topic as every record of it shares it.
#[derive(Clone, Debug)]
pub(crate) struct NamedHook {
    pub(crate) event: EventKind,
    pub(crate) kafka_topic: Bytes,
}

impl Program {
    pub(crate) fn new(pipeline: &Pipeline, board: &RulesBoard) -> Self {
        let mut routes = Routes::default();
        let mut destinations = Vec::new();
        for (rule, counters) in pipeline.rules().iter().zip(board.follow(pipeline)) {
            routes.add(&rule.selector(), destinations.len());
            destinations.push(Destination::Rule(CountedRule {
                rule: Arc::clone(rule),
                counters,
            }));
        }
        for hook in pipeline.hooks() {
            routes.add(&hook.selector(), destinations.len());
            destinations.push(Destination::Hook(NamedHook {
                event: hook.event,
                kafka_topic: Bytes::from(hook.kafka_topic.clone()),
            }));
        }
        Self {
            version: Arc::from(pipeline.version()),
            contracts: pipeline.contracts().clone(),
            routes,
            destinations,
        }
    }

    /// Finds who is about a record of this kind and topic: their numbers, in order.
    pub(crate) fn find(&self, kind: Kind, topic: &str, found: &mut Vec<usize>) {
        match rule_event(kind) {
            Some(event) => self.routes.find(event, topic, found),
            None => found.clear(),
        }
    }

    pub(crate) fn destination(&self, number: usize) -> Option<&Destination> {
        self.destinations.get(number)
    }

    /// The rules, each with its number.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (usize, &CountedRule)> {
        let numbered = self.destinations.iter().enumerate();
        numbered.filter_map(|(number, destination)| match destination {
            Destination::Rule(rule) => Some((number, rule)),
            Destination::Hook(_) => None,
        })
    }
}
