//! Contracts, then hooks.

use bytes::{Bytes, BytesMut};
use record::{EventKind, KafkaRecord, Kind, Origin, Record, write_envelope};
use schema::{Contracts, Violation};
use settings::{Hook, Pipeline};
use stage::{Handler, Outputs, Reject};

/// Bytes of memory that the values of many records share.
const ARENA: usize = 256 * 1024;

/// Checks the payload of every publish against its contract, and makes one Kafka record for each
/// hook that wants the event. What no hook wants is dropped on purpose.
#[derive(Clone, Debug)]
pub struct TransformHandler {
    contracts: Contracts,
    hooks: Vec<CompiledHook>,
    /// The envelope of the record at hand.
    envelope: Vec<u8>,
    /// Values are cut from here: one allocation for hundreds.
    arena: BytesMut,
}

#[derive(Clone, Debug)]
struct CompiledHook {
    hook: Hook,
    kind: i32,
    kafka_topic: Bytes,
}

impl TransformHandler {
    /// The handler of a pipeline.
    pub fn new(pipeline: &Pipeline) -> Self {
        let compile = |hook: &Hook| CompiledHook {
            kind: hook.event.kind().into(),
            kafka_topic: Bytes::from(hook.kafka_topic.clone()),
            hook: hook.clone(),
        };
        Self {
            contracts: pipeline.contracts().clone(),
            hooks: pipeline.hooks().iter().map(compile).collect(),
            envelope: Vec::new(),
            arena: BytesMut::new(),
        }
    }

    fn value(&mut self, event: EventKind, record: &Record) -> Bytes {
        self.envelope.clear();
        write_envelope(event, record, &mut self.envelope);
        if self.arena.capacity() < self.envelope.len() {
            self.arena.reserve(ARENA.max(self.envelope.len()));
        }
        self.arena.extend_from_slice(&self.envelope);
        self.arena.split().freeze()
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
        let topic = record.topic();
        if record.kind == i32::from(Kind::Publish) {
            self.contracts
                .check(topic, &record.payload)
                .map_err(reject)?;
        }
        let mut output = 0;
        for index in 0..self.hooks.len() {
            let Some(hook) = self.hooks.get(index) else {
                break;
            };
            if hook.kind != record.kind || !hook.hook.wants(record.kind(), topic) {
                continue;
            }
            let (event, kafka_topic) = (hook.hook.event, hook.kafka_topic.clone());
            let mut kafka_record = KafkaRecord {
                topic: kafka_topic,
                key: Some(record.client_id.clone()),
                value: self.value(event, record),
                timestamp_ms: record.received_at_ms,
                client_id: record.client_id.clone(),
                ..KafkaRecord::default()
            };
            origin.stamp(&mut kafka_record, &record.node, output);
            out.push(kafka_record);
            output += 1;
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
