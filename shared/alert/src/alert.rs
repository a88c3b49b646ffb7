//! One alert.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::{AlertKind, Severity};

/// What has become of the matter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It began, or happened.
    Raised,
    /// It still lasts, and the repeat interval is over.
    Repeated,
    /// It is over.
    Cleared,
}

/// Something that somebody should know about a lock.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// 32 hex digits. The same for the same happening, however often it is found: readers and the
    /// notification recognise repeats by it.
    pub id: String,
    /// What is the matter.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// Whether it began, lasts or is over.
    pub change: Change,
    /// Client id of the lock.
    pub lock: String,
    /// When it happened, by the edge's clock: milliseconds since 1970.
    pub ts: u64,
    /// One English sentence for people; the notification writes its own from `details`.
    pub message: String,
    /// Figures and words of the kind, e.g. `battery`, `by`, `process_id`, `verdict`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Value>,
}

/// Bytes that are no alert.
#[derive(Debug, thiserror::Error)]
#[error("not an alert: {0}")]
pub struct AlertError(#[from] serde_json::Error);

impl Alert {
    /// Reads an alert's JSON.
    pub fn read(json: &[u8]) -> Result<Self, AlertError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The alert as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and maps with text keys: there is nothing in it that JSON can't say.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        Alert {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            kind: AlertKind::BatteryLow,
            severity: Severity::Warning,
            change: Change::Raised,
            lock: "10083618796833171".to_owned(),
            ts: 1_574_753_026_269,
            message: "The battery is at 19 %.".to_owned(),
            details: BTreeMap::from([("battery".to_owned(), Value::from(19))]),
        }
    }

    /// Scenario: an alert is written and read.
    /// Guarantee: it is the same, and what was written fits the published schema.
    #[test]
    fn json_round_trip() {
        let json = alert().to_json();
        assert_eq!(Alert::read(&json).unwrap(), alert());
        let schemas = schema::Schemas::builtin().unwrap();
        schemas.get("lock-alert").unwrap().check(&json).unwrap();
    }

    /// Scenario: every kind and severity is written.
    /// Guarantee: JSON uses the same word as `name`.
    #[test]
    fn names_are_the_words_of_json() {
        for kind in AlertKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.name());
        }
    }
}
