//! One record into librdkafka's queue.

use rdkafka::error::KafkaError as NativeError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::types::RDKafkaErrorCode;
use record::KafkaRecord;
use stage::Reject;

use crate::producer::NativeProducer;

/// Header of the W3C trace context, a standard name.
const TRACEPARENT: &str = "traceparent";

/// Header by which readers recognise a repeat; see [`KafkaRecord::write_sequence`].
const SEQUENCE: &str = "lw-seq";

/// Why a record is not in the queue.
pub(crate) enum NotQueued {
    /// It can never be.
    Refused(Reject),
    /// Something else.
    Code(RDKafkaErrorCode),
}

/// Puts a record into the queue, for this partition if one is given. librdkafka copies it.
/// `scratch` is for the header values.
pub(crate) fn enqueue(
    producer: &NativeProducer,
    record: &KafkaRecord,
    partition: Option<i32>,
    opaque: usize,
    scratch: &mut Vec<u8>,
) -> Result<(), NotQueued> {
    let message = BaseRecord {
        topic: record.topic(),
        partition,
        payload: Some(record.value.as_ref()),
        key: record.key.as_deref(),
        timestamp: i64::try_from(record.timestamp_ms).ok(),
        headers: Some(headers(record, scratch).map_err(NotQueued::Refused)?),
        delivery_opaque: opaque,
    };
    let Err((error, _)) = producer.send::<[u8], [u8]>(message) else {
        return Ok(());
    };
    Err(match error {
        NativeError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge) => {
            NotQueued::Refused(too_large(record))
        }
        NativeError::MessageProduction(code) => NotQueued::Code(code),
        other => NotQueued::Refused(Reject::new("kafka-invalid-record", other.to_string())),
    })
}

/// The bytes that count against the window.
pub(crate) fn size(record: &KafkaRecord) -> usize {
    let headers = record
        .headers
        .iter()
        .map(|header| header.name.len() + header.value.len());
    record.value.len() + record.key.as_ref().map_or(0, bytes::Bytes::len) + headers.sum::<usize>()
}

/// `traceparent`, `lw-seq`, then the record's own in their order. Those two names are ours: readers
/// must be able to trust them, so that a record's own headers of these names are left out, also
/// when it has no trace. A header without a name is left out as well, so that no client can make a
/// dead letter of its record by it. Each costs about 0.3 us, nearly all of it in librdkafka's allocations.
fn headers(record: &KafkaRecord, scratch: &mut Vec<u8>) -> Result<OwnedHeaders, Reject> {
    let mut headers = OwnedHeaders::new_with_capacity(2 + record.headers.len());
    if let Some(trace) = record.trace_context() {
        scratch.clear();
        trace.write_traceparent(scratch);
        headers = add(headers, TRACEPARENT, scratch);
    }
    scratch.clear();
    record.write_sequence(scratch);
    headers = add(headers, SEQUENCE, scratch);
    for header in &record.headers {
        match header_name(&header.name)? {
            "" | TRACEPARENT | SEQUENCE => {}
            name => headers = add(headers, name, &header.value),
        }
    }
    Ok(headers)
}

/// It may be empty: a header can be an MQTT 5 user property of a client, whose name may be.
fn header_name(name: &[u8]) -> Result<&str, Reject> {
    std::str::from_utf8(name)
        .map_err(|_| Reject::new("kafka-header", "the name of a header is not UTF-8"))
}

fn add(headers: OwnedHeaders, key: &str, value: &[u8]) -> OwnedHeaders {
    let value = Some(value);
    headers.insert(Header { key, value })
}

fn too_large(record: &KafkaRecord) -> Reject {
    Reject::new(
        "kafka-too-large",
        format!(
            "the record of {} bytes for topic {} is larger than message.max.bytes",
            size(record),
            record.topic()
        ),
    )
}
