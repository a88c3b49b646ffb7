//! What an import writes, and what it had to leave out.

use std::fmt;

use super::error::Place;
use super::toml_text;

/// Something that was not carried over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LeftOut {
    /// Where it stands in the file.
    pub(super) place: Place,
    /// What it is part of; empty where its place in the TOML says it as well as can be.
    pub(super) part_of: String,
    /// What it is, and what to do.
    pub(super) what: String,
}

impl LeftOut {
    /// Something at a place.
    pub(super) fn new(place: &Place, what: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            part_of: String::new(),
            what: what.into(),
        }
    }

    /// The same as a part of something.
    pub(super) fn of(&self, part_of: &str) -> Self {
        Self {
            part_of: part_of.to_owned(),
            ..self.clone()
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            part_of,
            what,
        } = self;
        if part_of.is_empty() {
            write!(f, "{place}: {what}")
        } else {
            write!(f, "{place}: {part_of}: {what}")
        }
    }
}

/// The TOML so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// The text.
    pub(super) toml: String,
    /// What is not in it.
    pub(super) left_out: Vec<LeftOut>,
}

impl Draft {
    /// Adds a line, or several.
    pub(super) fn line(&mut self, text: &str) {
        self.toml.push_str(text);
        self.toml.push('\n');
    }

    /// Adds a comment.
    pub(super) fn comment(&mut self, text: &str) {
        self.line(&toml_text::comment(text));
    }

    /// Adds a comment about something that is left out, and remembers it.
    pub(super) fn leave_out(&mut self, left_out: LeftOut) {
        self.comment(&format!("left out: {}", left_out.what));
        self.left_out.push(left_out);
    }
}
