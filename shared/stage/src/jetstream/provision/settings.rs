//! What an operator may set about the streams.

use std::time::Duration;

use settings::Pipeline;
use topology::{AUDIT, DLQ, DOWN, EV, PUB, Part, REC, StreamSpec, UP};

/// What an operator may set about the streams.
#[derive(Clone, Debug, Default)]
pub struct StreamSettings {
    /// Partitions; `None` takes what is stored, or one.
    pub partitions: Option<u16>,
    /// Copies of each message in a cluster; `None` is one.
    pub replicas: Option<usize>,
    /// Size limit of a stream in bytes, where it differs from the table's.
    pub max_bytes: Vec<(&'static str, i64)>,
    /// Most entries of a queue; `None` takes what is stored, or the table's.
    pub queue: Option<i64>,
    /// How long an entry of a queue is kept; `None` takes what is stored, or the table's.
    pub queue_max_age: Option<Duration>,
    /// Whether the audit's streams and durables are made.
    pub audit: bool,
    /// Whether those of the notification are made.
    pub notify: bool,
}

impl From<&Pipeline> for StreamSettings {
    fn from(pipeline: &Pipeline) -> Self {
        let (streams, sessions) = (pipeline.streams(), pipeline.sessions());
        let sizes = [
            (UP.name, streams.up_max_bytes),
            (REC.name, streams.rec_max_bytes),
            (DLQ.name, streams.dlq_max_bytes),
            (EV.name, streams.ev_max_bytes),
            (AUDIT.name, streams.audit_max_bytes),
            (DOWN.name, streams.down_max_bytes),
            (PUB.name, streams.pub_max_bytes),
        ];
        Self {
            partitions: streams.partitions,
            replicas: streams.replicas,
            max_bytes: sizes
                .into_iter()
                .filter_map(|(name, size)| Some((name, size?)))
                .collect(),
            queue: sessions.queue,
            queue_max_age: sessions.queue_max_age,
            audit: pipeline.has(Part::Audit),
            notify: pipeline.has(Part::Notify),
        }
    }
}

impl StreamSettings {
    pub(super) fn has(&self, part: Part) -> bool {
        match part {
            Part::Road => true,
            Part::Audit => self.audit,
            Part::Notify => self.notify,
        }
    }

    pub(super) fn max_bytes(&self, spec: &StreamSpec) -> Option<i64> {
        self.max_bytes
            .iter()
            .find(|(name, _)| *name == spec.name)
            .map(|(_, bytes)| *bytes)
    }
}
