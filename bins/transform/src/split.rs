//! Kafka records into REC, events into EV, messages for MQTT into PUB.

use std::sync::Arc;

use record::{KafkaRecord, Record, partition_of};
use settings::AuditSettings;
use stage::jetstream::JetStreamSink;
use stage::{Refused, Sink, Unavailable};

use crate::output::Output;

/// Stores all kinds of outputs. A repeat after a failure of one is no repeat for the other: each
/// [`JetStreamSink`] knows what it has stored of the batch.
#[derive(Debug)]
pub struct Split {
    kafka: JetStreamSink<KafkaRecord>,
    publications: JetStreamSink<Record>,
    events: Option<Events>,
}

/// The way to the audit: a partition of EV holds all records about its locks, whoever sent them.
#[derive(Debug)]
struct Events {
    audit: Arc<AuditSettings>,
    partitions: Vec<JetStreamSink<Record>>,
}

impl Split {
    /// Without audit there are no events. What rules publish goes to edges, and comes back from them:
    /// their queue is to refuse when it is full, so that nobody waits for himself.
    pub fn new(kafka: JetStreamSink<KafkaRecord>, publications: JetStreamSink<Record>) -> Self {
        Self {
            kafka,
            publications: publications.refusing_when_full("publish-queue-full"),
            events: None,
        }
    }

    /// Stores events too, into these partitions.
    #[must_use]
    pub fn with_events(
        self,
        audit: Arc<AuditSettings>,
        partitions: Vec<JetStreamSink<Record>>,
    ) -> Self {
        Self {
            events: Some(Events { audit, partitions }),
            ..self
        }
    }
}

impl Sink for Split {
    type Item = Output;

    async fn send(&mut self, batch: &str, items: &[Output]) -> Result<Vec<Refused>, Unavailable> {
        let kafka = items.iter().enumerate();
        let kafka = kafka.filter_map(|(index, item)| Some((index, item.kafka()?)));
        let mut refused = self.kafka.send_some(batch, kafka).await?;
        let publications = items.iter().enumerate();
        let publications =
            publications.filter_map(|(index, item)| Some((index, item.publication()?)));
        refused.extend(self.publications.send_some(batch, publications).await?);
        if let Some(events) = &mut self.events {
            refused.extend(events.send(batch, items).await?);
        }
        Ok(refused)
    }
}

impl Events {
    async fn send(&mut self, batch: &str, items: &[Output]) -> Result<Vec<Refused>, Unavailable> {
        let count = u16::try_from(self.partitions.len()).unwrap_or(u16::MAX);
        let mut by_partition: Vec<Vec<(usize, &Record)>> = vec![Vec::new(); self.partitions.len()];
        for (index, item) in items.iter().enumerate() {
            let Some(record) = item.event() else { continue };
            let lock = self.audit.lock_of(record).unwrap_or_default();
            let partition = usize::from(partition_of(lock.as_bytes(), count));
            if let Some(records) = by_partition.get_mut(partition) {
                records.push((index, record));
            }
        }
        let mut refused = Vec::new();
        for (sink, records) in self.partitions.iter_mut().zip(by_partition) {
            if !records.is_empty() {
                refused.extend(sink.send_some(batch, records.into_iter()).await?);
            }
        }
        Ok(refused)
    }
}
