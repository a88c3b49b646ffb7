//! Where in the stream UP a record came from.

use bytes::Bytes;

use crate::kafka_record::KafkaRecord;

/// The place of a record in the stream UP, from which the header `lw-seq` is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// Sequence of the frame in its stream.
    pub sequence: u64,
    /// Index of the record in that frame.
    pub index: u32,
}

impl Origin {
    /// Writes the origin into a Kafka record that was made from a record of `node`.
    pub fn stamp(self, kafka_record: &mut KafkaRecord, node: &Bytes, output: u32) {
        kafka_record.origin_node = node.clone();
        kafka_record.origin_sequence = self.sequence;
        kafka_record.origin_index = self.index;
        kafka_record.origin_output = output;
    }
}
