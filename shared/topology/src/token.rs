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

/// First part of the keys of contacts in [`LOCK_BUCKET`](crate::LOCK_BUCKET).
pub const CONTACT_KEYS: &str = "contact.";

/// Key of a lock's contacts in [`LOCK_BUCKET`](crate::LOCK_BUCKET).
pub fn contact_key(lock: &str) -> String {
    format!("{CONTACT_KEYS}{}", escape(lock))
}

/// The text of a token; `None` when only its hash is left, or when it is no token of [`escape`].
pub fn unescape(token: &str) -> Option<String> {
    if token == "=" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'=' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    (escape(&text) == token).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: client ids with everything that means something in a subject, nothing, and one of
    /// the greatest length.
    /// Guarantee: the documented token, and from it the text again, unless it was too long.
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
            assert_eq!(unescape(token).as_deref(), Some(text));
        }
        for strange in ["a.b", "=2E", "=4", "==", "=ff"] {
            assert_eq!(unescape(strange), None, "{strange}");
        }
        let long = escape(&"\u{95e8}".repeat(21_845));
        assert_eq!((long.len(), &long[..2]), (66, "=="));
        assert_eq!(unescape(&long), None);
    }
}
