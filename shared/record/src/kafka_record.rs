//! One message as Kafka will get it.

use bytes::Bytes;

use crate::record::text;
use crate::trace::TraceContext;

/// A Kafka header.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Header {
    /// Name, UTF-8.
    #[prost(bytes = "bytes", tag = "1")]
    pub name: Bytes,
    /// Value, any bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// One message as Kafka will get it, `KafkaRecord` of `schemas/latchwork.proto`.
///
/// The headers `traceparent` and `lw-seq` are not among [`headers`](Self::headers): the sink
/// writes them from [`trace`](Self::trace) and the origin fields, and leaves out any that are.
///
/// A record goes to [`partition`](Self::partition) if it has one, else to a random one if it is
/// to, else to the one that its key chooses.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KafkaRecord {
    /// Kafka topic.
    #[prost(bytes = "bytes", tag = "1")]
    pub topic: Bytes,
    /// Key; absent means none.
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub key: Option<Bytes>,
    /// Value.
    #[prost(bytes = "bytes", tag = "3")]
    pub value: Bytes,
    /// Further headers, in order. Those without a name are left out by the sink.
    #[prost(message, repeated, tag = "4")]
    pub headers: Vec<Header>,
    /// Kafka timestamp: milliseconds since 1970.
    #[prost(uint64, tag = "5")]
    pub timestamp_ms: u64,
    /// [`TraceContext`] in binary; empty when there is none.
    #[prost(bytes = "bytes", tag = "6")]
    pub trace: Bytes,
    /// Edge that took the message this was made from.
    #[prost(bytes = "bytes", tag = "7")]
    pub origin_node: Bytes,
    /// Sequence of its frame in the stream UP.
    #[prost(uint64, tag = "8")]
    pub origin_sequence: u64,
    /// Its index in that frame.
    #[prost(uint32, tag = "9")]
    pub origin_index: u32,
    /// Which of the outputs of that message this is.
    #[prost(uint32, tag = "10")]
    pub origin_output: u32,
    /// Client id of the device, which chooses the partition also when the key is another.
    #[prost(bytes = "bytes", tag = "11")]
    pub client_id: Bytes,
    /// This partition of the Kafka topic and no other, from 0.
    #[prost(int32, optional, tag = "12")]
    pub partition: Option<i32>,
    /// Any partition of the Kafka topic, whatever the key. A record that is sent again may come to
    /// another one.
    #[prost(bool, tag = "13")]
    pub random_partition: bool,
    /// A message had a part in the topic's name, so nobody may wait for that topic to come.
    #[prost(bool, tag = "14")]
    pub topic_is_dynamic: bool,
    /// The value is the envelope of a hook. Only such values are checked against the envelope's
    /// schema: a rule may write others into the same topic.
    #[prost(bool, tag = "15")]
    pub is_envelope: bool,
}

impl KafkaRecord {
    /// Kafka topic as text.
    pub fn topic(&self) -> &str {
        text(&self.topic)
    }

    /// The record's own span, when it has one.
    pub fn trace_context(&self) -> Option<TraceContext> {
        TraceContext::from_binary(&self.trace)
    }

    /// Appends the header value `lw-seq`: `<edge node>-<UP sequence>-<index>-<output>`. It is the
    /// same on every redelivery, so that readers can recognise a repeat.
    pub fn write_sequence(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.origin_node);
        for number in [
            self.origin_sequence,
            u64::from(self.origin_index),
            u64::from(self.origin_output),
        ] {
            out.push(b'-');
            push_decimal(out, number);
        }
    }

    pub(crate) fn field_that_is_not_text(&self) -> Option<&'static str> {
        [
            ("topic", &self.topic),
            ("origin_node", &self.origin_node),
            ("client_id", &self.client_id),
        ]
        .into_iter()
        .find_map(|(name, bytes)| std::str::from_utf8(bytes).is_err().then_some(name))
    }
}

/// Decimal digits without a formatter.
pub(crate) fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the second output of the third record of frame 1024.
    /// Guarantee: `lw-seq` names all four, in decimal.
    #[test]
    fn sequence_header_names_the_origin() {
        let record = KafkaRecord {
            origin_node: Bytes::from_static(b"edge-1"),
            origin_sequence: 1024,
            origin_index: 2,
            origin_output: 1,
            ..KafkaRecord::default()
        };
        let mut value = Vec::new();
        record.write_sequence(&mut value);
        assert_eq!(value, b"edge-1-1024-2-1");
        value.clear();
        push_decimal(&mut value, u64::MAX);
        assert_eq!(value, u64::MAX.to_string().as_bytes());
    }
}
