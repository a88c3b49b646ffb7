//! Why there is no answer.

use std::io;

/// Why there is no answer; each says what, where, and what to do, in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    /// A file can't be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What is wrong.
        source: io::Error,
    },
    /// A file or an option has bytes that are no text.
    #[error("{0} is no text in UTF-8; save it as UTF-8")]
    NotText(String),
    /// A line of a file of vectors is none.
    #[error(
        "{place}: this is no vector: {problem}; each line is a JSON object with id, kind, expect"
    )]
    Vector {
        /// File, line and, where it is known, column.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A file has no vectors at all.
    #[error("{0} has no vectors; each line is a JSON object with id, kind, expect")]
    NoVectors(String),
    /// No rule has this name.
    #[error("there is no rule {name:?}; {known}")]
    NoRule {
        /// The name.
        name: String,
        /// Which there are.
        known: String,
    },
    /// The message needs a topic.
    #[error("--topic is missing: {0} has one")]
    NoTopic(&'static str),
    /// Nobody can publish to it.
    #[error("--topic: {0:?} is no topic to publish to: use one without +, # and null")]
    Topic(String),
    /// No such event.
    #[error("--event: there is no event {name:?}; use one of {known}")]
    Event {
        /// What was asked for.
        name: String,
        /// Which there are.
        known: String,
    },
    /// An action can't be read.
    #[error("--action {text:?}: {problem}")]
    Action {
        /// As it was given.
        text: String,
        /// What is wrong.
        problem: String,
    },
}
