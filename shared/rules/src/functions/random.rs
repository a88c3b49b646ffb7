//! What is different at each call.

use data_encoding::HEXLOWER;

use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    // From 0 up to but not including 1. Good enough to sample messages, not for secrets.
    "random" (0, 0) |_| Ok(Value::Float(fastrand::f64()));
    "uuid_v4" (0, 0) |a| uuid(a, "-");
    "uuid_v4_no_hyphen" (0, 0) |a| uuid(a, "");
}

/// RFC 9562 section 5.4, from the system's random bytes: two messages never have the same one.
fn uuid(a: &Arguments<'_>, hyphen: &str) -> Result<Value, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| a.fail(format_args!("the system gives no random bytes: {error}")))?;
    let mut bits = u128::from_be_bytes(bytes);
    // Version 4 in the four bits behind the first 48, variant 2 in the two behind the first 64.
    bits = (bits & !(0xf << 76)) | (0x4 << 76);
    bits = (bits & !(0x3 << 62)) | (0x2 << 62);
    let digits = HEXLOWER.encode(&bits.to_be_bytes());
    let mut rest = digits.as_str();
    let mut groups = Vec::with_capacity(5);
    for length in [8, 4, 4, 4, 12] {
        let (group, tail) = rest.split_at_checked(length).unwrap_or_default();
        groups.push(group);
        rest = tail;
    }
    Ok(Value::text(groups.join(hyphen)))
}
