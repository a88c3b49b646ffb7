//! Calculations. What has no finite result fails, as in Erlang.

use super::{Arguments, Failure, functions};
use crate::value::Value;
use crate::value::number::{exact_int, finite};

functions! {
    "abs" (1, 1) abs;
    "acos" (1, 1) |a| float(a, f64::acos);
    "acosh" (1, 1) |a| float(a, f64::acosh);
    "asin" (1, 1) |a| float(a, f64::asin);
    "asinh" (1, 1) |a| float(a, f64::asinh);
    "atan" (1, 1) |a| float(a, f64::atan);
    "atanh" (1, 1) |a| float(a, f64::atanh);
    "ceil" (1, 1) |a| whole(a, f64::ceil);
    "cos" (1, 1) |a| float(a, f64::cos);
    "cosh" (1, 1) |a| float(a, f64::cosh);
    "div" (2, 2) |a| integers(a, i128::checked_div);
    "eq" (2, 2) eq;
    "exp" (1, 1) |a| float(a, f64::exp);
    "floor" (1, 1) |a| whole(a, f64::floor);
    "fmod" (2, 2) |a| floats(a, |x, y| x % y);
    "log" (1, 1) |a| float(a, f64::ln);
    "log10" (1, 1) |a| float(a, f64::log10);
    "log2" (1, 1) |a| float(a, f64::log2);
    "mod" (2, 2) |a| integers(a, i128::checked_rem);
    "power" (2, 2) |a| floats(a, f64::powf);
    "round" (1, 1) |a| whole(a, f64::round);
    "sin" (1, 1) |a| float(a, f64::sin);
    "sinh" (1, 1) |a| float(a, f64::sinh);
    "sqrt" (1, 1) |a| float(a, f64::sqrt);
    "tan" (1, 1) |a| float(a, f64::tan);
    "tanh" (1, 1) |a| float(a, f64::tanh);
}

fn no_result(a: &Arguments<'_>) -> Failure {
    a.fail(format_args!("there is no finite result"))
}

/// Floats too, which EMQX refuses.
fn abs(a: &Arguments<'_>) -> Result<Value, Failure> {
    match a.value(1) {
        Value::Int(value) => value.checked_abs().map(Value::Int),
        _ => finite(a.number(1)?.abs()),
    }
    .ok_or_else(|| no_result(a))
}

fn float(a: &Arguments<'_>, calculate: fn(f64) -> f64) -> Result<Value, Failure> {
    finite(calculate(a.number(1)?)).ok_or_else(|| no_result(a))
}

fn floats(a: &Arguments<'_>, calculate: fn(f64, f64) -> f64) -> Result<Value, Failure> {
    finite(calculate(a.number(1)?, a.number(2)?)).ok_or_else(|| no_result(a))
}

/// Of a float to an integer; integers stay as they are.
fn whole(a: &Arguments<'_>, round: fn(f64) -> f64) -> Result<Value, Failure> {
    match a.value(1) {
        Value::Int(value) => Ok(Value::Int(*value)),
        _ => exact_int(round(a.number(1)?))
            .map(Value::Int)
            .ok_or_else(|| a.not(1, "within 128 bits")),
    }
}

fn integers(
    a: &Arguments<'_>,
    calculate: fn(i128, i128) -> Option<i128>,
) -> Result<Value, Failure> {
    let result = calculate(a.int(1)?, a.int(2)?);
    result.map(Value::Int).ok_or_else(|| no_result(a))
}

/// Numbers are equal when they mean the same, whatever their kind.
#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions")]
fn eq(a: &Arguments<'_>) -> Result<Value, Failure> {
    let same = match (a.value(1), a.value(2)) {
        (Value::Int(int), Value::Float(float)) | (Value::Float(float), Value::Int(int)) => {
            float.fract() == 0.0 && exact_int(*float) == Some(*int)
        }
        (one, other) => one == other,
    };
    Ok(Value::Bool(same))
}
