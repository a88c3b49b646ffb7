//! The last check before Kafka: a value must be what its topic's readers expect.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use record::{KafkaRecord, Origin};
use schema::Schema;
use settings::KafkaTopic;
use stage::{Handler, Outputs, Reject};

/// Checks each value against its topic's schema and passes it on as it is.
#[derive(Clone, Debug)]
pub struct CheckValue {
    schemas: HashMap<Bytes, Arc<Schema>>,
}

impl CheckValue {
    /// Checks the topics that have a schema.
    pub fn new(topics: &[KafkaTopic]) -> Self {
        let with_schema = |topic: &KafkaTopic| {
            Some((
                Bytes::from(topic.name.clone()),
                Arc::clone(topic.schema.as_ref()?),
            ))
        };
        Self {
            schemas: topics.iter().filter_map(with_schema).collect(),
        }
    }
}

impl Handler for CheckValue {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn handle(
        &mut self,
        record: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        if let Some(schema) = self.schemas.get(&record.topic) {
            schema.check(&record.value)?;
        }
        out.push(record.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> CheckValue {
        let schemas = schema::Schemas::builtin().unwrap();
        let topic = |name: &str, schema: Option<&str>| KafkaTopic {
            name: name.into(),
            schema: schema.map(|name| Arc::clone(schemas.get(name).unwrap())),
            partitions: None,
            replication: None,
            compacted: false,
        };
        CheckValue::new(&[topic("state", Some("lock-state")), topic("free", None)])
    }

    fn record(topic: &'static str, battery: u8) -> KafkaRecord {
        let value = format!(
            r#"{{"client_id": "lock-1", "process_id": "p-1", "action": "lock",
                "battery": {battery}, "lock_state": 1, "version": "1.0"}}"#
        );
        KafkaRecord {
            topic: topic.into(),
            key: Some("lock-1".into()),
            value: value.into(),
            ..KafkaRecord::default()
        }
    }

    /// Scenario: a value that fits its topic's schema, the same broken one for a topic without a
    /// schema and for a topic that nobody described.
    /// Guarantee: all pass on unchanged, without a copy of the value.
    #[test]
    fn what_fits_passes_unchanged() {
        let passing = [
            record("state", 80),
            record("free", 180),
            record("other", 180),
        ];
        let mut out = Outputs::default();
        for record in &passing {
            check().handle(record, Origin::default(), &mut out).unwrap();
        }
        assert_eq!(out.items(), passing);
        for (passed, given) in out.items().iter().zip(&passing) {
            assert_eq!(passed.value.as_ptr(), given.value.as_ptr());
        }
    }

    /// Scenario: a battery of 180 percent, then a value that is no JSON.
    /// Guarantee: both are rejected with code, schema, pointer and cause, and nothing goes out.
    #[test]
    fn what_does_not_fit_is_rejected() {
        let mut out = Outputs::default();
        let mut reject = |record: &KafkaRecord| {
            let handled = check().handle(record, Origin::default(), &mut out);
            handled.unwrap_err()
        };
        let battery = reject(&record("state", 180));
        assert_eq!(battery.code, "schema");
        assert_eq!(battery.schema, "lock-state");
        assert_eq!(battery.pointer, "/battery");
        assert!(battery.detail.contains("100"), "{}", battery.detail);
        let no_json = reject(&KafkaRecord {
            value: Bytes::from_static(b"{"),
            ..record("state", 80)
        });
        assert_eq!((no_json.code, no_json.pointer.as_str()), ("json", ""));
        assert_eq!(out.items(), []);
    }
}
