//! What kind a value is of.

use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "is_array" (1, 1) |a| is(a, |value| matches!(value, Value::Array(_)));
    "is_bool" (1, 1) |a| is(a, |value| matches!(value, Value::Bool(_)));
    "is_empty" (1, 1) is_empty;
    "is_float" (1, 1) |a| is(a, |value| matches!(value, Value::Float(_)));
    "is_int" (1, 1) |a| is(a, |value| matches!(value, Value::Int(_)));
    "is_map" (1, 1) |a| is(a, |value| matches!(value, Value::Map(_)));
    "is_not_null" (1, 1) |a| is(a, |value| *value != Value::Undefined);
    "is_not_null_var" (1, 1) |a| is(a, |value| !matches!(value, Value::Undefined | Value::Null));
    "is_null" (1, 1) |a| is(a, |value| *value == Value::Undefined);
    "is_null_var" (1, 1) |a| is(a, |value| matches!(value, Value::Undefined | Value::Null));
    "is_num" (1, 1) |a| is(a, |value| matches!(value, Value::Int(_) | Value::Float(_)));
    "is_str" (1, 1) |a| is(a, |value| matches!(value, Value::Text(_)));
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions")]
fn is(a: &Arguments<'_>, kind: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    Ok(Value::Bool(kind(a.value(1))))
}

/// Of an array, a map, or the map that a text is as JSON.
fn is_empty(a: &Arguments<'_>) -> Result<Value, Failure> {
    Ok(Value::Bool(match a.value(1) {
        Value::Array(members) => members.is_empty(),
        _ => a.map(1)?.is_empty(),
    }))
}
