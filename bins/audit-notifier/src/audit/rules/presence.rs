//! Online, offline, flapping.

use alert::AlertKind;
use record::Record;

use crate::audit::command::text;
use crate::audit::scene::{Scene, data};
use crate::audit::text::clean;

pub(in crate::audit) const FLAPPING_OVER: &str = "The connection is stable again.";

/// Ends of a connection that are nobody's fault: the client said goodbye, came again elsewhere, or
/// the edge was stopped. If the lock stays away, its silence tells.
const ORDERLY: [&str; 3] = ["normal", "takenover", "server_shutdown"];

impl Scene<'_> {
    pub(super) fn connected(&mut self, record: &Record) {
        let epoch = record.session_epoch;
        if epoch < self.lock.epoch {
            return;
        }
        self.lock.epoch = epoch;
        self.lock.online = true;
        self.visible = true;
        let (span_ms, most) = (
            self.settings.flapping_window_s * 1000,
            self.settings.flapping_connects,
        );
        let at_ms = self.at.ts_ms;
        if self.lock.rare().connects.add(at_ms, span_ms, most) {
            let (most, seconds) = (most.max(1), self.settings.flapping_window_s);
            let message = format!("The lock connected {most} times within {seconds} seconds.");
            let details = data([("connects", most.into()), ("seconds", seconds.into())]);
            self.raise(AlertKind::Flapping, message, details);
        }
        let offline = self.lock.matter(AlertKind::Offline);
        if offline.is_some_and(|matter| matter.details.contains_key("reason")) {
            self.back_online("The lock is connected again.");
        }
    }

    pub(super) fn disconnected(&mut self, record: &Record) {
        // A connection that has a successor ended some time ago, whenever that was noticed.
        if record.session_epoch < self.lock.epoch {
            return;
        }
        self.lock.epoch = record.session_epoch;
        self.lock.gone_epoch = record.session_epoch;
        self.lock.online = false;
        self.visible = true;
        let reason = text(&record.reason);
        let is_known = ORDERLY.contains(&reason) || self.lock.has(AlertKind::Flapping);
        if self.lock.has_reported() && !is_known {
            let reason = clean(reason);
            let message = format!("The lock's connection broke: {reason}.");
            self.raise(
                AlertKind::Offline,
                message,
                data([("reason", reason.into())]),
            );
        }
    }

    /// A report is a sign of life, unless it is a late one of a connection that is gone.
    pub(super) fn is_there(&mut self, epoch: u64) {
        if epoch > self.lock.epoch {
            self.lock.epoch = epoch;
            self.visible = true;
        }
        let is_late = epoch < self.lock.epoch || (epoch != 0 && epoch == self.lock.gone_epoch);
        if is_late {
            return;
        }
        if !self.lock.online {
            self.lock.online = true;
            self.visible = true;
        }
        self.back_online("The lock reports again.");
    }

    /// No report for too long.
    pub(in crate::audit) fn silent(&mut self) {
        self.lock.online = false;
        self.visible = true;
        let seconds = self.settings.report_interval_s * u64::from(self.settings.offline_after);
        let message = format!("The lock has not reported for {seconds} seconds.");
        // Not the time of the last report: that is not stored for each.
        let key = format!("since-{}", self.lock.since_ms);
        self.raise_as(
            AlertKind::Offline,
            key,
            message,
            data([("seconds", seconds.into())]),
        );
    }

    fn back_online(&mut self, message: &str) {
        if self.lock.has(AlertKind::Offline) {
            self.clear(AlertKind::Offline, message);
            self.lock.since_ms = self.at.ts_ms;
        }
    }
}
