//! What the ports count. Meanings: [`telemetry::metrics::edge`].

use opentelemetry::metrics::UpDownCounter;
use telemetry::metrics::edge;
use telemetry::{KeyValue, LabelledCounter, Meter};

use super::admission::Refusal;
use super::handshake::HandshakeError;
use crate::wire::WireKind;

/// What the ports count.
#[derive(Clone, Debug)]
pub(super) struct ListenerMeters {
    refused: LabelledCounter,
    failed: LabelledCounter,
    sockets: UpDownCounter<i64>,
}

impl ListenerMeters {
    /// The series of the ports that are open begin at zero.
    pub(super) fn new(meter: &Meter, kinds: impl Iterator<Item = WireKind>) -> Self {
        let meters = Self {
            refused: LabelledCounter::new(&edge::CONNECTIONS_REFUSED, meter),
            failed: LabelledCounter::new(&edge::HANDSHAKES_FAILED, meter),
            sockets: edge::SOCKETS.level(meter),
        };
        for kind in kinds {
            meters.sockets.add(0, &[label(kind)]);
            for reason in HandshakeError::reasons(kind) {
                meters.failed.add([kind.name(), reason], 0);
            }
        }
        for refusal in Refusal::ALL {
            meters.refused.add([refusal.name()], 0);
        }
        meters
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        self.refused.add([refusal.name()], 1);
    }

    pub(super) fn handshake_failed(&self, kind: WireKind, error: &HandshakeError) {
        self.failed.add([kind.name(), error.reason()], 1);
    }

    /// Counts a socket until the result is dropped.
    pub(super) fn socket(&self, kind: WireKind) -> CountedSocket {
        self.sockets.add(1, &[label(kind)]);
        CountedSocket {
            sockets: self.sockets.clone(),
            kind,
        }
    }
}

/// A socket that is open.
#[derive(Debug)]
pub(super) struct CountedSocket {
    sockets: UpDownCounter<i64>,
    kind: WireKind,
}

impl CountedSocket {
    pub(super) fn kind(&self) -> WireKind {
        self.kind
    }
}

impl Drop for CountedSocket {
    fn drop(&mut self) {
        self.sockets.add(-1, &[label(self.kind)]);
    }
}

fn label(kind: WireKind) -> KeyValue {
    KeyValue::new("listener", kind.name())
}
