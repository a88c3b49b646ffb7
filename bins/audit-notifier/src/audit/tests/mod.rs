//! The audit as function calls under virtual time.

mod behaviour;
mod clients;
mod commands;
mod log;
mod matters;
mod records;
mod replay;

use std::sync::Arc;

use alert::{Alert, AlertKind, Change};
use audit::Chain;
use record::{Origin, Record};
use serde_json::Value;
use settings::AuditSettings;
use stage::{Handler, Outputs};

use super::{AuditHandler, Output};

/// A handler, and everything that it put out.
pub(super) struct Watch {
    pub(super) handler: AuditHandler,
    pub(super) outputs: Vec<Output>,
    sequence: u64,
    now_ms: u64,
}

impl Watch {
    pub(super) fn new(settings: AuditSettings) -> Self {
        Self {
            handler: AuditHandler::new(Arc::new(settings), Chain::new(0)),
            outputs: Vec::new(),
            sequence: 0,
            now_ms: 0,
        }
    }

    /// Handles a record, and gives what it put out.
    pub(super) fn take(&mut self, record: &Record) -> Vec<Output> {
        self.sequence += 1;
        self.now_ms = self.now_ms.max(record.received_at_ms);
        let origin = Origin {
            sequence: self.sequence,
            index: 0,
        };
        let mut out = Outputs::default();
        self.handler.handle(record, origin, &mut out).unwrap();
        self.keep(&out)
    }

    /// Handles records and gives the alerts.
    pub(super) fn tell<'r>(&mut self, records: impl IntoIterator<Item = &'r Record>) -> Vec<Told> {
        let outputs: Vec<_> = records
            .into_iter()
            .flat_map(|record| self.take(record))
            .collect();
        told(&outputs)
    }

    /// Ticks each second until then, and gives the alerts.
    pub(super) fn until(&mut self, second: u64) -> Vec<Told> {
        let mut outputs = Vec::new();
        while self.now_ms < second * 1000 {
            self.now_ms += 1000;
            let mut out = Outputs::default();
            self.handler.tick(self.now_ms, &mut out);
            outputs.extend(self.keep(&out));
        }
        told(&outputs)
    }

    fn keep(&mut self, out: &Outputs<Output>) -> Vec<Output> {
        self.outputs.extend_from_slice(out.items());
        out.items().to_vec()
    }
}

/// Kind and change of an alert.
pub(super) type Told = (AlertKind, Change);

pub(super) fn alerts(outputs: &[Output]) -> Vec<Alert> {
    let alert = |output: &Output| match output {
        Output::Alert(record) => Some(Alert::read(&record.value).unwrap()),
        _ => None,
    };
    outputs.iter().filter_map(alert).collect()
}

pub(super) fn told(outputs: &[Output]) -> Vec<Told> {
    alerts(outputs)
        .iter()
        .map(|alert| (alert.kind, alert.change))
        .collect()
}

/// The log's entries as JSON.
pub(super) fn entries(outputs: &[Output]) -> Vec<Value> {
    let entry = |output: &Output| match output {
        Output::Entry(record) => Some(serde_json::from_slice(&record.value).unwrap()),
        _ => None,
    };
    outputs.iter().filter_map(entry).collect()
}

/// `data` of the entries of one kind.
pub(super) fn entries_of(outputs: &[Output], kind: &str) -> Vec<Value> {
    let entries = entries(outputs).into_iter();
    entries
        .filter(|entry| entry["kind"] == kind)
        .map(|entry| entry["data"].clone())
        .collect()
}
