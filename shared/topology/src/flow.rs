//! The flows: which stage takes from where and gives to where.

use std::fmt::Display;

use crate::stream::{ALERT, AUDIT, DLQ, DOWN, EV, NOTIFY, PUB, Part, REC, StreamSpec, UP};

/// One end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// MQTT clients.
    Mqtt,
    /// A JetStream stream.
    Stream(StreamSpec),
    /// Kafka.
    Kafka,
    /// Owners and operators.
    People,
}

/// One flow of a stage. A stage with two flows has two rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Its own name: the first part of its durables' names and the last token of its dead-letter
    /// subject.
    pub name: &'static str,
    /// The stage that runs it: also its binary's name.
    pub stage: &'static str,
    /// Where it is needed.
    pub part: Part,
    /// What it does, for people.
    pub does: &'static str,
    /// Where it takes from.
    pub from: End,
    /// Where it gives to.
    pub to: &'static [End],
}

impl Flow {
    /// Name of the durable consumer of one last token of its source's subjects.
    pub fn durable(&self, token: impl Display) -> String {
        format!("{}-{token}", self.name)
    }

    /// The stream it reads, if it reads one.
    pub fn source(&self) -> Option<StreamSpec> {
        match self.from {
            End::Stream(stream) => Some(stream),
            End::Mqtt | End::Kafka | End::People => None,
        }
    }

    /// Subject of its dead letters.
    pub fn dead_letters(&self) -> String {
        DLQ.subject_of(self.name)
    }
}

/// Every flow, in the order of the data.
pub const FLOWS: &[Flow] = &[
    MQTT_EDGE,
    PUBLISH,
    TRANSFORM,
    KAFKA_SINK,
    AUDIT_FLOW,
    NOTIFY_FLOW,
    SEND,
];

/// The stages, each once, that a pipeline with these parts needs.
pub fn stages(wanted: impl Fn(Part) -> bool) -> Vec<&'static str> {
    let mut stages: Vec<_> = FLOWS
        .iter()
        .filter(|flow| wanted(flow.part))
        .map(|flow| flow.stage)
        .collect();
    stages.dedup();
    stages
}

/// MQTT in, acknowledged when UP has it; what its clients can't take yet waits in DOWN.
pub const MQTT_EDGE: Flow = Flow {
    name: "mqtt-edge",
    stage: "mqtt-edge",
    part: Part::Road,
    does: "acknowledges a message when UP has it",
    from: End::Mqtt,
    to: &[End::Stream(UP), End::Stream(DOWN)],
};

/// What rules publish, as if a client had sent it.
pub const PUBLISH: Flow = Flow {
    name: "publish",
    stage: "mqtt-edge",
    part: Part::Road,
    does: "publishes what rules make",
    from: End::Stream(PUB),
    to: &[End::Stream(UP), End::Stream(DOWN)],
};

/// Contracts and envelopes.
pub const TRANSFORM: Flow = Flow {
    name: "transform",
    stage: "transform",
    part: Part::Road,
    does: "checks contracts, follows rules, makes envelopes",
    from: End::Stream(UP),
    to: &[End::Stream(REC), End::Stream(EV), End::Stream(PUB)],
};

/// Kafka out.
pub const KAFKA_SINK: Flow = Flow {
    name: "kafka-sink",
    stage: "kafka-sink",
    part: Part::Road,
    does: "writes batches, all replicas in sync",
    from: End::Stream(REC),
    to: &[End::Kafka],
};

/// Rules over locks and commands, and the log.
pub const AUDIT_FLOW: Flow = Flow {
    name: "audit",
    stage: "audit-notifier",
    part: Part::Audit,
    does: "watches locks, keeps the log",
    from: End::Stream(EV),
    to: &[End::Stream(AUDIT), End::Stream(REC), End::Stream(ALERT)],
};

/// Who is told what, where.
pub const NOTIFY_FLOW: Flow = Flow {
    name: "notify",
    stage: "audit-notifier",
    part: Part::Notify,
    does: "finds whom to tell, and when",
    from: End::Stream(ALERT),
    to: &[End::Stream(NOTIFY)],
};

/// The channels to people.
pub const SEND: Flow = Flow {
    name: "send",
    stage: "audit-notifier",
    part: Part::Notify,
    does: "sends by e-mail, SMS and webhook",
    from: End::Stream(NOTIFY),
    to: &[End::People],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::STREAMS;
    use std::collections::HashSet;

    /// Scenario: somebody adds a row with a name or stream that is there already or nowhere.
    /// Guarantee: names are unique, and each stream is in the table, written and, unless it is kept
    /// for people, read. No flow reads queues with durables: edges do it, one client at a time.
    #[test]
    fn the_table_is_closed() {
        let names: HashSet<_> = FLOWS.iter().map(|flow| flow.name).collect();
        assert_eq!(names.len(), FLOWS.len());
        for stream in STREAMS.iter().filter(|stream| **stream != DLQ) {
            assert!(
                FLOWS
                    .iter()
                    .any(|flow| flow.to.contains(&End::Stream(*stream))),
                "{}",
                stream.name
            );
            let is_read = FLOWS.iter().any(|flow| flow.source() == Some(*stream));
            let is_read_otherwise = *stream == AUDIT || stream.queue.is_some();
            assert!(is_read != is_read_otherwise, "{}", stream.name);
        }
        for flow in FLOWS {
            for end in flow.to.iter().chain([&flow.from]) {
                if let End::Stream(stream) = end {
                    assert!(STREAMS.contains(stream), "{}", stream.name);
                }
            }
        }
    }
}
