//! How long a batch's records took, from the edge to Kafka's confirmation.

use record::KafkaRecord;
use stage::{Refused, now_ms};
use telemetry::{LatencyHistogram, SampledMessage};

use crate::spans::is_sampled;

/// Records the latency of every record that is in Kafka now. `refused` is in order of the index.
pub(crate) fn record_latency(
    latency: &LatencyHistogram,
    items: &[KafkaRecord],
    refused: &[Refused],
) {
    let is_stored = |index: &usize| {
        refused
            .binary_search_by_key(index, |refused| refused.index)
            .is_err()
    };
    let stored = items.iter().enumerate();
    let stored = stored.filter(|(index, _)| refused.is_empty() || is_stored(index));
    let example = items.iter().find_map(sampled);
    latency.record(
        now_ms(),
        stored.map(|(_, record)| record.timestamp_ms),
        example,
    );
}

fn sampled(record: &KafkaRecord) -> Option<SampledMessage> {
    let context = is_sampled(record).then(|| record.trace_context());
    Some(SampledMessage {
        trace_id: context??.trace_id,
        began_ms: record.timestamp_ms,
    })
}
