//! The last check before Kafka: a value must be what its topic's readers expect.
//!
//! The schema that `[[topic]]` names holds for every value. The one of the hooks' envelopes holds
//! for envelopes alone: a rule that came or went a moment ago may have other values in the stream.

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
    checks: HashMap<Bytes, Check>,
}

/// What the values of a topic must be.
#[derive(Clone, Debug)]
struct Check {
    schema: Arc<Schema>,
    /// Only of the hooks' envelopes.
    of_envelopes: bool,
}

impl CheckValue {
    /// Checks the topics that have a schema, as the pipeline at hand has them.
    pub fn following(mut pipeline: watch::Receiver<Arc<Pipeline>>) -> Self {
        let checks = checks(pipeline.borrow_and_update().topics());
        Self { pipeline, checks }
    }
}

fn checks(topics: &[KafkaTopic]) -> HashMap<Bytes, Check> {
    let with_schema = |topic: &KafkaTopic| {
        let check = Check {
            schema: Arc::clone(topic.schema.as_ref()?),
            of_envelopes: topic.schema_is_derived,
        };
        Some((Bytes::from(topic.name.clone()), check))
    };
    topics.iter().filter_map(with_schema).collect()
}

impl Handler for CheckValue {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn begin(&mut self) {
        // An error means that nobody will change it any more.
        if self.pipeline.has_changed().unwrap_or(false) {
            self.checks = checks(self.pipeline.borrow_and_update().topics());
        }
    }

    fn handle(
        &mut self,
        record: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        if let Some(check) = self.checks.get(&record.topic)
            && (record.is_envelope || !check.of_envelopes)
        {
            check.schema.check(&record.value)?;
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

    /// Scenario: a hook's topic, and the same with a schema that `[[topic]]` names; a rule that was
    /// just added, or just taken away, has put a value of its own into it.
    /// Guarantee: the rule's value passes where only the hook says what is expected, although this
    /// stage has not heard of the rule; a broken envelope never does, nor anything that breaks the
    /// schema that is named.
    #[test]
    fn a_derived_schema_is_for_envelopes_alone() {
        let hook = "[[hook]]\nevent = \"message.publish\"\nkafka_topic = \"state\"\n";
        let sized = "[[topic]]\nname = \"state\"\npartitions = 3\n";
        let named = "[[topic]]\nname = \"state\"\nschema = \"lock-state\"\n";
        for (topic, rule_passes) in [("", true), (sized, true), (named, false)] {
            let text = format!("{hook}{topic}");
            let pipeline = Pipeline::read(Path::new("pipeline.toml"), &text).unwrap();
            let (_files, pipelines) = watch::channel(Arc::new(pipeline));
            let mut check = CheckValue::following(pipelines);
            let of_rule = record("state", 180);
            let envelope = KafkaRecord {
                is_envelope: true,
                ..of_rule.clone()
            };
            let mut out = Outputs::default();
            let handled = check.handle(&of_rule, Origin::default(), &mut out);
            assert_eq!(handled.is_ok(), rule_passes, "{topic}");
            let handled = check.handle(&envelope, Origin::default(), &mut out);
            assert_eq!(handled.unwrap_err().code, "schema");
            assert_eq!(out.items().len(), usize::from(rule_passes));
        }
    }
}
