//! The values of Kafka records, cut from shared memory.

use bytes::{Bytes, BytesMut};
use record::{EventKind, Record, write_envelope};

/// Memory that is allocated at once: room for some 150 envelopes of a lock's state.
const CHUNK: usize = 64 * 1024;

/// An envelope that is larger has memory of its own, so that it holds no neighbours' alive.
const LARGE: usize = CHUNK / 4;

/// Writes values. A clone shares nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// The envelope at hand.
    envelope: Vec<u8>,
    /// Where the next values go.
    chunk: BytesMut,
}

impl Values {
    /// The envelope of a record.
    pub(crate) fn envelope(&mut self, event: EventKind, record: &Record) -> Bytes {
        self.envelope.clear();
        write_envelope(event, record, &mut self.envelope);
        let length = self.envelope.len();
        if length > LARGE {
            return Bytes::from(std::mem::take(&mut self.envelope));
        }
        if self.chunk.capacity() < length {
            self.chunk.reserve(CHUNK);
        }
        self.chunk.extend_from_slice(&self.envelope);
        self.chunk.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(size: usize) -> Record {
        Record {
            payload: vec![7; size].into(),
            ..Record::default()
        }
    }

    fn expected(size: usize) -> Vec<u8> {
        let mut expected = Vec::new();
        write_envelope(EventKind::MessagePublish, &record(size), &mut expected);
        expected
    }

    /// Scenario: payloads from nothing to a mebibyte, mixed, until many chunks are full.
    /// Guarantee: every value is its own envelope, whatever came before it and after it.
    #[test]
    fn values_do_not_touch_each_other() {
        let mut values = Values::default();
        let sizes: Vec<usize> = (0..40)
            .flat_map(|step| [0, 1, 200, step * 311, 16 * 1024])
            .chain([1 << 20, 5])
            .collect();
        let written: Vec<Bytes> = sizes
            .iter()
            .map(|size| values.envelope(EventKind::MessagePublish, &record(*size)))
            .collect();
        for (size, value) in sizes.iter().zip(&written) {
            assert_eq!(value, &expected(*size), "{size} bytes");
        }
    }

    /// Scenario: a hundred small values one after the other.
    /// Guarantee: they lie side by side in one piece of memory.
    #[test]
    fn small_values_share_memory() {
        let mut values = Values::default();
        let written: Vec<Bytes> = (0..100)
            .map(|_| values.envelope(EventKind::MessagePublish, &record(200)))
            .collect();
        for pair in written.windows(2) {
            assert_eq!(pair[0].as_ptr_range().end, pair[1].as_ptr(), "a gap");
        }
    }
}
