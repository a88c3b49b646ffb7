//! What stands in for what is not there.

use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "coalesce" (1, 2) |a| first(a, |value| *value != Value::Undefined);
    "coalesce_ne" (1, 2) |a| first(a, |value| *value != Value::Undefined && !is_empty_text(value));
    "null" (0, 0) |_| Ok(Value::Undefined);
}

fn is_empty_text(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.is_empty())
}

/// The first that counts, of two arguments or of the members of one array. JSON's null counts.
fn first(a: &Arguments<'_>, counts: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    let values = if a.count() == 1 {
        a.array(1)?
    } else {
        a.rest(1)
    };
    let first = values.iter().find(|value| counts(value));
    Ok(first.cloned().unwrap_or_default())
}
