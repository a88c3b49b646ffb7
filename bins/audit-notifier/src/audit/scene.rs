//! One record, or one timer, and the lock it is about.

use alert::{Alert, AlertKind};
use audit::{Draft, EntryKind, Place};
use bytes::Bytes;
use record::{KafkaRecord, Origin};
use serde_json::{Map, Value};
use settings::AuditSettings;
use stage::Outputs;

use super::lock::Lock;
use super::log::Log;
use super::output::Output;

/// Where and when something happens.
#[derive(Clone, Debug)]
pub(super) struct Moment<'a> {
    /// Milliseconds since 1970.
    pub(super) ts_ms: u64,
    /// The record; for a timer the newest record, and `output` goes on from there.
    pub(super) place: Place,
    /// Edge that took the record.
    pub(super) node: &'a Bytes,
    /// A tick found it, not a record.
    pub(super) by_clock: bool,
}

/// What the rules act on: each rule is a method in `rules/`.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) settings: &'a AuditSettings,
    pub(super) lock: &'a mut Lock,
    pub(super) at: Moment<'a>,
    /// A timer is firing, whether a tick or a record found it.
    pub(super) is_timer: bool,
    /// Something changed that must outlive a crash.
    pub(super) changed: bool,
    /// Something changed that others see.
    pub(super) visible: bool,
    log: &'a mut Log,
    out: &'a mut Outputs<Output>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        settings: &'a AuditSettings,
        lock: &'a mut Lock,
        at: Moment<'a>,
        log: &'a mut Log,
        out: &'a mut Outputs<Output>,
    ) -> Self {
        Self {
            settings,
            lock,
            at,
            is_timer: false,
            changed: false,
            visible: false,
            log,
            out,
        }
    }

    /// What makes this happening another than the same at another time. A timer's is its time
    /// alone: after a crash another record may find it.
    pub(super) fn key(&self) -> String {
        if self.is_timer {
            return format!("{}-due", self.at.ts_ms);
        }
        let Place {
            sequence, index, ..
        } = self.at.place;
        format!("{}-{sequence}-{index}", self.at.ts_ms)
    }

    /// Puts an entry into the log.
    pub(super) fn entry(&mut self, kind: EntryKind, data: Map<String, Value>) {
        let draft = Draft {
            kind,
            ts_ms: self.at.ts_ms,
            lock: self.lock.id.to_string(),
            origin: self.at.place,
            data,
        };
        self.at.place.output += 1;
        self.log.append(&draft, self.at.node, self.out);
    }

    /// Puts an alert out.
    pub(super) fn alert(&mut self, alert: &Alert) {
        let record = self.kafka_record(&self.settings.alert_topic, alert.to_json());
        self.out.push(Output::Alert(record));
    }

    /// Ends the scene: writes what others and a restart must know. `keep` is false for a lock that
    /// is not remembered. Gives the next free place.
    pub(super) fn finish(mut self, keep: bool) -> Place {
        let unwritten_ms = self.lock.seen_ms.saturating_sub(self.lock.written_ms);
        if unwritten_ms > 0 && unwritten_ms >= self.settings.status_interval_s * 1000 {
            self.visible = true;
        }
        if keep && (self.visible || self.changed) {
            self.write();
        }
        self.at.place
    }

    fn write(&mut self) {
        self.lock.tidy(self.at.ts_ms, self.settings);
        self.lock.written_ms = self.lock.seen_ms;
        if self.visible && self.lock.has_reported() {
            let record = self.kafka_record(&self.settings.status_topic, self.lock.status());
            self.out.push(Output::Status(record));
        }
        self.out.push(Output::State {
            key: Bytes::copy_from_slice(self.lock.id.as_bytes()),
            value: Bytes::from(self.lock.save()),
        });
    }

    /// Ends the scene of a lock that leaves the memory. A lock's stored state stays; of a client
    /// that never reported nothing stays.
    pub(super) fn leave(mut self) -> Place {
        if self.lock.has_reported() {
            self.visible = self.lock.written_ms != self.lock.seen_ms;
            return self.finish(true);
        }
        let kinds: Vec<_> = self.lock.matters().iter().map(|it| it.kind).collect();
        for kind in kinds {
            self.clear(kind, "Nothing was heard of this client any more.");
        }
        self.out.push(Output::State {
            key: Bytes::copy_from_slice(self.lock.id.as_bytes()),
            value: Bytes::new(),
        });
        self.at.place
    }

    /// Whether a rule is on.
    pub(super) fn is_on(&self, kind: AlertKind) -> bool {
        !self.settings.rules.get(&kind).is_some_and(|rule| rule.off)
    }

    fn kafka_record(&mut self, topic: &str, value: Vec<u8>) -> KafkaRecord {
        let lock = Bytes::copy_from_slice(self.lock.id.as_bytes());
        let mut record = KafkaRecord {
            topic: Bytes::copy_from_slice(topic.as_bytes()),
            key: Some(lock.clone()),
            value: Bytes::from(value),
            timestamp_ms: self.at.ts_ms,
            client_id: lock,
            ..KafkaRecord::default()
        };
        let Place {
            sequence,
            index,
            output,
        } = self.at.place;
        Origin { sequence, index }.stamp(&mut record, self.at.node, output);
        self.at.place.output += 1;
        record
    }
}

/// A JSON object of a few members; those without a value are left out.
pub(super) fn data<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
