//! Trying every text, so that a fault shows now and not at night.

use alert::{Alert, AlertKind, Change, Severity};

use super::catalog::{self, Frame, Part};
use super::{Templates, TemplatesError, text_error};
use crate::contacts::{ChannelKind, Zone};
use crate::delivery::Delivery;
use crate::language::Language;

impl Templates {
    /// Whether every text is there and works.
    pub(super) fn check(&self) -> Result<(), TemplatesError> {
        for language in Language::ALL {
            for name in needed(language) {
                if self.texts.get_template(&name).is_err() {
                    return Err(TemplatesError::Missing(name));
                }
            }
            for kind in AlertKind::ALL {
                for change in [Change::Raised, Change::Repeated, Change::Cleared] {
                    let sample = sample(language, *kind, change);
                    let tried = self.single(&sample);
                    let tried = tried.and_then(|_| self.digest(&[&sample, &sample]));
                    tried.map_err(|error| {
                        let name = error.name().unwrap_or(language.name()).to_owned();
                        text_error(name, &error)
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// Names of all texts that a language must have.
fn needed(language: Language) -> Vec<String> {
    let mut names: Vec<String> = Severity::ALL
        .iter()
        .map(|severity| catalog::word_name(language, *severity))
        .collect();
    names.extend(Frame::ALL.map(|frame| catalog::frame_name(language, frame)));
    for kind in AlertKind::ALL {
        names.extend(Part::NEEDED.map(|part| catalog::part_name(language, *kind, part)));
    }
    names
}

/// A delivery to try texts with.
pub(super) fn sample(language: Language, kind: AlertKind, change: Change) -> Delivery {
    let details = [
        ("battery", 9.into()),
        ("by", "command".into()),
        ("verdict", "replayed".into()),
    ];
    Delivery {
        id: String::new(),
        channel: ChannelKind::Email,
        address: String::new(),
        name: "Sample".to_owned(),
        language,
        zone: Zone::default(),
        alert: Alert {
            id: String::new(),
            kind,
            severity: kind.severity(),
            change,
            lock: "10083618796833171".to_owned(),
            ts: 1_574_753_026_269,
            message: "A sample.".to_owned(),
            details: details
                .map(|(key, value): (&str, serde_json::Value)| (key.to_owned(), value))
                .into(),
        },
        not_before_ms: 0,
        deadline_ms: 0,
    }
}
