//! How a matter is raised, repeated and cleared.

use alert::{Alert, AlertKind, Change};
use audit::EntryKind;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::lock::Matter;
use super::scene::{Scene, data};

impl Scene<'_> {
    /// Tells of something that has no end.
    pub(super) fn happened(
        &mut self,
        kind: AlertKind,
        message: String,
        details: Map<String, Value>,
    ) {
        if self.is_on(kind) {
            let matter = self.matter(kind, self.key(), message, details);
            self.tell(&matter, Change::Raised);
        }
    }

    /// Tells of something that lasts, unless it does already.
    pub(super) fn raise(&mut self, kind: AlertKind, message: String, details: Map<String, Value>) {
        let key = self.key();
        self.raise_as(kind, key, message, details);
    }

    /// The same with what tells this matter from one at another time.
    pub(super) fn raise_as(
        &mut self,
        kind: AlertKind,
        key: String,
        message: String,
        details: Map<String, Value>,
    ) {
        if !self.is_on(kind) || self.lock.has(kind) {
            return;
        }
        let matter = self.matter(kind, key, message, details);
        self.tell(&matter, Change::Raised);
        self.lock.rare().matters.push(matter);
        self.visible = true;
    }

    /// Tells that it is over, if it was the matter.
    pub(super) fn clear(&mut self, kind: AlertKind, message: &str) {
        if let Some(matter) = self.forget(kind) {
            let matter = Matter {
                message: message.to_owned(),
                ..matter
            };
            self.tell(&matter, Change::Cleared);
        }
    }

    /// Ends a matter without a word.
    pub(super) fn forget(&mut self, kind: AlertKind) -> Option<Matter> {
        let matters = &mut self.lock.rare.as_mut()?.matters;
        let index = matters.iter().position(|matter| matter.kind == kind)?;
        self.visible = true;
        Some(matters.remove(index))
    }

    /// Tells again what still lasts. Repeats that nobody was there to tell are not told late.
    pub(super) fn repeat(&mut self, kind: AlertKind, now_ms: u64) {
        let every_ms = self.repeat_ms(kind);
        let Some(rare) = &mut self.lock.rare else {
            return;
        };
        let Some(matter) = rare.matters.iter_mut().find(|matter| matter.kind == kind) else {
            return;
        };
        let missed = now_ms.saturating_sub(matter.repeat_ms) / every_ms;
        matter.repeats += 1 + missed;
        matter.repeat_ms += (1 + missed) * every_ms;
        self.changed = true;
        let mut matter = matter.clone();
        matter.message = format!("Still so: {}", matter.message);
        self.tell(&matter, Change::Repeated);
    }

    /// Milliseconds between two tellings of what lasts.
    pub(super) fn repeat_ms(&self, kind: AlertKind) -> u64 {
        let rule = self.settings.rules.get(&kind);
        let repeat_s = rule.and_then(|rule| rule.repeat_s);
        repeat_s.unwrap_or(self.settings.repeat_s).max(1) * 1000
    }

    fn matter(
        &self,
        kind: AlertKind,
        key: String,
        message: String,
        details: Map<String, Value>,
    ) -> Matter {
        Matter {
            kind,
            key,
            since_ms: self.at.ts_ms,
            repeat_ms: self.at.ts_ms + self.repeat_ms(kind),
            repeats: 0,
            message,
            details: details.into_iter().collect(),
        }
    }

    /// Into the log and to people.
    fn tell(&mut self, matter: &Matter, change: Change) {
        let alert = self.alert_of(matter, change);
        let mut members = data([
            ("alert", alert.kind.name().into()),
            ("change", word(alert.change)),
            ("severity", alert.severity.name().into()),
            ("id", alert.id.clone().into()),
            ("key", matter.key.clone().into()),
            ("repeats", matter.repeats.into()),
            ("message", alert.message.clone().into()),
            (
                "details",
                Value::Object(alert.details.clone().into_iter().collect()),
            ),
        ]);
        if self.at.by_clock {
            members.insert("clock".to_owned(), Value::Bool(true));
        }
        self.entry(EntryKind::Alert, members);
        self.alert(&alert);
    }

    fn alert_of(&self, matter: &Matter, change: Change) -> Alert {
        let rule = self.settings.rules.get(&matter.kind);
        let severity = rule.and_then(|rule| rule.severity);
        Alert {
            id: alert_id(matter, change, &self.lock.id),
            kind: matter.kind,
            severity: severity.unwrap_or(matter.kind.severity()),
            change,
            lock: self.lock.id.to_string(),
            ts: self.at.ts_ms,
            message: matter.message.clone(),
            details: matter.details.clone(),
        }
    }
}

/// The word that JSON has for it.
fn word(change: Change) -> Value {
    serde_json::to_value(change).unwrap_or_default()
}

/// First 32 hex digits of SHA-256 over what makes the happening unique. Each part goes in with its
/// length, so that no two lists of parts are the same bytes.
fn alert_id(matter: &Matter, change: Change, lock: &str) -> String {
    let change = match change {
        Change::Raised => "raised".to_owned(),
        Change::Repeated => format!("repeated {}", matter.repeats),
        Change::Cleared => "cleared".to_owned(),
    };
    let mut hash = Sha256::new();
    for part in [matter.kind.name(), &change, lock, &matter.key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digits = format!("{:x}", hash.finalize());
    digits.chars().take(32).collect()
}
