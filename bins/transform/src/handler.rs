//! Contracts, then hooks.

use std::sync::Arc;

use bytes::Bytes;
use record::{KafkaRecord, Kind, Origin, Record};
use schema::Contracts;
use settings::{AuditSettings, Hook, Pipeline};
use stage::{Handler, Outputs, Reject};

use crate::output::Output;
use crate::values::Values;

/// Checks the payload of every publish against its contract, and makes one Kafka record for each
/// hook that wants the event. What no hook wants is dropped on purpose.
///
/// Where there is an audit, the untouched records that it wants go to it as well.
#[derive(Clone, Debug)]
pub struct TransformHandler {
    contracts: Contracts,
    hooks: Vec<NamedHook>,
    audit: Option<Arc<AuditSettings>>,
    values: Values,
}

/// A hook, with the name of its Kafka topic as every record of it shares it.
#[derive(Clone, Debug)]
struct NamedHook {
    hook: Hook,
    kafka_topic: Bytes,
}

impl TransformHandler {
    /// The handler of a pipeline.
    pub fn new(pipeline: &Pipeline) -> Self {
        let named = |hook: &Hook| NamedHook {
            kafka_topic: Bytes::from(hook.kafka_topic.clone()),
            hook: hook.clone(),
        };
        Self {
            contracts: pipeline.contracts().clone(),
            hooks: pipeline.hooks().iter().map(named).collect(),
            audit: pipeline.audit().cloned().map(Arc::new),
            values: Values::default(),
        }
    }
}

impl TransformHandler {
    /// Puts out the Kafka records of the hooks that want a record.
    fn envelopes(&mut self, record: &Record, origin: Origin, out: &mut Outputs<Output>) {
        let (kind, topic) = (record.kind(), record.topic());
        let wanted = self
            .hooks
            .iter()
            .filter(|named| named.hook.wants(kind, topic));
        for (index, named) in (0_u32..).zip(wanted) {
            let mut kafka_record = KafkaRecord {
                topic: named.kafka_topic.clone(),
                key: Some(record.client_id.clone()),
                value: self.values.envelope(named.hook.event, record),
                timestamp_ms: record.received_at_ms,
                client_id: record.client_id.clone(),
                ..KafkaRecord::default()
            };
            origin.stamp(&mut kafka_record, &record.node, index);
            out.push(Output::Kafka(kafka_record));
        }
    }

    fn is_for_audit(&self, record: &Record) -> bool {
        let audit = self.audit.as_ref();
        audit.is_some_and(|audit| audit.lock_of(record).is_some())
    }
}

impl Handler for TransformHandler {
    type In = Record;
    type Out = Output;

    fn handle(
        &mut self,
        record: &Record,
        origin: Origin,
        out: &mut Outputs<Output>,
    ) -> Result<(), Reject> {
        if record.kind() == Kind::Publish {
            self.contracts.check(record.topic(), &record.payload)?;
        }
        if !record.is_refused() {
            self.envelopes(record, origin, out);
        }
        if self.is_for_audit(record) {
            out.push(Output::Event(record.clone()));
        }
        Ok(())
    }

    /// The audit hears of what breaks its contract, without the payload. Pointer and cause have at
    /// most 300 characters each: see [`schema::Violation`].
    fn rejected(&mut self, record: &Record, reject: &Reject, out: &mut Outputs<Output>) {
        if !self.is_for_audit(record) {
            return;
        }
        let Reject {
            code,
            schema,
            pointer,
            detail,
        } = reject;
        out.push(Output::Event(Record {
            kind: Kind::Rejected.into(),
            reason: Bytes::from(format!("{code} {schema} {pointer}: {detail}")),
            payload: Bytes::new(),
            ..record.clone()
        }));
    }
}
