//! Records that came before.

use std::collections::{HashSet, VecDeque};

use record::{Record, fingerprint};

/// Records remembered: what transform repeats after a crash or a broken connection was put out
/// within the last seconds, of which this holds five at 50,000 a second. About 6 MB when full.
const REMEMBERED: usize = 250_000;

/// Tells a record that transform put out twice, under two places of EV, from a new one.
///
/// A record has a trace id of its own, sampled or not; what happens to its message later (delivered,
/// acknowledged) shares it, and differs in kind or client.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    known: HashSet<u64>,
    order: VecDeque<u64>,
    text: Vec<u8>,
}

impl Repeats {
    /// Whether the record came before; remembers it otherwise.
    pub(super) fn is_repeat(&mut self, record: &Record) -> bool {
        let Some(trace_id) = record.trace.get(..16) else {
            return false;
        };
        self.text.clear();
        self.text.extend_from_slice(trace_id);
        self.text.extend_from_slice(&record.kind.to_be_bytes());
        self.text.extend_from_slice(&record.client_id);
        let fingerprint = fingerprint(&self.text);
        if !self.known.insert(fingerprint) {
            return true;
        }
        self.order.push_back(fingerprint);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use record::Kind;

    use super::*;

    /// Scenario: a command is published, delivered and comes again from transform under another
    /// span; another record; a record without a trace, twice.
    /// Guarantee: only the one that came again is a repeat.
    #[test]
    fn only_the_same_record_is_a_repeat() {
        let record = |kind: Kind, trace: &'static [u8], client_id: &'static [u8]| Record {
            kind: kind.into(),
            trace: Bytes::from_static(trace),
            client_id: Bytes::from_static(client_id),
            ..Record::default()
        };
        let mut repeats = Repeats::default();
        for (record, repeat) in [
            (
                record(Kind::Publish, b"0123456789abcdef-span-1", b"app"),
                false,
            ),
            (
                record(Kind::Acked, b"0123456789abcdef-span-1", b"lock"),
                false,
            ),
            (
                record(Kind::Publish, b"0123456789abcdef-span-2", b"app"),
                true,
            ),
            (
                record(Kind::Publish, b"1123456789abcdef-span-1", b"app"),
                false,
            ),
            (record(Kind::Operator, b"", b"lock"), false),
            (record(Kind::Operator, b"", b"lock"), false),
        ] {
            assert_eq!(repeats.is_repeat(&record), repeat, "{record:?}");
        }
    }
}
