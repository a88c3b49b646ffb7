//! Texts by character.

use bytestring::ByteString;
use unicode_segmentation::UnicodeSegmentation;

use super::super::output::Output;
use super::super::{Arguments, Failure};
use crate::value::Value;

/// In ASCII each byte is a character, but for a line's end of two.
fn is_simple(text: &str) -> bool {
    text.is_ascii() && memchr::memchr(b'\r', text.as_bytes()).is_none()
}

/// How many characters a text has.
pub(super) fn length(text: &str) -> usize {
    if is_simple(text) {
        text.len()
    } else {
        text.graphemes(true).count()
    }
}

/// Where the character begins that has so many before it; the end when there is none.
pub(super) fn offset(text: &str, characters: usize) -> usize {
    if is_simple(text) {
        return characters.min(text.len());
    }
    text.grapheme_indices(true)
        .nth(characters)
        .map_or(text.len(), |(offset, _)| offset)
}

pub(super) fn strlen(a: &Arguments<'_>) -> Result<Value, Failure> {
    let length = length(&a.unicode(1)?);
    Ok(Value::Int(i128::try_from(length).unwrap_or(i128::MAX)))
}

pub(super) fn reverse(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.unicode(1)?;
    // Forwards first: backwards each flag would count all flags before it.
    let characters: Vec<&str> = text.graphemes(true).collect();
    let mut reversed = Output::new(a, text.len());
    for character in characters.into_iter().rev() {
        reversed.push(character.as_bytes())?;
    }
    Ok(reversed.finish())
}

/// `substr(text, start [, length])`: `start` counts from 0.
pub(super) fn substr(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.unicode(1)?;
    let start = a.size(2, 0, usize::MAX)?;
    let rest = text.get(offset(&text, start)..).unwrap_or_default();
    let end = match a.count() {
        2 => rest.len(),
        _ => offset(rest, a.size(3, 0, usize::MAX)?),
    };
    let part = rest.get(..end).unwrap_or_default();
    Ok(slice(&text, part))
}

/// A part of a text, which shares its bytes.
pub(super) fn slice(text: &ByteString, part: &str) -> Value {
    Value::text(text.slice_ref(part))
}
