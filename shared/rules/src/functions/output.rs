//! Results that do not grow without bounds.

use std::io::{self, Write};

use bytes::Bytes;

use super::{Arguments, Failure};
use crate::value::Value;

/// Bytes of a text that a function makes, at most. Larger than any MQTT message that comes in, small
/// enough that a few of them on each thread do no harm.
pub const MAX_TEXT: usize = 16 << 20;

/// Members of an array that a function makes, at most: about as much memory as the largest text.
pub const MAX_MEMBERS: usize = 1 << 19;

/// A text that is being made.
pub(super) struct Output<'a> {
    arguments: &'a Arguments<'a>,
    text: Vec<u8>,
}

impl<'a> Output<'a> {
    /// An empty one, with room for what is expected.
    pub(super) fn new(arguments: &'a Arguments<'a>, expected: usize) -> Self {
        Self {
            arguments,
            text: Vec::with_capacity(expected.min(MAX_TEXT)),
        }
    }

    /// Appends some bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() > MAX_TEXT.saturating_sub(self.text.len()) {
            return Err(self.arguments.too_large());
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends some bytes again and again.
    pub(super) fn repeat(&mut self, bytes: &[u8], times: usize) -> Result<(), Failure> {
        let total = bytes.len().checked_mul(times);
        let left = MAX_TEXT.saturating_sub(self.text.len());
        if total.is_none_or(|total| total > left) {
            return Err(self.arguments.too_large());
        }
        // Nothing may be asked for any number of times.
        let times = if bytes.is_empty() { 0 } else { times };
        for _ in 0..times {
            self.text.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Appends a value as text: texts as they are, numbers in decimal, arrays and maps as JSON.
    pub(super) fn text_of(&mut self, value: &Value) -> Result<(), Failure> {
        match value {
            Value::Text(text) => self.push(text),
            Value::Array(_) | Value::Map(_) => self.json_of(value),
            _ => {
                // A few digits.
                value.write_text(&mut self.text);
                if self.text.len() > MAX_TEXT {
                    return Err(self.arguments.too_large());
                }
                Ok(())
            }
        }
    }

    /// Appends a value as JSON.
    pub(super) fn json_of(&mut self, value: &Value) -> Result<(), Failure> {
        // Writing fails at the limit and nowhere else.
        serde_json::to_writer(Bounded(&mut self.text), value)
            .map_err(|_| self.arguments.too_large())
    }

    /// What was made.
    pub(super) fn finish(self) -> Value {
        Value::Text(self.text.into())
    }

    /// What was made, as bytes.
    pub(super) fn into_bytes(self) -> Bytes {
        self.text.into()
    }
}

/// Takes no more than [`MAX_TEXT`] bytes.
struct Bounded<'a>(&'a mut Vec<u8>);

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > MAX_TEXT.saturating_sub(self.0.len()) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gathers members of an array up to [`MAX_MEMBERS`].
pub(super) fn members(
    arguments: &Arguments<'_>,
    values: impl Iterator<Item = Value>,
) -> Result<Value, Failure> {
    let mut members = Vec::new();
    for value in values {
        if members.len() == MAX_MEMBERS {
            return Err(arguments.fail(format_args!(
                "the result is too large; the limit is {MAX_MEMBERS} members"
            )));
        }
        members.push(value);
    }
    Ok(Value::array(members))
}
