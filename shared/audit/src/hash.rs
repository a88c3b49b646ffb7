//! SHA-256 digests as the log writes them: 64 lower-case hex digits.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// Text that is no digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a hash: it takes 64 lower-case hex digits")]
pub struct HashError;

impl Hash {
    /// `prev` of a chain's first entry.
    pub const ZERO: Self = Self([0; 32]);

    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digits, as bytes of ASCII.
    pub(crate) fn digits(self) -> [u8; 64] {
        let mut digits = [0; 64];
        HEXLOWER.encode_mut(&self.0, &mut digits);
        digits
    }

    /// Reads exactly 64 lower-case digits: capitals would be a second form of the same entry.
    pub(crate) fn from_digits(digits: &[u8]) -> Option<Self> {
        from_hex(digits).map(Self)
    }
}

/// Bytes from twice as many lower-case hex digits.
pub(crate) fn from_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // The decoder takes the right length for granted.
    let is_whole = digits.len() == 2 * N;
    (is_whole && HEXLOWER.decode_mut(digits, &mut bytes).is_ok()).then_some(bytes)
}

/// Lower-case hex digits of bytes.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        Self::from_digits(text.as_bytes()).ok_or(HashError)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a digest is written and read; capitals, 63 and 65 digits are read.
    /// Guarantee: the first gives the same digest, the others none.
    #[test]
    fn digits_round_trip() {
        let hash = Hash([0xa5; 32]);
        assert_eq!(hash.to_string(), "a5".repeat(32));
        assert_eq!(hash.to_string().as_bytes(), hash.digits());
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for text in ["A5".repeat(32), "a".repeat(63), "a".repeat(65)] {
            assert_eq!(text.parse::<Hash>(), Err(HashError), "{text}");
        }
    }
}
