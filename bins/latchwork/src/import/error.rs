//! Why a file can't be imported.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Why a file can't be imported; each says what, where, and what to do, in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The file can't be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The file is no text.
    #[error("{file} is no text in UTF-8; {hint}")]
    NotText {
        /// The file.
        file: String,
        /// What to do.
        hint: &'static str,
    },
    /// The text breaks the syntax.
    #[error("{place}: expected {expected}, found {found}")]
    Syntax {
        /// Where.
        place: Place,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The text says something that an import can't use.
    #[error("{place}: {problem}")]
    Meaning {
        /// Where.
        place: Place,
        /// What is wrong, and what to do.
        problem: String,
    },
}

impl ImportError {
    /// A fault in what the text says.
    pub(super) fn meaning(place: &Place, problem: impl Into<String>) -> Self {
        Self::Meaning {
            place: place.clone(),
            problem: problem.into(),
        }
    }
}

/// Where in a file; lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The file's name, as it was given.
    pub(super) file: Arc<str>,
    /// Line.
    pub(super) line: usize,
    /// Column.
    pub(super) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{file}, line {line}, column {column}")
    }
}
