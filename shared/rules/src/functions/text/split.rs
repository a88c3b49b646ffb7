//! Parts of texts.

use bytes::Bytes;
use memchr::memmem;

use super::super::output::members;
use super::super::{Arguments, Failure};
use crate::value::Value;

/// Which separators count.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    All,
    Leading,
    Trailing,
}

/// `split(text, separator [, option])`: without an option, and where it does not say `notrim`, empty
/// parts are left out. An empty separator is found nowhere.
pub(super) fn split(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (text, separator) = (a.text(1)?, a.bytes(2)?);
    let (places, keep) = match a.count() {
        2 => (Where::All, false),
        _ => a.option(
            3,
            &[
                ("notrim", (Where::All, true)),
                ("leading", (Where::Leading, false)),
                ("leading_notrim", (Where::Leading, true)),
                ("trailing", (Where::Trailing, false)),
                ("trailing_notrim", (Where::Trailing, true)),
            ],
        )?,
    };
    let counts = |part: &&[u8]| keep || !part.is_empty();
    let value = |part: &[u8]| Value::Text(text.slice_ref(part));
    if separator.is_empty() {
        return members(a, [&text[..]].into_iter().filter(counts).map(value));
    }
    let at = match places {
        Where::All => return members(a, parts(&text, separator).filter(counts).map(value)),
        Where::Leading => memmem::find(&text, separator),
        Where::Trailing => memmem::rfind(&text, separator),
    };
    let halves = match at {
        Some(at) => [
            text.get(..at),
            text.get(at.saturating_add(separator.len())..),
        ],
        None => [Some(&text[..]), None],
    };
    members(a, halves.into_iter().flatten().filter(counts).map(value))
}

/// What is before, between and behind all separators.
fn parts<'t>(text: &'t Bytes, separator: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    let mut places = memmem::find_iter(text, separator);
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let start = from?;
        let end = places.next();
        from = end.map(|end| end.saturating_add(separator.len()));
        text.get(start..end.unwrap_or(text.len()))
    })
}

/// `tokens(text, separators [, 'nocrlf'])`: each character of `separators` separates, with `nocrlf`
/// the ends of lines too; there are no empty parts.
pub(super) fn tokens(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (text, separators) = (a.text(1)?, a.bytes(2)?);
    let lines = a.count() == 3 && a.option(3, &[("nocrlf", true)])?;
    let ends = |byte: u8| lines && matches!(byte, b'\r' | b'\n');
    let both = (std::str::from_utf8(&text), std::str::from_utf8(separators));
    if let (Ok(unicode), Ok(separators)) = both
        && !separators.is_ascii()
    {
        let mut set: Vec<char> = separators.chars().collect();
        set.sort_unstable();
        let parts = unicode.split(|character: char| {
            set.binary_search(&character).is_ok() || u8::try_from(character).is_ok_and(ends)
        });
        let parts = parts.filter(|part| !part.is_empty());
        return members(
            a,
            parts.map(|part| Value::Text(text.slice_ref(part.as_bytes()))),
        );
    }
    let mut separates = [false; 256];
    for byte in separators
        .iter()
        .chain(if lines { b"\r\n" } else { &b""[..] })
    {
        if let Some(slot) = separates.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let is_separator = |byte: &u8| separates.get(usize::from(*byte)) == Some(&true);
    let parts = text.split(is_separator).filter(|part| !part.is_empty());
    members(a, parts.map(|part| Value::Text(text.slice_ref(part))))
}
