//! HOCON as EMQX writes it, and with it JSON: a tree whose every value knows its place.
//!
//! Includes and substitutions are refused: what EMQX exports has none.

mod reader;
mod strings;

#[cfg(test)]
mod tests;

use super::error::{ImportError, Place};

pub(super) use reader::Reader;

/// A value and where it begins.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) value: Value,
    /// Where it begins.
    pub(super) place: Place,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A text, quoted or not.
    Text(String),
    /// `[..]`.
    List(Vec<Node>),
    /// `{..}`, each key once, in the order of the text.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// The member of an object; `None` also where it is null, and where this is no object.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let member = self.members().iter().find(|(name, _)| name == key);
        member
            .map(|(_, node)| node)
            .filter(|node| node.value != Value::Null)
    }

    /// The member at the end of a path of keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The members of an object; none where this is no object.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The members of a list; none where this is no list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text, number or truth value as text; `None` for anything else.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.value {
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Number(text) | Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// As [`word`](Self::word), where nothing else will do.
    pub(super) fn text(&self, what: &str) -> Result<&str, ImportError> {
        self.word()
            .ok_or_else(|| self.fault(format!("{what} must be a text")))
    }

    /// The text of a member, if there is one.
    pub(super) fn text_of(&self, key: &str) -> Result<Option<&str>, ImportError> {
        self.get(key).map(|node| node.text(key)).transpose()
    }

    /// The truth value of a member, if there is one.
    pub(super) fn flag_of(&self, key: &str) -> Result<Option<bool>, ImportError> {
        let Some(node) = self.get(key) else {
            return Ok(None);
        };
        match node.word() {
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            _ => Err(node.fault(format!("{key} must be true or false"))),
        }
    }

    /// What is wrong with this value.
    pub(super) fn fault(&self, problem: impl Into<String>) -> ImportError {
        ImportError::meaning(&self.place, problem)
    }
}
