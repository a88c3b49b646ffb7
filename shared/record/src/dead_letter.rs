//! What could not go on, with its cause.

use bytes::Bytes;

use prost::Message as _;

use crate::frame::FrameItem;
use crate::kafka_record::KafkaRecord;
use crate::record::{Record, text};
use crate::trace::TraceContext;

/// One dead letter, `DeadLetter` of `schemas/latchwork.proto`: what was refused, where and why.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeadLetter {
    /// The stage that refused it.
    #[prost(bytes = "bytes", tag = "1")]
    pub stage: Bytes,
    /// A stable word for the cause, e.g. `schema`, `json`, `too-large`.
    #[prost(bytes = "bytes", tag = "2")]
    pub code: Bytes,
    /// Name of the schema that was broken, if one was.
    #[prost(bytes = "bytes", tag = "3")]
    pub schema: Bytes,
    /// JSON pointer to the offending part of the document; empty is the whole document.
    #[prost(bytes = "bytes", tag = "4")]
    pub pointer: Bytes,
    /// The cause for people.
    #[prost(bytes = "bytes", tag = "5")]
    pub detail: Bytes,
    /// When it was refused: milliseconds since 1970.
    #[prost(uint64, tag = "6")]
    pub refused_at_ms: u64,
    /// The stream it was read from.
    #[prost(bytes = "bytes", tag = "7")]
    pub stream: Bytes,
    /// Sequence of its frame there.
    #[prost(uint64, tag = "8")]
    pub sequence: u64,
    /// Its index in that frame.
    #[prost(uint32, tag = "9")]
    pub index: u32,
    /// What was refused, byte for byte.
    #[prost(oneof = "Original", tags = "10, 11, 12")]
    pub original: Option<Original>,
}

/// What was refused.
#[derive(Clone, PartialEq, prost::Oneof)]
#[expect(
    clippy::large_enum_variant,
    reason = "dead letters are few and short-lived"
)]
pub enum Original {
    /// A record.
    #[prost(message, tag = "10")]
    Record(Record),
    /// A Kafka record.
    #[prost(message, tag = "11")]
    KafkaRecord(KafkaRecord),
    /// Bytes that are no frame.
    #[prost(bytes = "bytes", tag = "12")]
    Bytes(Bytes),
}

impl Original {
    /// Bytes on the wire.
    pub fn size(&self) -> usize {
        match self {
            Self::Record(record) => record.encoded_len(),
            Self::KafkaRecord(record) => record.encoded_len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl DeadLetter {
    /// The span of what was refused, when it has one.
    pub fn trace_context(&self) -> Option<TraceContext> {
        match self.original.as_ref()? {
            Original::Record(record) => record.trace_context(),
            Original::KafkaRecord(record) => record.trace_context(),
            Original::Bytes(_) => None,
        }
    }

    /// The stage as text.
    pub fn stage(&self) -> &str {
        text(&self.stage)
    }

    /// The cause's stable word.
    pub fn code(&self) -> &str {
        text(&self.code)
    }

    /// The broken schema's name, or empty.
    pub fn schema(&self) -> &str {
        text(&self.schema)
    }

    /// The JSON pointer, or empty.
    pub fn pointer(&self) -> &str {
        text(&self.pointer)
    }

    /// The cause for people.
    pub fn detail(&self) -> &str {
        text(&self.detail)
    }
}

impl FrameItem for DeadLetter {
    fn field_that_is_not_text(&self) -> Option<&'static str> {
        [
            ("stage", &self.stage),
            ("code", &self.code),
            ("schema", &self.schema),
            ("pointer", &self.pointer),
            ("detail", &self.detail),
            ("stream", &self.stream),
        ]
        .into_iter()
        .find_map(|(name, bytes)| std::str::from_utf8(bytes).is_err().then_some(name))
    }

    fn sampled_trace(&self) -> Option<TraceContext> {
        self.trace_context().filter(|context| context.sampled)
    }
}
