//! What a match is replaced by, in Erlang's notation.

use ::regex::bytes::Captures;

use super::super::Failure;
use super::super::output::Output;

/// A part of a replacement.
pub(super) enum Part<'t> {
    /// As it is.
    Literal(&'t [u8]),
    /// What a group took; 0 is the whole match.
    Group(usize),
}

/// Reads `&` and `\0` (the match), `\1`, `\g1`, `\g{1}` (a group) and `\&` (the character).
pub(super) fn read(text: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'&', b'\\', rest) {
        let (before, special) = rest.split_at_checked(at).unwrap_or_default();
        parts.push(Part::Literal(before));
        let (part, length) = match special {
            [b'&', ..] => (Part::Group(0), 1),
            [b'\\', tail @ ..] => match group(tail) {
                Some((group, length)) => (Part::Group(group), length.saturating_add(1)),
                // Any other character is meant as it is; a backslash at the end too.
                None if tail.is_empty() => (Part::Literal(special), 1),
                None => (Part::Literal(tail.get(..1).unwrap_or_default()), 2),
            },
            _ => break,
        };
        parts.push(part);
        rest = special.get(length..).unwrap_or_default();
    }
    parts.push(Part::Literal(rest));
    parts
}

/// The number of a group, and how many bytes it is written with.
fn group(text: &[u8]) -> Option<(usize, usize)> {
    let (digits, around, braced) = match text {
        [b'g', b'{', digits @ ..] => (digits, 3, true),
        [b'g', digits @ ..] => (digits, 1, false),
        digits => (digits, 0, false),
    };
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if braced && digits.get(length) != Some(&b'}') {
        return None;
    }
    let number = std::str::from_utf8(digits.get(..length)?)
        .ok()?
        .parse()
        .ok()?;
    Some((number, length.saturating_add(around)))
}

/// Writes a replacement for one match. Groups that took no part are empty.
pub(super) fn expand(
    parts: &[Part<'_>],
    captures: &Captures<'_>,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    for part in parts {
        match part {
            Part::Literal(text) => out.push(text)?,
            Part::Group(number) => {
                let group = captures.get(*number);
                out.push(group.map(|group| group.as_bytes()).unwrap_or_default())?;
            }
        }
    }
    Ok(())
}
