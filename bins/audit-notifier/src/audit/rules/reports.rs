//! What every report is looked at for.

use alert::AlertKind;
use record::Record;

use crate::audit::report::{Report, version_text};
use crate::audit::scene::{Scene, data};
use crate::audit::text::clean;

impl Scene<'_> {
    pub(super) fn report(&mut self, report: &Report<'_>, record: &Record) {
        let is_first = !self.lock.has_reported();
        if is_first {
            self.lock.since_ms = self.at.ts_ms;
            self.visible = true;
        }
        // Never 0, which means that it never reported.
        self.lock.seen_ms = self.lock.seen_ms.max(self.at.ts_ms).max(1);
        self.lock.restored = false;
        self.is_there(record.session_epoch);
        self.valid_payload();
        self.version(report);
        self.battery(report.battery);
        self.door(report, is_first);
    }

    fn version(&mut self, report: &Report<'_>) {
        let Some(version) = report.version() else {
            return;
        };
        let before = self.lock.version.as_deref();
        if before.is_some_and(|before| before.get() == version.get()) {
            return;
        }
        let before = before.map(|before| clean(&version_text(before)));
        self.lock.version = Some(version.to_owned());
        self.visible = true;
        if let Some(before) = before {
            let version = clean(&version_text(version));
            let message = format!("The firmware changed from version {before} to {version}.");
            let details = data([("from", before.into()), ("to", version.into())]);
            self.happened(AlertKind::FirmwareChanged, message, details);
        }
    }

    pub(super) fn invalid_payload(&mut self, reason: &str) {
        self.lock.rare().invalid_ms = self.at.ts_ms;
        self.changed = true;
        let reason = clean(reason);
        let message = format!("The lock sends payloads that break their contract: {reason}.");
        self.raise(
            AlertKind::InvalidPayload,
            message,
            data([("reason", reason.into())]),
        );
    }

    /// A whole interval without an invalid payload ends the matter, so that a lock that alternates
    /// is told once.
    fn valid_payload(&mut self) {
        let Some(rare) = &self.lock.rare else { return };
        if self.at.ts_ms >= rare.invalid_ms + self.settings.report_interval_s * 1000 {
            let message = "The lock's payloads keep their contract again.";
            self.clear(AlertKind::InvalidPayload, message);
        }
    }
}
