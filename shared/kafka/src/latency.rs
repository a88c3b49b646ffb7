//! How long a batch's records took, from the edge to Kafka's confirmation.

use record::KafkaRecord;
use stage::{Refused, now_ms};
use telemetry::{LatencyHistogram, SampledMessage};

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
    // The flags alone first: most records are not sampled, and nothing else of them is read.
    record.trace.last().filter(|flags| *flags & 1 == 1)?;
    Some(SampledMessage {
        trace_id: record.trace_context()?.trace_id,
        began_ms: record.timestamp_ms,
    })
}
