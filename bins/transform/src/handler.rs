//! Contracts, then hooks.

use bytes::Bytes;
use record::{KafkaRecord, Kind, Origin, Record};
use schema::{Contracts, Violation};
use settings::{Hook, Pipeline};
use stage::{Handler, Outputs, Reject};

use crate::values::Values;

/// Checks the payload of every publish against its contract, and makes one Kafka record for each
/// hook that wants the event. What no hook wants is dropped on purpose.
#[derive(Clone, Debug)]
pub struct TransformHandler {
    contracts: Contracts,
    hooks: Vec<Output>,
    values: Values,
}

/// A hook, with the name of its Kafka topic as every record of it shares it.
#[derive(Clone, Debug)]
struct Output {
    hook: Hook,
    kafka_topic: Bytes,
}

impl TransformHandler {
    /// The handler of a pipeline.
    pub fn new(pipeline: &Pipeline) -> Self {
        let output = |hook: &Hook| Output {
            kafka_topic: Bytes::from(hook.kafka_topic.clone()),
            hook: hook.clone(),
        };
        Self {
            contracts: pipeline.contracts().clone(),
            hooks: pipeline.hooks().iter().map(output).collect(),
            values: Values::default(),
        }
    }
}

impl Handler for TransformHandler {
    type In = Record;
    type Out = KafkaRecord;

    fn handle(
        &mut self,
        record: &Record,
        origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        let (kind, topic) = (record.kind(), record.topic());
        if kind == Kind::Publish {
            self.contracts
                .check(topic, &record.payload)
                .map_err(reject)?;
        }
        let wanted = self
            .hooks
            .iter()
            .filter(|output| output.hook.wants(kind, topic));
        for (index, output) in (0_u32..).zip(wanted) {
            let mut kafka_record = KafkaRecord {
                topic: output.kafka_topic.clone(),
                key: Some(record.client_id.clone()),
                value: self.values.envelope(output.hook.event, record),
                timestamp_ms: record.received_at_ms,
                client_id: record.client_id.clone(),
                ..KafkaRecord::default()
            };
            origin.stamp(&mut kafka_record, &record.node, index);
            out.push(kafka_record);
        }
        Ok(())
    }
}

fn reject(violation: Violation) -> Reject {
    let Violation {
        code,
        schema,
        pointer,
        text,
    } = violation;
    Reject {
        code,
        schema,
        pointer,
        detail: text,
    }
}
