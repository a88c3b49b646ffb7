//! Hashes, as hex digits in small letters.

use data_encoding::HEXLOWER;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "hash" (2, 2) hash;
    "md5" (1, 1) |a| Ok(digits::<Md5>(a.bytes(1)?));
    "sha" (1, 1) |a| Ok(digits::<Sha1>(a.bytes(1)?));
    "sha256" (1, 1) |a| Ok(digits::<Sha256>(a.bytes(1)?));
}

fn digits<D: Digest>(bytes: &[u8]) -> Value {
    Value::text(HEXLOWER.encode(&D::digest(bytes)))
}

/// `hash(name, text)`.
fn hash(a: &Arguments<'_>) -> Result<Value, Failure> {
    let digits = a.option::<fn(&[u8]) -> Value>(
        1,
        &[
            ("md5", digits::<Md5>),
            ("sha", digits::<Sha1>),
            ("sha1", digits::<Sha1>),
            ("sha224", digits::<Sha224>),
            ("sha256", digits::<Sha256>),
            ("sha384", digits::<Sha384>),
            ("sha512", digits::<Sha512>),
        ],
    )?;
    Ok(digits(&a.text(2)?))
}
