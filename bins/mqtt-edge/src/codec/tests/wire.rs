//! A short notation for packets, so that a table of them can be read.
//!
//! The first token is the first byte; the length is put in; then tokens of the body:
//! `'text'` and `#hex` are fields with a 16 bit length, `=text` has none, `( ... )` is a property
//! list with its length, `_` the empty list (nothing in 3.1.1), `@flags` the head of a CONNECT
//! with keep alive 60, anything else hex. A first token `!` means that all is written as it stands.

use std::str::SplitWhitespace;

use super::*;

/// The bytes of a packet in this notation.
pub(super) fn wire(version: Version, notation: &str) -> Vec<u8> {
    let mut tokens = notation.split_whitespace();
    let first = tokens.next().unwrap();
    if first == "!" {
        return body(version, &mut tokens);
    }
    packet(hex(first)[0], &[&body(version, &mut tokens)])
}

/// Reads tokens to the end, or to the end of a property list.
fn body(version: Version, tokens: &mut SplitWhitespace<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(token) = tokens.next() {
        let rest = &token[1..];
        match token.as_bytes()[0] {
            b')' => return out,
            b'(' => out.extend(properties(&[&body(version, tokens)])),
            b'_' => out.extend(none(version)),
            b'\'' => out.extend(field(rest.strip_suffix('\'').unwrap())),
            b'#' => out.extend(field(hex(rest))),
            b'=' => out.extend_from_slice(rest.as_bytes()),
            b'@' => out.extend(connect_head(version, hex(rest)[0])),
            _ => out.extend(hex(token)),
        }
    }
    out
}

/// The bytes of pairs of hexadecimal digits.
fn hex(digits: &str) -> Vec<u8> {
    assert_eq!(digits.len() % 2, 0, "half a byte in {digits}");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
