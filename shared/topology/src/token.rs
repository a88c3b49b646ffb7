//! Any text as one token of a subject, or one part of a key in a KV bucket.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Longest token that stays readable. nats-server reads at most 4,096 bytes of a line with the
/// subject in it; a client id may have 65,535.
const LONGEST: usize = 512;

/// A text as one token, different for different texts: letters, digits, `-` and `_` of ASCII stay,
/// any other byte becomes `=` and two hexadecimal digits, nothing becomes `=`, and what gets too
/// long becomes `==` and its SHA-256.
pub fn escape(text: &str) -> String {
    let mut token = String::with_capacity(text.len().min(LONGEST));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            token.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            write!(token, "={byte:02x}").ok();
        }
        if token.len() > LONGEST {
            return format!("=={:x}", Sha256::digest(text));
        }
    }
    if token.is_empty() {
        token.push('=');
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: client ids with everything that means something in a subject, nothing, and one of
    /// the greatest length.
    /// Guarantee: the documented token.
    #[test]
    fn every_text_is_one_token() {
        for (text, token) in [
            ("10083618796833171", "10083618796833171"),
            ("a.b", "a=2eb"),
            ("*>=/ $", "=2a=3e=3d=2f=20=24"),
            ("", "="),
            ("-_", "-_"),
        ] {
            assert_eq!(escape(text), token);
        }
        let long = escape(&"\u{95e8}".repeat(21_845));
        assert_eq!((long.len(), &long[..2]), (66, "=="));
    }
}
