//! Bits of integers and of bytes.

use super::subbits::subbits;
use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "bitand" (2, 2) |a| both(a, |x, y| x & y);
    "bitnot" (1, 1) |a| Ok(Value::Int(!a.int(1)?));
    "bitor" (2, 2) |a| both(a, |x, y| x | y);
    "bitsize" (1, 1) |a| size(a, 8);
    "bitsl" (2, 2) |a| shift(a, Direction::Left);
    "bitsr" (2, 2) |a| shift(a, Direction::Right);
    "bitxor" (2, 2) |a| both(a, |x, y| x ^ y);
    "bytesize" (1, 1) |a| size(a, 1);
    "subbits" (2, 6) subbits;
}

/// Shifts to the right by this many bits leave nothing but the sign.
const ALL: u32 = 127;

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Left,
    Right,
}

fn both(a: &Arguments<'_>, calculate: fn(i128, i128) -> i128) -> Result<Value, Failure> {
    Ok(Value::Int(calculate(a.int(1)?, a.int(2)?)))
}

fn size(a: &Arguments<'_>, unit: i128) -> Result<Value, Failure> {
    let bytes = i128::try_from(a.bytes(1)?.len()).unwrap_or(i128::MAX);
    Ok(Value::Int(bytes.saturating_mul(unit)))
}

/// A negative shift goes the other way. A shift to the left keeps all bits or fails.
fn shift(a: &Arguments<'_>, direction: Direction) -> Result<Value, Failure> {
    let (value, by) = (a.int(1)?, a.int(2)?);
    let bits = u32::try_from(by.unsigned_abs()).unwrap_or(u32::MAX);
    let left = (direction == Direction::Left) == (by >= 0);
    let shifted = match (left, value) {
        (false, _) => Some(value >> bits.min(ALL)),
        (true, 0) => Some(0),
        (true, _) => 1_i128
            .checked_shl(bits)
            .filter(|factor| *factor > 0)
            .and_then(|factor| value.checked_mul(factor)),
    };
    shifted
        .map(Value::Int)
        .ok_or_else(|| a.fail(format_args!("the result has more than 128 bits")))
}
