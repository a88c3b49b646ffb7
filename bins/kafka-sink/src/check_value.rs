//! The last check before Kafka: a value must be what its topic's readers expect.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use record::{KafkaRecord, Origin};
use schema::Schema;
use settings::{KafkaTopic, Pipeline};
use stage::{Handler, Outputs, Reject};
use tokio::sync::watch;

/// Checks each value against its topic's schema and passes it on as it is. The pipeline may change
/// between two batches.
#[derive(Clone, Debug)]
pub struct CheckValue {
    pipeline: watch::Receiver<Arc<Pipeline>>,
    schemas: HashMap<Bytes, Arc<Schema>>,
}

impl CheckValue {
    /// Checks the topics that have a schema, as the pipeline at hand has them.
    pub fn following(mut pipeline: watch::Receiver<Arc<Pipeline>>) -> Self {
        let schemas = schemas(pipeline.borrow_and_update().topics());
        Self { pipeline, schemas }
    }
}

fn schemas(topics: &[KafkaTopic]) -> HashMap<Bytes, Arc<Schema>> {
    let with_schema = |topic: &KafkaTopic| {
        Some((
            Bytes::from(topic.name.clone()),
            Arc::clone(topic.schema.as_ref()?),
        ))
    };
    topics.iter().filter_map(with_schema).collect()
}

impl Handler for CheckValue {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn begin(&mut self) {
        // An error means that nobody will change it any more.
        if self.pipeline.has_changed().unwrap_or(false) {
            self.schemas = schemas(self.pipeline.borrow_and_update().topics());
        }
    }

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
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// A pipeline that writes to these topics.
    fn pipeline(topics: &[(&str, Option<&str>)]) -> Arc<Pipeline> {
        let mut text = String::new();
        for (name, schema) in topics {
            let schema = schema.map_or(String::new(), |schema| format!("schema = {schema:?}\n"));
            writeln!(text, "[[topic]]\nname = {name:?}\n{schema}").unwrap();
        }
        Arc::new(Pipeline::read(Path::new("pipeline.toml"), &text).unwrap())
    }

    fn check() -> CheckValue {
        let pipeline = pipeline(&[("state", Some("lock-state")), ("free", None)]);
        CheckValue::following(watch::channel(pipeline).1)
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

    /// Scenario: the pipeline's file gets a schema for a topic that had none, while a batch is
    /// handled.
    /// Guarantee: the batch is checked as it began; the next one by the schema.
    #[test]
    fn a_new_schema_holds_from_the_next_batch_on() {
        let (files, receiver) = watch::channel(pipeline(&[("free", None)]));
        let mut check = CheckValue::following(receiver);
        let mut out = Outputs::default();
        let broken = record("free", 180);
        check.begin();
        files.send_replace(pipeline(&[("free", Some("lock-state"))]));
        check.handle(&broken, Origin::default(), &mut out).unwrap();
        check.begin();
        let rejected = check.handle(&broken, Origin::default(), &mut out);
        assert_eq!(rejected.unwrap_err().schema, "lock-state");
        drop(files);
        check.begin();
        assert!(check.handle(&broken, Origin::default(), &mut out).is_err());
    }
}
