//! Several values to one text.

use super::super::output::Output;
use super::super::{Arguments, Failure};
use crate::value::Value;

/// Two values, or the members of one array, as text.
pub(super) fn concat(a: &Arguments<'_>) -> Result<Value, Failure> {
    let values = match a.count() {
        1 => a.array(1)?,
        _ => a.rest(1),
    };
    let mut text = Output::new(a, 64);
    for value in values {
        text.text_of(value)?;
    }
    Ok(text.finish())
}

/// `join_to_string([separator,] array)`.
pub(super) fn join_to_string(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (separator, members) = match a.count() {
        1 => (&b", "[..], a.array(1)?),
        _ => (&a.bytes(1)?[..], a.array(2)?),
    };
    joined(a, separator, members, Output::text_of)
}

/// Members as a list of SQL values: texts, arrays and maps in quotes.
pub(super) fn join_to_sql_values_string(a: &Arguments<'_>) -> Result<Value, Failure> {
    joined(a, b", ", a.array(1)?, |text, value| match value {
        Value::Undefined | Value::Null => text.push(b"NULL"),
        Value::Int(_) | Value::Float(_) => text.text_of(value),
        Value::Text(bytes) => quoted(text, bytes),
        _ => {
            let mut plain = Output::new(a, 64);
            plain.text_of(value)?;
            quoted(text, &plain.into_bytes())
        }
    })
}

fn joined<'a>(
    a: &'a Arguments<'a>,
    separator: &[u8],
    members: &[Value],
    write: impl Fn(&mut Output<'a>, &Value) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let mut text = Output::new(a, 64);
    for (number, member) in members.iter().enumerate() {
        if number > 0 {
            text.push(separator)?;
        }
        write(&mut text, member)?;
    }
    Ok(text.finish())
}

/// In quotes; a quote within is doubled.
fn quoted(text: &mut Output<'_>, bytes: &[u8]) -> Result<(), Failure> {
    text.push(b"'")?;
    for (number, part) in bytes.split(|byte| *byte == b'\'').enumerate() {
        if number > 0 {
            text.push(b"''")?;
        }
        text.push(part)?;
    }
    text.push(b"'")
}
