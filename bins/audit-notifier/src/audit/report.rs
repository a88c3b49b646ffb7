//! What a lock says of itself.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::text::{TEXT_LIMIT, clip};

/// What was done, or is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    Lock,
    Unlock,
    /// A word that only a contract of one's own lets through.
    #[serde(other)]
    Other,
}

impl Action {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Other => "other",
        }
    }
}

/// A lock's report. The built-in contract demands every field; another may not.
#[derive(Deserialize, Debug)]
pub(super) struct Report<'p> {
    #[serde(borrow)]
    process_id: Option<Cow<'p, str>>,
    pub(super) action: Option<Action>,
    pub(super) battery: Option<f64>,
    #[serde(default, deserialize_with = "state")]
    pub(super) lock_state: Option<i32>,
    #[serde(borrow)]
    version: Option<&'p RawValue>,
}

impl<'p> Report<'p> {
    /// `None` when the payload is no lock state at all.
    pub(super) fn read(payload: &'p [u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// Which run of the lock this is about; limited in length.
    pub(super) fn process_id(&self) -> Option<&str> {
        self.process_id.as_deref().map(clip)
    }

    /// The version's JSON, as it was written: 1.10 is another version than 1.1.
    pub(super) fn version(&self) -> Option<&'p RawValue> {
        self.version.filter(|version| {
            let json = version.get();
            let is_scalar = json
                .starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit());
            is_scalar && json.len() <= TEXT_LIMIT
        })
    }
}

/// A state that is none of 0 to 255.
const NO_STATE: i32 = -1;

/// JSON knows one kind of number: to a schema, and so here, 1.0 is 1.
fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    Ok(number.map(|number| {
        let is_it = |state: &i32| (f64::from(*state) - number).abs() < f64::EPSILON;
        (0..=255).find(is_it).unwrap_or(NO_STATE)
    }))
}

/// The text of a version's JSON.
pub(super) fn version_text(version: &RawValue) -> String {
    serde_json::from_str::<String>(version.get()).unwrap_or_else(|_| version.get().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the passing examples of the schema `lock-state`, and a state with a fraction of 0.
    /// Guarantee: all are read.
    #[test]
    fn what_the_contract_lets_through_is_read() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/examples/lock-state/pass"
        );
        for file in std::fs::read_dir(folder).unwrap() {
            let json = std::fs::read(file.unwrap().path()).unwrap();
            let report = Report::read(&json).unwrap();
            assert!(matches!(report.lock_state, Some(0 | 1)));
            assert!(matches!(report.action, Some(Action::Lock | Action::Unlock)));
            assert!(report.process_id().is_some() && report.version().is_some());
        }
        let report = Report::read(br#"{"lock_state":1.0,"action":"open","version":[1]}"#).unwrap();
        assert_eq!(
            (report.lock_state, report.action),
            (Some(1), Some(Action::Other))
        );
        assert!(report.version().is_none());
        assert_eq!(
            Report::read(br#"{"lock_state":0.5}"#).unwrap().lock_state,
            Some(NO_STATE)
        );
    }
}
