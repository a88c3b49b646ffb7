//! What the audit counts, once it is stored.

use alert::{Alert, AlertKind, Change};
use audit::{Entry, EntryKind};
use stage::Refused;
use telemetry::metrics::audit::{ALERTS, ENTRIES};
use telemetry::{LabelledCounter, Meter};

use crate::audit::Output;

/// Counts entries of the log and alerts. Meanings: [`telemetry::metrics::audit`].
#[derive(Clone, Debug)]
pub(crate) struct AuditMetrics {
    alerts: LabelledCounter,
    entries: LabelledCounter,
}

impl AuditMetrics {
    /// Every kind begins at zero.
    pub(crate) fn new(meter: &Meter) -> Self {
        let metrics = Self {
            alerts: LabelledCounter::new(&ALERTS, meter),
            entries: LabelledCounter::new(&ENTRIES, meter),
        };
        for kind in AlertKind::ALL {
            let raised = change(Change::Raised);
            let labels = [kind.name(), kind.severity().name(), raised];
            metrics.alerts.add(labels, 0);
        }
        for kind in EntryKind::ALL {
            metrics.entries.add([kind.name()], 0);
        }
        metrics
    }

    /// Counts a batch that is stored. There are few of these for each record: most records are
    /// states that change nothing.
    pub(super) fn stored(&self, items: &[Output], refused: &[Refused]) {
        let is_refused = |at: usize| refused.iter().any(|refused| refused.index == at);
        let stored = items.iter().enumerate();
        for (_, item) in stored.filter(|(at, _)| !is_refused(*at)) {
            match item {
                Output::Entry(record) => {
                    if let Ok(entry) = Entry::read(&record.value) {
                        self.entries.add([entry.kind.name()], 1);
                    }
                }
                Output::Alert(record) => {
                    if let Ok(alert) = Alert::read(&record.value) {
                        let (kind, severity) = (alert.kind.name(), alert.severity.name());
                        self.alerts.add([kind, severity, change(alert.change)], 1);
                    }
                }
                Output::Status(_) | Output::State { .. } => {}
            }
        }
    }
}

fn change(change: Change) -> &'static str {
    match change {
        Change::Raised => "raised",
        Change::Repeated => "repeated",
        Change::Cleared => "cleared",
    }
}
