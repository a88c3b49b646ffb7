//! The last check before Kafka: a value must be what its topic's readers expect.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use record::{KafkaRecord, Origin};
use schema::{Schema, Violation};
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
            schema.check(&record.value).map_err(|violation| {
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
            })?;
        }
        out.push(record.clone());
        Ok(())
    }
}
