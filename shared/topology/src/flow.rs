//! The flows: which stage takes from where and gives to where.

use crate::stream::{DLQ, REC, StreamSpec, UP};

/// One end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// MQTT clients.
    Mqtt,
    /// A JetStream stream.
    Stream(StreamSpec),
    /// Kafka.
    Kafka,
}

/// One stage's flow. A stage with two flows has two rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The stage: also its binary's name, and the last token of its dead-letter subject.
    pub stage: &'static str,
    /// What it does, for people.
    pub does: &'static str,
    /// Where it takes from.
    pub from: End,
    /// Where it gives to.
    pub to: End,
}

impl Flow {
    /// Name of the durable consumer of one partition, when the flow reads a stream.
    pub fn durable(&self, partition: u16) -> String {
        format!("{}-{partition}", self.stage)
    }

    /// The stream it reads, if it reads one.
    pub fn source(&self) -> Option<StreamSpec> {
        match self.from {
            End::Stream(stream) => Some(stream),
            End::Mqtt | End::Kafka => None,
        }
    }

    /// Subject of its dead letters.
    pub fn dead_letters(&self) -> String {
        format!("{}.{}", DLQ.subject, self.stage)
    }

    /// The flow of a stage.
    pub fn of(stage: &str) -> Option<&'static Flow> {
        FLOWS.iter().find(|flow| flow.stage == stage)
    }
}

/// Every flow, in the order of the data.
pub const FLOWS: &[Flow] = &[MQTT_EDGE, TRANSFORM, KAFKA_SINK];

/// MQTT in, acknowledged when UP has it.
pub const MQTT_EDGE: Flow = Flow {
    stage: "mqtt-edge",
    does: "acknowledges a message when UP has it",
    from: End::Mqtt,
    to: End::Stream(UP),
};

/// Contracts and envelopes.
pub const TRANSFORM: Flow = Flow {
    stage: "transform",
    does: "checks contracts, makes the envelopes",
    from: End::Stream(UP),
    to: End::Stream(REC),
};

/// Kafka out.
pub const KAFKA_SINK: Flow = Flow {
    stage: "kafka-sink",
    does: "writes batches, all replicas in sync",
    from: End::Stream(REC),
    to: End::Kafka,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::STREAMS;
    use std::collections::HashSet;

    /// Scenario: somebody adds a row with a stage or stream that is there already or nowhere.
    /// Guarantee: stages are unique, and each stream is in the table, written and read.
    #[test]
    fn the_table_is_closed() {
        let stages: HashSet<_> = FLOWS.iter().map(|flow| flow.stage).collect();
        assert_eq!(stages.len(), FLOWS.len());
        for stream in STREAMS.iter().filter(|stream| **stream != DLQ) {
            assert!(
                FLOWS.iter().any(|flow| flow.to == End::Stream(*stream)),
                "{}",
                stream.name
            );
            assert!(
                FLOWS.iter().any(|flow| flow.source() == Some(*stream)),
                "{}",
                stream.name
            );
        }
        for flow in FLOWS {
            for end in [flow.from, flow.to] {
                if let End::Stream(stream) = end {
                    assert!(STREAMS.contains(&stream), "{}", stream.name);
                }
            }
        }
    }
}
