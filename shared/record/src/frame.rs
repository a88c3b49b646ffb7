//! Frames: what one NATS message holds.

use std::fmt;

use bytes::{Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::dead_letter::Original;
use crate::kafka_record::KafkaRecord;
use crate::record::Record;
use crate::trace::TraceContext;

/// Records of a frame at most: a smaller cap limits the rate, because the stored frames per
/// second are what is scarce (256 capped a whole pipeline at 310 frames/s x 256).
pub const MAX_FRAME_RECORDS: usize = 1024;

/// Bytes at which a frame counts as full. One record may pass it, so a frame is at most this plus
/// one record; the NATS server's `max_payload` must allow for that.
pub const MAX_FRAME_BYTES: usize = 512 * 1024;

/// Field number of the items in every frame message of `schemas/latchwork.proto`.
const ITEMS: u32 = 1;

/// Why bytes are no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The bytes are no protobuf of this shape.
    #[error("not a frame: {0}")]
    Decode(#[from] prost::DecodeError),
    /// A field that is text holds other bytes.
    #[error("item {index} of the frame: its {field} is not UTF-8")]
    NotText {
        /// Index in the frame.
        index: usize,
        /// The field's name.
        field: &'static str,
    },
}

/// What a frame can hold: [`Record`]s, [`KafkaRecord`]s and [`DeadLetter`](crate::DeadLetter)s.
pub trait FrameItem:
    Message + Default + Clone + PartialEq + fmt::Debug + Send + Sync + 'static
{
    /// Name of the first field that must be UTF-8 and is not.
    fn field_that_is_not_text(&self) -> Option<&'static str>;

    /// Bytes of the item on the wire.
    fn size(&self) -> usize {
        self.encoded_len()
    }

    /// The item's own span, when it has one and it is sampled.
    fn sampled_trace(&self) -> Option<TraceContext>;
}

/// What stages take and give: what can be traced and dead-lettered.
pub trait StageItem: Clone + fmt::Debug + Send + Sync + 'static {
    /// The item as a dead letter keeps it.
    fn original(&self) -> Original;

    /// The item's own span, [`TraceContext`] in binary; may be empty.
    fn trace(&self) -> &Bytes;

    /// Replaces the item's own span.
    fn set_trace(&mut self, trace: Bytes);

    /// Bytes that it holds, where they may be many; else 0.
    fn weight(&self) -> usize {
        0
    }
}

impl FrameItem for Record {
    fn field_that_is_not_text(&self) -> Option<&'static str> {
        Record::field_that_is_not_text(self)
    }

    fn sampled_trace(&self) -> Option<TraceContext> {
        self.trace_context().filter(|context| context.sampled)
    }
}

impl StageItem for Record {
    fn original(&self) -> Original {
        Original::Record(self.clone())
    }

    fn trace(&self) -> &Bytes {
        &self.trace
    }

    fn set_trace(&mut self, trace: Bytes) {
        self.trace = trace;
    }
}

impl FrameItem for KafkaRecord {
    fn field_that_is_not_text(&self) -> Option<&'static str> {
        KafkaRecord::field_that_is_not_text(self)
    }

    fn sampled_trace(&self) -> Option<TraceContext> {
        self.trace_context().filter(|context| context.sampled)
    }
}

impl StageItem for KafkaRecord {
    fn original(&self) -> Original {
        Original::KafkaRecord(self.clone())
    }

    fn trace(&self) -> &Bytes {
        &self.trace
    }

    fn set_trace(&mut self, trace: Bytes) {
        self.trace = trace;
    }
}

/// A decoded frame. Its items share the memory of the bytes they were read from.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Frame<T: FrameItem> {
    /// The items, in order.
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<T>,
}

impl<T: FrameItem> Frame<T> {
    /// Reads a frame and checks that every text field is UTF-8.
    pub fn read(bytes: Bytes) -> Result<Self, FrameError> {
        let frame = Self::decode(bytes)?;
        for (index, item) in frame.items.iter().enumerate() {
            if let Some(field) = item.field_that_is_not_text() {
                return Err(FrameError::NotText { index, field });
            }
        }
        Ok(frame)
    }
}

/// Builds a frame in one buffer: each item is encoded once, straight behind the last.
#[derive(Debug, Default)]
pub struct FrameBuilder {
    bytes: BytesMut,
    count: usize,
}

impl FrameBuilder {
    /// An empty frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item.
    pub fn push<T: FrameItem>(&mut self, item: &T) {
        let length = item.encoded_len();
        let prefix = key_len(ITEMS) + encoded_len_varint(length as u64);
        self.bytes.reserve(prefix + length);
        encode_key(ITEMS, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(length as u64, &mut self.bytes);
        item.encode_raw(&mut self.bytes);
        self.count += 1;
    }

    /// Items so far.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes so far.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the next item belongs into another frame.
    pub fn is_full(&self) -> bool {
        self.count >= MAX_FRAME_RECORDS || self.bytes.len() >= MAX_FRAME_BYTES
    }

    /// Whether an item still belongs into this frame, when frames may have `limit` bytes. The first
    /// item always does.
    pub fn has_room_for<T: FrameItem>(&self, item: &T, limit: usize) -> bool {
        let length = item.encoded_len();
        let added = key_len(ITEMS) + encoded_len_varint(length as u64) + length;
        !self.is_full() && (self.is_empty() || self.bytes.len() + added <= limit)
    }

    /// Takes the frame's bytes and starts the next frame.
    pub fn take(&mut self) -> Bytes {
        self.count = 0;
        self.bytes.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    fn record(number: u64) -> Record {
        Record {
            kind: Kind::Publish.into(),
            client_id: Bytes::from(format!("lock-{number}")),
            topic: Bytes::from_static(b"devices/1/state"),
            payload: Bytes::from(number.to_be_bytes().to_vec()),
            received_at_ms: number,
            ..Record::default()
        }
    }

    /// Scenario: records are pushed one by one, taken, and more are pushed.
    /// Guarantee: each frame reads back as exactly its own records, in order.
    #[test]
    fn built_frames_read_back() {
        let mut builder = FrameBuilder::new();
        for number in 0..3 {
            builder.push(&record(number));
        }
        assert_eq!(builder.len(), 3);
        let first = builder.take();
        assert!(builder.is_empty());
        builder.push(&record(9));
        let frame = Frame::<Record>::read(first).unwrap();
        assert_eq!(frame.items, (0..3).map(record).collect::<Vec<_>>());
        assert_eq!(
            Frame::<Record>::read(builder.take()).unwrap().items,
            [record(9)]
        );
    }

    /// Scenario: a payload of 300 KiB arrives twice, and 1,024 small ones.
    /// Guarantee: the frame says it is full at its bytes and at its count.
    #[test]
    fn full_by_bytes_and_by_count() {
        let mut builder = FrameBuilder::new();
        let large = Record {
            payload: vec![0; 300 * 1024].into(),
            ..record(1)
        };
        builder.push(&large);
        assert!(!builder.is_full());
        builder.push(&large);
        assert!(builder.is_full());
        builder.take();
        for number in 0..MAX_FRAME_RECORDS as u64 {
            assert!(!builder.is_full());
            builder.push(&record(number));
        }
        assert!(builder.is_full());
    }

    /// Scenario: bytes that are no protobuf, and a record whose topic is not UTF-8.
    /// Guarantee: both are refused with what and where.
    #[test]
    fn broken_frames_are_refused() {
        assert!(matches!(
            Frame::<Record>::read(Bytes::from_static(b"\xff\xff\xff")),
            Err(FrameError::Decode(_))
        ));
        let mut builder = FrameBuilder::new();
        builder.push(&record(1));
        builder.push(&Record {
            topic: Bytes::from_static(b"\xc3\x28"),
            ..record(2)
        });
        let error = Frame::<Record>::read(builder.take()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "item 1 of the frame: its topic is not UTF-8"
        );
    }
}
