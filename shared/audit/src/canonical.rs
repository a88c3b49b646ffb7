//! The canonical form of an entry's data.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Beyond this, a number of RFC 8785 (a double) is not exact any more.
pub(crate) const MAX_EXACT: u64 = (1 << 53) - 1;

/// Appends the data in the form of RFC 8785. Integers beyond 2^53 - 1 become text of the same
/// digits, as that RFC advises: every reader then sees the number that was given.
pub(crate) fn write(data: &Map<String, Value>, out: &mut Vec<u8>) {
    let start = out.len();
    let data = if data.values().all(is_exact) {
        Cow::Borrowed(data)
    } else {
        let exact = |(name, value): (&String, &Value)| (name.clone(), exact(value));
        Cow::Owned(data.iter().map(exact).collect())
    };
    // Text keys and finite numbers are all that a map of values can hold, so this can't fail.
    if serde_json_canonicalizer::to_writer(&*data, out).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number <= MAX_EXACT,
            (None, Some(number)) => number.unsigned_abs() <= MAX_EXACT,
            (None, None) => true,
        },
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn exact(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(exact).collect(),
        Value::Object(members) => {
            let exact = |(name, value): (&String, &Value)| (name.clone(), exact(value));
            Value::Object(members.iter().map(exact).collect())
        }
        Value::Number(number) if !is_exact(value) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        let mut out = Vec::new();
        write(&serde_json::from_str(json).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Scenario: names out of order, beyond the basic plane and with escapes; decimals, large and
    /// small; integers at and beyond the exact range.
    /// Guarantee: the form is that of RFC 8785, and no integer loses a digit.
    #[test]
    fn data_has_one_form() {
        for (given, written) in [
            ("{}", "{}"),
            (
                r#"{ "b": true, "a": "x\u000ay\/\u001f" }"#,
                r#"{"a":"x\ny/\u001f","b":true}"#,
            ),
            // The order is that of UTF-16: the surrogates of U+1F512 sort before U+FB33.
            (
                "{\"\u{fb33}\":1,\"\u{1f512}\":2}",
                "{\"\u{1f512}\":2,\"\u{fb33}\":1}",
            ),
            (
                r#"{"a":83.40,"b":1e21,"c":1e-7,"d":-0.0,"e":5.0}"#,
                r#"{"a":83.4,"b":1e+21,"c":1e-7,"d":0,"e":5}"#,
            ),
            (
                r#"{"a":9007199254740991,"b":-9007199254740991}"#,
                r#"{"a":9007199254740991,"b":-9007199254740991}"#,
            ),
            (
                r#"{"a":10083618796833171,"b":[-9007199254740992],"c":{"d":18446744073709551615}}"#,
                r#"{"a":"10083618796833171","b":["-9007199254740992"],"c":{"d":"18446744073709551615"}}"#,
            ),
        ] {
            assert_eq!(canonical(given), written, "{given}");
        }
    }
}
