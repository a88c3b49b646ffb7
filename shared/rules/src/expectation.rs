//! What somebody expects of a result.

use crate::value::{Map, Value};

/// Relative difference up to which two floats are the same: printing and functions of the C library
/// differ in the last digits.
const FLOAT_TOLERANCE: f64 = 1e-12;

/// Whether a value is what is expected. `{"$undefined": true}` is no value at all, `{"$set": [..]}` an
/// array in any order.
pub(crate) fn is_expected(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Map(expected), got) => match only_entry(expected) {
            Some(("$undefined", Value::Bool(true))) => *got == Value::Undefined,
            Some(("$set", Value::Array(members))) => match got {
                Value::Array(got) => is_set(members, got),
                _ => false,
            },
            _ => match got {
                Value::Map(got) => expected.len() == got.len() && has_expected(expected, got),
                _ => false,
            },
        },
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len()
                && expected
                    .iter()
                    .zip(got.iter())
                    .all(|(expected, got)| is_expected(expected, got))
        }
        (Value::Float(expected), Value::Float(got)) => {
            let scale = expected.abs().max(got.abs());
            (expected - got).abs() <= scale * FLOAT_TOLERANCE
        }
        _ => expected == got,
    }
}

/// Whether everything expected is there; more may be.
pub(crate) fn has_expected(expected: &Map, got: &Map) -> bool {
    expected.iter().all(|(key, expected)| {
        let got = got.get(key).unwrap_or(&Value::Undefined);
        is_expected(expected, got)
    })
}

fn only_entry(map: &Map) -> Option<(&str, &Value)> {
    let mut entries = map.iter();
    let (key, value) = entries.next()?;
    entries.next().is_none().then_some((&**key, value))
}

fn is_set(expected: &[Value], got: &[Value]) -> bool {
    let mut left: Vec<&Value> = got.iter().collect();
    let found = expected.iter().all(|member| {
        let place = left.iter().position(|got| is_expected(member, got));
        place.map(|place| left.swap_remove(place)).is_some()
    });
    found && left.is_empty()
}
