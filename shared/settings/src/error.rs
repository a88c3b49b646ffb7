//! What is wrong with a pipeline file.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use record::TopicFilterError;
use rules::ActionFailed;
use rules::sql::SqlError;
use schema::SchemaError;

/// What is wrong with a pipeline file; each says what, where, and what to do, in one line.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("cannot read the pipeline file {}: {source}; check --config", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A rules file beside it, or their folder, can't be read.
    #[error(
        "cannot read the rules file {}: {source}; mend it, or take it out of the folder",
        .file.display()
    )]
    ReadRules {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{place}: {fault}")]
    Fault {
        /// File, line and column.
        place: Place,
        /// What is wrong there.
        fault: Box<Fault>,
    },
    /// A built-in schema does not compile: a defect of this build.
    #[error("built-in pipeline: {0}")]
    BuiltIn(#[from] SchemaError),
}

/// What is wrong at one place.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No TOML, an unknown key, or a value of another type.
    #[error("{0}")]
    Toml(String),
    /// No topic filter.
    #[error(transparent)]
    Filter(#[from] TopicFilterError),
    /// The schema can't be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// No such event; what may have been meant.
    #[error("unknown event `{0}`; {1}")]
    Event(String, String),
    /// Two tables for one Kafka topic.
    #[error("the topic `{0}` is there twice; join the two tables")]
    TopicTwice(String),
    /// Kafka takes letters, digits, `.`, `_` and `-`, at most 249 of them.
    #[error("{0:?} is no Kafka topic: use 1 to 249 letters, digits, dots, underscores and dashes")]
    KafkaTopic(String),
    /// A rule's name has other characters, or none.
    #[error("{0:?} is no name of a rule: use letters, digits, `.`, `_` and `-`")]
    RuleName(String),
    /// Two rules have one name.
    #[error("the rule `{0}` is there twice; give one another name")]
    RuleTwice(String),
    /// The statement of a rule can't be read.
    #[error("the sql of the rule `{rule}` at its {error}")]
    Sql {
        /// The rule.
        rule: String,
        /// What is wrong, with line and column in the statement.
        error: Box<SqlError>,
    },
    /// What a `republish` says of every message can't be done for any.
    #[error("the action {number} of the rule `{rule}`: {error}")]
    Republish {
        /// The rule.
        rule: String,
        /// Which of its actions, from 1.
        number: usize,
        /// Which part, and what it may be.
        error: ActionFailed,
    },
    /// The rule does nothing.
    #[error("the rule `{0}` has no [[rule.action]]")]
    NoAction(String),
    /// A number that is out of range.
    #[error("{0} is out of range; use {1}")]
    Range(i64, &'static str),
}

/// Where in a file.
#[derive(Debug)]
pub struct Place {
    file: PathBuf,
    line: usize,
    column: usize,
}

impl Place {
    /// The place of a byte range.
    pub(crate) fn of(file: &Path, text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}, line {}, column {}",
            self.file.display(),
            self.line,
            self.column
        )
    }
}
