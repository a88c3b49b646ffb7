//! Signatures: made whole or truncated, compared in constant time.

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::key::{KEY_BYTES, LockKey};

/// Bytes of a truncated signature: the floor, as in the articles.
const TRUNCATED_BYTES: usize = 8;

/// How many hexadecimal digits a signature has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SignDigits {
    /// The first 16; whoever accepts these accepts whole ones too.
    #[default]
    Truncated,
    /// All 64.
    Whole,
}

impl SignDigits {
    /// 16 or 64.
    pub fn digits(self) -> usize {
        match self {
            Self::Truncated => 2 * TRUNCATED_BYTES,
            Self::Whole => 2 * KEY_BYTES,
        }
    }

    /// `None` when the number is neither 16 nor 64.
    pub fn from_digits(digits: usize) -> Option<Self> {
        [Self::Truncated, Self::Whole]
            .into_iter()
            .find(|known| known.digits() == digits)
    }
}

impl LockKey {
    /// The signature of a canonical string. `None` never happens: HMAC takes keys of any length.
    pub(crate) fn sign(&self, canonical: &str, digits: SignDigits) -> Option<String> {
        let tag = self.hmac(canonical)?.finalize().into_bytes();
        let mut sign = HEXLOWER.encode(&tag);
        sign.truncate(digits.digits());
        Some(sign)
    }

    /// Whether a signature is right. The time tells nothing about how much of it is.
    pub(crate) fn accepts(&self, canonical: &str, sign: &str, least: SignDigits) -> bool {
        let Ok(bytes) = HEXLOWER.decode(sign.as_bytes()) else {
            return false;
        };
        let long_enough = match least {
            SignDigits::Truncated => matches!(bytes.len(), TRUNCATED_BYTES | KEY_BYTES),
            SignDigits::Whole => bytes.len() == KEY_BYTES,
        };
        let right = |mac: Hmac<Sha256>| mac.verify_truncated_left(&bytes).is_ok();
        long_enough && self.hmac(canonical).is_some_and(right)
    }

    fn hmac(&self, canonical: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        mac.update(canonical.as_bytes());
        Some(mac)
    }
}
