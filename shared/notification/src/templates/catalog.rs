//! The texts of one language, as files hold them.

use std::collections::BTreeMap;
use std::path::Path;

use alert::{AlertKind, Change, Severity};
use serde::Deserialize;

use super::TemplatesError;
use crate::language::Language;

/// `LANGUAGE.toml`. A file of own texts may lack any entry.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Catalog {
    pub(super) words: BTreeMap<Severity, String>,
    pub(super) frame: BTreeMap<Frame, String>,
    pub(super) alert: BTreeMap<AlertKind, BTreeMap<Part, String>>,
}

/// What a text is put into.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Frame {
    Subject,
    Mail,
    Sms,
    DigestSubject,
    DigestMail,
    DigestSms,
}

/// What there is to say of one kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    Name,
    Raised,
    Repeated,
    Cleared,
    Advice,
}

impl Frame {
    pub(super) const ALL: [Self; 6] = [
        Self::Subject,
        Self::Mail,
        Self::Sms,
        Self::DigestSubject,
        Self::DigestMail,
        Self::DigestSms,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::DigestSubject => "digest_subject",
            Self::DigestMail => "digest_mail",
            Self::DigestSms => "digest_sms",
        }
    }
}

impl Part {
    /// Those that each kind must have.
    pub(super) const NEEDED: [Self; 4] = [Self::Name, Self::Raised, Self::Repeated, Self::Cleared];

    pub(super) fn of(change: Change) -> Self {
        match change {
            Change::Raised => Self::Raised,
            Change::Repeated => Self::Repeated,
            Change::Cleared => Self::Cleared,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Raised => "raised",
            Self::Repeated => "repeated",
            Self::Cleared => "cleared",
            Self::Advice => "advice",
        }
    }
}

/// The texts that are built in.
pub(super) fn shipped(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../../templates/en.toml"),
        Language::Zh => include_str!("../../templates/zh.toml"),
        Language::Ja => include_str!("../../templates/ja.toml"),
    }
}

impl Catalog {
    pub(super) fn read(text: &str, path: &Path) -> Result<Self, TemplatesError> {
        toml::from_str(text).map_err(|error| TemplatesError::File {
            path: path.to_owned(),
            fault: error.to_string(),
        })
    }

    /// Every template with the name that it has in the environment.
    pub(super) fn into_templates(self, language: Language) -> Vec<(String, String)> {
        let mut templates = Vec::new();
        for (severity, word) in self.words {
            templates.push((word_name(language, severity), word));
        }
        for (frame, text) in self.frame {
            templates.push((frame_name(language, frame), text));
        }
        for (kind, parts) in self.alert {
            for (part, text) in parts {
                templates.push((part_name(language, kind, part), text));
            }
        }
        templates
    }
}

pub(super) fn word_name(language: Language, severity: Severity) -> String {
    format!("{}/words.{}", language.name(), severity.name())
}

pub(super) fn frame_name(language: Language, frame: Frame) -> String {
    format!("{}/frame.{}", language.name(), frame.name())
}

pub(super) fn part_name(language: Language, kind: AlertKind, part: Part) -> String {
    format!("{}/alert.{}.{}", language.name(), kind.name(), part.name())
}
