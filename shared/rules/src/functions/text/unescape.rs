//! Escapes that a quoted text of SQL leaves as they are.

use super::super::output::Output;
use super::super::{Arguments, Failure};
use crate::value::Value;

/// Digits of the longest number that can be a character, when zeros before it are left out.
const HEX_DIGITS: usize = 6;

/// C's escapes and `\x` with any number of hex digits; others fail. A backslash at the end stays.
pub(super) fn unescape(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.unicode(1)?;
    let mut out = Output::new(a, text.len());
    let mut rest: &str = &text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or_default();
        out.push(before.as_bytes())?;
        let (character, length) = if escape.len() == 1 {
            ('\\', 1)
        } else {
            read(escape).ok_or_else(|| {
                let shown: String = escape.chars().take(HEX_DIGITS + 2).collect();
                a.fail(format_args!("argument 1 has an unknown escape: {shown}"))
            })?
        };
        out.push(character.encode_utf8(&mut [0; 4]).as_bytes())?;
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push(rest.as_bytes())?;
    Ok(out.finish())
}

/// The character that an escape stands for, and how many bytes the escape has.
fn read(escape: &str) -> Option<(char, usize)> {
    let character = match escape.as_bytes().get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'v' => '\u{b}',
        b'a' => '\u{7}',
        same @ (b'\\' | b'\'' | b'"' | b'?') => char::from(*same),
        b'x' => return hex(escape),
        _ => return None,
    };
    Some((character, 2))
}

fn hex(escape: &str) -> Option<(char, usize)> {
    let tail = escape.get(2..)?;
    let length = tail.bytes().take_while(u8::is_ascii_hexdigit).count();
    let digits = tail.get(..length).filter(|digits| !digits.is_empty())?;
    let significant = digits.trim_start_matches('0');
    if significant.len() > HEX_DIGITS {
        return None;
    }
    let number = match significant {
        "" => 0,
        _ => u32::from_str_radix(significant, 16).ok()?,
    };
    Some((char::from_u32(number)?, length.saturating_add(2)))
}
