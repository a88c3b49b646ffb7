//! Numbers as text and back, as Erlang reads and writes them.

use super::Value;

/// Digits behind the point, at most: the limit of Erlang's `float_to_binary`.
pub(crate) const MAX_DECIMALS: usize = 253;

/// Above this a float has no digits behind the point.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Places up to which a half can be told from what is next to it, by one exact multiplication.
const HALVES: usize = 52;

/// The float next to an integer.
#[expect(
    clippy::cast_precision_loss,
    reason = "asked for: a function of floats was called with an integer"
)]
pub(crate) fn nearest_float(value: i128) -> f64 {
    value as f64
}

/// A whole float as integer, when it fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the bounds are checked, and both are powers of two"
)]
pub(crate) fn exact_int(whole: f64) -> Option<i128> {
    (whole >= i128::MIN as f64 && whole < i128::MAX as f64).then_some(whole as i128)
}

/// Reads an integer: digits with an optional sign.
pub(crate) fn parse_int(text: &[u8]) -> Option<i128> {
    let digits = unsigned(text);
    let decimal = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    decimal.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

/// Reads a float: digits on both sides of a point and an optional exponent. `1e3` and `.5` are none.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    let mut parts = unsigned(text).splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let mut mantissa = parts.next()?.splitn(2, |byte| *byte == b'.');
    let exponent = parts.next().map_or(&b"0"[..], unsigned);
    for digits in [mantissa.next()?, mantissa.next()?, exponent] {
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

fn unsigned(text: &[u8]) -> &[u8] {
    match text {
        [b'+' | b'-', digits @ ..] => digits,
        _ => text,
    }
}

/// A float with so many digits behind the point; halves are rounded away from zero.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let rounded = if is_half(value, decimals) {
        if value < 0.0 {
            value.next_down()
        } else {
            value.next_up()
        }
    } else {
        value
    };
    format!("{rounded:.decimals$}")
}

/// As [`fixed`], without zeros at the end, but for the first digit behind the point.
pub(crate) fn compact(value: f64, decimals: usize) -> String {
    let mut text = fixed(value, decimals);
    if text.contains('.') {
        while text.ends_with('0') && !text.ends_with(".0") {
            text.pop();
        }
    }
    text
}

/// Whether a float lies in the middle between two numbers of so many digits: then it is an odd
/// multiple of a power of two, and multiplying by that power is exact.
#[expect(clippy::float_cmp, reason = "halves are exact")]
fn is_half(value: f64, decimals: usize) -> bool {
    if decimals >= HALVES || value.abs() >= WHOLE {
        return false;
    }
    let power = i32::try_from(decimals)
        .unwrap_or(i32::MAX)
        .saturating_add(1);
    let halved = value.abs().fract() * 2.0_f64.powi(power) / 2.0;
    // An odd number has one half; all of this is exact.
    halved.fract() == 0.5
}

/// A number that a calculation gave, when it is one.
pub(crate) fn finite(value: f64) -> Option<Value> {
    value.is_finite().then_some(Value::Float(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: texts that Erlang reads as numbers, and others that look like some.
    /// Guarantee: the same ones are read, integers beyond 64 bits exactly.
    #[test]
    fn numbers_are_read_as_erlang_reads_them() {
        for (text, expected) in [
            ("0010", Some(10)),
            ("+200", Some(200)),
            ("-7", Some(-7)),
            ("18446744073709551617", Some(18_446_744_073_709_551_617)),
            ("", None),
            ("-", None),
            ("+-1", None),
            ("1 ", None),
            ("1.0", None),
        ] {
            assert_eq!(parse_int(text.as_bytes()), expected, "{text:?}");
        }
        for (text, expected) in [
            ("3.25", Some(3.25)),
            ("-3.14e-4", Some(-0.000_314)),
            ("+3.14E+4", Some(31_400.0)),
            ("3e4", None),
            (".5", None),
            ("5.", None),
            ("1.0e", None),
            ("1.0e999", None),
            ("inf", None),
            ("nan", None),
            ("1.2.3", None),
        ] {
            assert_eq!(parse_float(text.as_bytes()), expected, "{text:?}");
        }
    }

    /// Scenario: floats with fewer digits than they have, among them halves.
    /// Guarantee: halves go away from zero, all others to the nearest.
    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (value, decimals, expected) in [
            (0.125, 2, "0.13"),
            (-0.125, 2, "-0.13"),
            (2.5, 0, "3"),
            (0.000_488_281_25, 10, "0.0004882813"),
            (0.15, 1, "0.1"),
            (20.2, 16, "20.1999999999999993"),
            (1e300, 1, &format!("{:.1}", 1e300)),
        ] {
            assert_eq!(fixed(value, decimals), expected);
        }
        assert_eq!(compact(20.0, 5), "20.0");
        assert_eq!(compact(20.0, 0), "20");
        assert_eq!(compact(0.100_001, 5), "0.1");
    }
}
