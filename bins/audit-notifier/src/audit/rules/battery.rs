//! Low, critical and missing batteries.

use alert::AlertKind;

use crate::audit::scene::{Scene, data};

impl Scene<'_> {
    pub(super) fn battery(&mut self, percent: Option<f64>) {
        match percent.filter(|percent| percent.is_finite()) {
            Some(percent) => self.battery_reported(percent),
            None => self.battery_not_reported(),
        }
    }

    fn battery_reported(&mut self, percent: f64) {
        let written = self.lock.battery;
        if written.is_none_or(|written| (written - percent).abs() >= 1.0) {
            self.visible = true;
        }
        self.battery_back();
        let (low, critical) = (self.settings.battery_low, self.settings.battery_critical);
        if percent < critical {
            let message = format!("The battery is at {percent} %, which is critical.");
            self.raise(
                AlertKind::BatteryCritical,
                message,
                data([("battery", percent.into())]),
            );
        } else if percent < low && !self.lock.has(AlertKind::BatteryCritical) {
            let message = format!("The battery is at {percent} %, which is low.");
            self.raise(
                AlertKind::BatteryLow,
                message,
                data([("battery", percent.into())]),
            );
        }
        self.battery_recovered(percent, AlertKind::BatteryCritical, critical);
        self.battery_recovered(percent, AlertKind::BatteryLow, low);
        if self.visible {
            self.lock.battery = Some(percent);
        }
    }

    /// Above the threshold by the hysteresis it is over: a battery's reading swings by a few percent
    /// with temperature and load.
    fn battery_recovered(&mut self, percent: f64, kind: AlertKind, threshold: f64) {
        if percent >= threshold + self.settings.battery_hysteresis {
            let message = format!("The battery is at {percent} % again.");
            self.clear(kind, &message);
        }
    }

    fn battery_not_reported(&mut self) {
        let threshold = self.settings.battery_missing_reports.max(1);
        let rare = self.lock.rare();
        if rare.batteries_missing < threshold {
            rare.batteries_missing += 1;
            self.changed = true;
        }
        if self.lock.rare().batteries_missing >= threshold {
            let message = format!("The last {threshold} reports told nothing about the battery.");
            self.raise(
                AlertKind::BatteryMissing,
                message,
                data([("reports", threshold.into())]),
            );
        }
    }

    fn battery_back(&mut self) {
        let Some(rare) = &mut self.lock.rare else {
            return;
        };
        if std::mem::take(&mut rare.batteries_missing) > 0 {
            self.changed = true;
        }
        self.clear(
            AlertKind::BatteryMissing,
            "The lock reports its battery again.",
        );
    }
}
