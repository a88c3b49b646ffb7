//! What the last tick before a crash had logged.

use std::collections::BTreeMap;

use alert::{Alert, AlertKind, Change, Severity};
use audit::{Entry, EntryKind};
use serde::Deserialize;
use serde_json::Value;
use stage::Outputs;

use super::handler::AuditHandler;
use super::lock::Matter;
use super::output::Output;
use super::scene::Scene;

/// `data` of an alert's entry.
#[derive(Deserialize)]
struct Told {
    alert: AlertKind,
    change: Change,
    severity: Severity,
    id: String,
    key: String,
    repeats: u64,
    message: String,
    details: BTreeMap<String, Value>,
    #[serde(default)]
    clock: bool,
}

impl AuditHandler {
    /// Makes up for a crash in the middle of a tick. Records come again after a crash, ticks do
    /// not, so what the last tick had logged is taken from the log: `entries` are those of the
    /// newest frame of the partition, in order. The outputs must be stored before the first record
    /// is handled.
    pub fn recover<'e>(
        &mut self,
        entries: impl IntoIterator<Item = &'e [u8]>,
        out: &mut Outputs<Output>,
    ) {
        let entries = entries
            .into_iter()
            .filter_map(|json| Entry::read(json).ok());
        for entry in entries.filter(|entry| entry.kind == EntryKind::Alert) {
            let Ok(told) = serde_json::from_str::<Told>(entry.data) else {
                continue;
            };
            if !told.clock {
                continue;
            }
            if let Some(mut scene) = self.scene_of(&entry.lock, entry.ts_ms, out) {
                scene.recover(told);
                let next = scene.finish(true);
                self.settle(&entry.lock, next);
            }
        }
    }
}

impl Scene<'_> {
    fn recover(&mut self, told: Told) {
        let kind = told.alert;
        let matter = self.lock.matter(kind).filter(|it| it.key == told.key);
        // States are stored last: one that shows the change says that people were told of it.
        match (told.change, matter) {
            (Change::Raised, None) if self.is_on(kind) && !self.lock.has(kind) => {
                self.recover_raised(&told);
            }
            (Change::Repeated, Some(matter)) if matter.repeats < told.repeats => {
                self.recover_repeated(&told);
            }
            (Change::Cleared, Some(_)) => {
                self.forget(kind);
            }
            _ => return,
        }
        self.alert(&Alert {
            id: told.id,
            kind,
            severity: told.severity,
            change: told.change,
            lock: self.lock.id.to_string(),
            ts: self.at.ts_ms,
            message: told.message,
            details: told.details,
        });
    }

    fn recover_raised(&mut self, told: &Told) {
        if told.alert == AlertKind::Offline {
            self.lock.online = false;
        }
        self.visible = true;
        let matter = Matter {
            kind: told.alert,
            key: told.key.clone(),
            since_ms: self.at.ts_ms,
            repeat_ms: self.at.ts_ms + self.repeat_ms(told.alert),
            repeats: 0,
            message: told.message.clone(),
            details: told.details.clone(),
        };
        self.lock.rare().matters.push(matter);
    }

    fn recover_repeated(&mut self, told: &Told) {
        let every_ms = self.repeat_ms(told.alert);
        let Some(rare) = &mut self.lock.rare else {
            return;
        };
        let mut matters = rare.matters.iter_mut();
        let matter = matters.find(|it| it.kind == told.alert && it.key == told.key);
        if let Some(matter) = matter {
            let missed = told.repeats.saturating_sub(matter.repeats);
            matter.repeats += missed;
            matter.repeat_ms += missed * every_ms;
            self.changed = true;
        }
    }
}
