//! From one kind of value to another.

use super::output::Output;
use super::{Arguments, Failure, functions};
use crate::value::Value;
use crate::value::number::{self, MAX_DECIMALS};

functions! {
    "bool" (1, 1) bool;
    "float" (1, 2) float;
    "float2str" (2, 2) float2str;
    "int" (1, 1) int;
    "map" (1, 1) |a| Ok(Value::Map(a.map(1)?));
    "str" (1, 1) str;
    "str_utf16_le" (1, 1) str_utf16_le;
    "str_utf8" (1, 1) str_utf8;
}

fn bool(a: &Arguments<'_>) -> Result<Value, Failure> {
    match a.value(1) {
        Value::Bool(value) => Ok(Value::Bool(*value)),
        Value::Int(1) | Value::Float(1.0) => Ok(Value::Bool(true)),
        Value::Int(0) | Value::Float(0.0) => Ok(Value::Bool(false)),
        Value::Text(text) if text == "true" => Ok(Value::Bool(true)),
        Value::Text(text) if text == "false" => Ok(Value::Bool(false)),
        _ => Err(a.not(1, "true, false, 1 or 0")),
    }
}

/// Floats are rounded down: -3.14 gives -4.
fn int(a: &Arguments<'_>) -> Result<Value, Failure> {
    let number = match a.value(1) {
        Value::Int(value) => Some(*value),
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Float(value) => number::exact_int(value.floor()),
        Value::Text(text) => number::parse_int(text).or_else(|| {
            let float = number::parse_float(text)?;
            number::exact_int(float.floor())
        }),
        _ => return Err(a.wrong(1, "a number, boolean or text")),
    };
    let number = number.ok_or_else(|| a.not(1, "a number within 128 bits, as 12 or -1.5e3"))?;
    Ok(Value::Int(number))
}

/// With a second argument: rounded to so many digits behind the point.
fn float(a: &Arguments<'_>) -> Result<Value, Failure> {
    let value = match a.value(1) {
        Value::Text(text) => number::parse_float(text)
            .or_else(|| number::parse_int(text).map(number::nearest_float))
            .ok_or_else(|| a.not(1, "a number, as 12 or -1.5e3"))?,
        _ => a.number(1)?,
    };
    if a.count() < 2 {
        return Ok(Value::Float(value));
    }
    let decimals = a.size(2, 1, MAX_DECIMALS)?;
    // What was just written reads back.
    Ok(Value::Float(
        number::fixed(value, decimals).parse().unwrap_or(value),
    ))
}

fn float2str(a: &Arguments<'_>) -> Result<Value, Failure> {
    let Value::Float(value) = a.value(1) else {
        return Err(a.wrong(1, "a float"));
    };
    let decimals = a.size(2, 0, MAX_DECIMALS)?;
    Ok(Value::text(number::compact(*value, decimals)))
}

/// Of anything: texts as they are, arrays and maps as JSON.
fn str(a: &Arguments<'_>) -> Result<Value, Failure> {
    if let Value::Text(text) = a.value(1) {
        return Ok(Value::Text(text.clone()));
    }
    let mut text = Output::new(a, 32);
    text.text_of(a.value(1))?;
    Ok(text.finish())
}

/// As [`str`]; fails where that gives bytes that are no UTF-8.
fn str_utf8(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = str(a)?;
    match &text {
        Value::Text(bytes) if std::str::from_utf8(bytes).is_err() => {
            Err(a.fail(format_args!("argument 1 is not UTF-8")))
        }
        _ => Ok(text),
    }
}

fn str_utf16_le(a: &Arguments<'_>) -> Result<Value, Failure> {
    let Value::Text(text) = str_utf8(a)? else {
        return Err(a.wrong(1, "text"));
    };
    let mut units = Output::new(a, text.len().saturating_mul(2));
    for unit in String::from_utf8_lossy(&text).encode_utf16() {
        units.push(&unit.to_le_bytes())?;
    }
    Ok(units.finish())
}
