//! Why a text is no statement.

use record::TopicFilterError;

use super::caret::{point_at, position};
use super::place::Place;

/// Where a text stops being a statement, and why. `Display` is one line:
/// `line 1, column 15: expected FROM, found WHERE`.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {}", self.message())]
pub struct SqlError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The same in bytes of the text.
    pub place: Place,
    /// What is wrong.
    pub fault: Fault,
    /// What may have been meant, or what to do.
    pub hint: Option<String>,
}

/// What is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Something else belongs here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A quote opens here and never closes.
    #[error("the text in {0} that begins here does not end")]
    Unclosed(char),
    /// A sign that the SQL does not have.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// `12abc`
    #[error("a number runs into a name")]
    NumberAndName,
    /// An integer of more than 128 bits, or a float that is not finite.
    #[error("the number is too large")]
    NumberTooLarge,
    /// An index or the end of a range that is no integer of 64 bits.
    #[error("the index is too large: the limit is 64 bits")]
    IndexTooLarge,
    /// There is no such function.
    #[error("unknown function {0}")]
    UnknownFunction(String),
    /// The function takes fewer or more arguments.
    #[error("{function} takes {takes}, got {got}")]
    Arguments {
        /// Its name.
        function: &'static str,
        /// As a phrase: `1 argument`, `2 to 4 arguments`.
        takes: String,
        /// How many are written.
        got: usize,
    },
    /// No event has this topic, or none matches this filter.
    #[error("unknown event {0}")]
    UnknownEvent(String),
    /// `FROM` something that is no topic filter.
    #[error(transparent)]
    TopicFilter(#[from] TopicFilterError),
    /// More than [`super::MAX_NESTING`] levels.
    #[error("nested too deeply: the limit is {} levels", super::MAX_NESTING)]
    Nesting,
    /// More than [`super::MAX_OPERATORS`] in one expression.
    #[error(
        "too many operators in one expression: the limit is {}",
        super::MAX_OPERATORS
    )]
    Operators,
    /// More than [`super::MAX_TEXT`] bytes.
    #[error("the statement has {0} bytes: the limit is {limit}", limit = super::MAX_TEXT)]
    TooLong(usize),
}

impl SqlError {
    pub(super) fn new(text: &str, place: Place, fault: Fault) -> Self {
        let (line, column) = position(text, place);
        Self {
            line,
            column,
            place,
            fault,
            hint: None,
        }
    }

    pub(super) fn hinted(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What is wrong and the hint, without the place.
    pub fn message(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.fault),
            None => self.fault.to_string(),
        }
    }

    /// The error, the line of the statement, and carets under the place. `text` is what was read.
    pub fn caret(&self, text: &str) -> String {
        point_at(text, self.place, &self.message())
    }
}
