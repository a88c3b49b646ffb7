//! What a function was called with, and the errors that tell what it wanted instead.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::Failure;
use super::output::MAX_TEXT;
use crate::event::Event;
use crate::value::{Map, Value};

/// Characters of an argument that an error quotes.
const QUOTED: usize = 40;

/// What stands where an argument was left out.
static MISSING: Value = Value::Undefined;

/// The arguments of one call. They are counted from 1, as in errors.
pub(super) struct Arguments<'a> {
    function: &'static str,
    values: &'a [Value],
    event: &'a dyn Event,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(function: &'static str, values: &'a [Value], event: &'a dyn Event) -> Self {
        Self {
            function,
            values,
            event,
        }
    }

    /// The message or event that the statement is about.
    pub(super) fn event(&self) -> &'a dyn Event {
        self.event
    }

    /// How many were given.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// An argument; undefined when it was left out.
    pub(super) fn value(&self, number: usize) -> &'a Value {
        let index = number.checked_sub(1);
        let value = index.and_then(|index| self.values.get(index));
        value.unwrap_or(&MISSING)
    }

    /// All arguments from this one on.
    pub(super) fn rest(&self, number: usize) -> &'a [Value] {
        let from = number.saturating_sub(1);
        self.values.get(from..).unwrap_or_default()
    }

    /// A text, of whatever bytes.
    pub(super) fn bytes(&self, number: usize) -> Result<&'a Bytes, Failure> {
        match self.value(number) {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong(number, "text")),
        }
    }

    /// A text, or a boolean as text: EMQX's text functions take both, and no numbers.
    pub(super) fn text(&self, number: usize) -> Result<Bytes, Failure> {
        match self.value(number) {
            Value::Text(text) => Ok(text.clone()),
            Value::Bool(true) => Ok(Bytes::from_static(b"true")),
            Value::Bool(false) => Ok(Bytes::from_static(b"false")),
            _ => Err(self.wrong(number, "text")),
        }
    }

    /// A text, or a boolean as text, that is UTF-8.
    pub(super) fn unicode(&self, number: usize) -> Result<ByteString, Failure> {
        ByteString::try_from(self.text(number)?)
            .map_err(|_| self.fail(format_args!("argument {number} is not UTF-8")))
    }

    /// An integer.
    pub(super) fn int(&self, number: usize) -> Result<i128, Failure> {
        match self.value(number) {
            Value::Int(value) => Ok(*value),
            _ => Err(self.wrong(number, "an integer")),
        }
    }

    /// An integer or float, as float.
    pub(super) fn number(&self, number: usize) -> Result<f64, Failure> {
        match self.value(number) {
            Value::Int(value) => Ok(crate::value::number::nearest_float(*value)),
            Value::Float(value) => Ok(*value),
            _ => Err(self.wrong(number, "a number")),
        }
    }

    /// The members of an array.
    pub(super) fn array(&self, number: usize) -> Result<&'a [Value], Failure> {
        match self.value(number) {
            Value::Array(members) => Ok(members),
            _ => Err(self.wrong(number, "an array")),
        }
    }

    /// A map, or the map that a text is as JSON. An empty array counts as empty map, as in EMQX.
    pub(super) fn map(&self, number: usize) -> Result<Arc<Map>, Failure> {
        match self.value(number) {
            Value::Map(map) => Ok(Arc::clone(map)),
            Value::Array(members) if members.is_empty() => Ok(Arc::default()),
            Value::Text(json) => match Value::from_json(json) {
                Ok(Value::Map(map)) => Ok(map),
                Ok(other) => Err(self.fail(format_args!(
                    "argument {number} must be a map, not JSON of kind {}",
                    other.kind()
                ))),
                Err(error) => Err(self.fail(format_args!("argument {number}: {error}"))),
            },
            _ => Err(self.wrong(number, "a map")),
        }
    }

    /// One of some words; the first one when the argument was left out.
    pub(super) fn option<T: Copy>(
        &self,
        number: usize,
        options: &[(&str, T)],
    ) -> Result<T, Failure> {
        let first = options.first().map(|(_, first)| *first);
        let word = match (first, number > self.count()) {
            (Some(first), true) => return Ok(first),
            _ => self.bytes(number)?,
        };
        let chosen = options.iter().find(|(name, _)| name.as_bytes() == word);
        chosen.map(|(_, option)| *option).ok_or_else(|| {
            let names: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
            self.not(number, &format!("one of {}", names.join(", ")))
        })
    }

    /// An integer within bounds, as a place or size.
    pub(super) fn size(&self, number: usize, min: usize, max: usize) -> Result<usize, Failure> {
        let size = usize::try_from(self.int(number)?).ok();
        size.filter(|size| (min..=max).contains(size))
            .ok_or_else(|| self.not(number, &format!("from {min} to {max}")))
    }

    /// An argument of a kind that the function does not take.
    pub(super) fn wrong(&self, number: usize, expected: &str) -> Failure {
        let kind = self.value(number).kind();
        self.fail(format_args!(
            "argument {number} must be {expected}, not {kind}"
        ))
    }

    /// An argument of the right kind with a value that the function does not take.
    pub(super) fn not(&self, number: usize, expected: &str) -> Failure {
        let quoted = match self.value(number) {
            Value::Text(text) => {
                let start = text.get(..text.len().min(QUOTED * 4)).unwrap_or_default();
                let start = String::from_utf8_lossy(start);
                format!("{:?}", start.chars().take(QUOTED).collect::<String>())
            }
            Value::Int(value) => value.to_string(),
            Value::Float(value) => format!("{value:e}"),
            other => other.kind().to_owned(),
        };
        self.fail(format_args!(
            "argument {number} must be {expected}, not {quoted}"
        ))
    }

    /// A result beyond the bounds of this module.
    pub(super) fn too_large(&self) -> Failure {
        self.fail(format_args!(
            "the result is too large; the limit is {} MiB",
            MAX_TEXT >> 20
        ))
    }

    /// Any other failure; it begins with the function's name.
    pub(super) fn fail(&self, message: std::fmt::Arguments<'_>) -> Failure {
        Failure(format!("{}: {message}", self.function))
    }
}
