//! The spans of a batch that Kafka has: one for each topic, with a link to every sampled record.
//!
//! A record's place in Kafka is on its link, because it is the record's and not the batch's. Of a
//! record that is not sampled nothing is asked and nothing kept.

use std::collections::HashMap;
use std::time::SystemTime;

use bytes::Bytes;
use record::KafkaRecord;
use stage::Refused;
use telemetry::{BatchMember, KeyValue, MAX_LINKS, Operation, SpanShape, Tracer};

use crate::delivery::{OwnLane, Place};

/// Traces the batches of one lane.
pub(crate) struct BatchSpans {
    tracer: Tracer,
    /// The shapes of the topics that sampled records went to.
    shapes: HashMap<Bytes, SpanShape>,
    began: SystemTime,
    /// Sampled records that Kafka has, by their index in the batch.
    stored: Vec<(usize, Place)>,
}

/// Whether a record is to be traced. Its flags alone are read: most records are not.
pub(crate) fn is_sampled(record: &KafkaRecord) -> bool {
    record.trace.last().is_some_and(|flags| flags & 1 == 1)
}

impl BatchSpans {
    pub(crate) fn new(tracer: Tracer) -> Self {
        Self {
            tracer,
            shapes: HashMap::new(),
            began: SystemTime::UNIX_EPOCH,
            stored: Vec::new(),
        }
    }

    /// A new batch begins.
    pub(crate) fn begin(&mut self) {
        self.began = SystemTime::now();
        self.stored.clear();
    }

    /// Whether the place of a record must be asked for.
    pub(crate) fn wants(&self, record: &KafkaRecord) -> bool {
        is_sampled(record) && self.tracer.is_exporting()
    }

    /// A flight has landed: keeps the places that were asked for.
    pub(crate) fn landed(&mut self, lane: &OwnLane, flight: &[usize]) {
        for (position, place) in lane.take_places() {
            if let Some(&index) = flight.get(position) {
                self.stored.push((index, place));
            }
        }
    }

    /// The batch is over: records its spans. `refused` is in order of the index.
    pub(crate) fn record(&mut self, items: &[KafkaRecord], refused: &[Refused]) {
        let ended = SystemTime::now();
        while let Some(topic) = self.next_topic(items) {
            let is_here = |index: usize| items.get(index).is_some_and(|one| one.topic == topic);
            let refused = refused.iter().filter(|one| is_here(one.index)).count();
            let messages = items.iter().filter(|one| one.topic == topic).count() - refused;
            let (here, rest): (Vec<_>, Vec<_>) = self
                .stored
                .drain(..)
                .partition(|(index, _)| is_here(*index));
            self.stored = rest;
            let members = here
                .iter()
                .enumerate()
                .filter_map(|(number, (index, place))| member(items.get(*index)?, *place, number));
            let shape = self.shapes.entry(topic.clone());
            let shape = shape.or_insert_with(|| shape_of(&topic));
            let times = self.began..ended;
            self.tracer
                .batch_span(shape, times, messages, members, None, Vec::new);
        }
    }

    /// The topic of a sampled record whose span is not yet recorded.
    fn next_topic(&self, items: &[KafkaRecord]) -> Option<Bytes> {
        let (index, _) = self.stored.first()?;
        Some(items.get(*index)?.topic.clone())
    }
}

/// Only topics that Kafka has come here, so they are few enough for a name.
fn shape_of(topic: &Bytes) -> SpanShape {
    let topic = String::from_utf8_lossy(topic);
    SpanShape::new(Operation::Send, "kafka", &topic).at(topic.as_ref())
}

fn member(record: &KafkaRecord, place: Place, number: usize) -> Option<BatchMember> {
    let context = record.trace_context()?;
    // Those that get no link are only counted.
    let attributes = if number < MAX_LINKS {
        known(place)
    } else {
        Vec::new()
    };
    Some(BatchMember {
        context,
        attributes,
    })
}

fn known(place: Place) -> Vec<KeyValue> {
    let Place { partition, offset } = place;
    let partition = KeyValue::new("messaging.destination.partition.id", partition.to_string());
    // Kafka does not tell it of a record that it had already.
    let offset = (offset >= 0).then(|| KeyValue::new("messaging.kafka.offset", offset));
    [partition].into_iter().chain(offset).collect()
}
