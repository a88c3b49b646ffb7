//! `+`, `-` and the like.

use crate::functions::Failure;
use crate::sql::ast::BinaryOperator;
use crate::value::Value;

/// Bytes of the longest text that an expression makes.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// The result of an operator between two values. Integers stay integers and exact; beyond 128 bits
/// is a failure, and so is a float that is not finite.
pub(super) fn arithmetic(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Text(_), _) | (_, Value::Text(_)) if operator == BinaryOperator::Add => {
            join(left, right)
        }
        (Value::Int(left), Value::Int(right)) if operator != BinaryOperator::Divide => {
            integers(operator, *left, *right)
        }
        _ => match (as_float(left), as_float(right)) {
            (Some(left), Some(right)) => floats(operator, left, right),
            _ => Err(no_numbers(operator, left, right)),
        },
    }
}

/// The negative of a number.
pub(super) fn negate(value: &Value) -> Result<Value, Failure> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Float(value) => Ok(Value::Float(-value)),
        other => Err(Failure(format!("- needs a number, not {}", other.kind()))),
    }
}

fn join(left: &Value, right: &Value) -> Result<Value, Failure> {
    let mut text = Vec::new();
    left.write_text(&mut text);
    right.write_text(&mut text);
    if text.len() > MAX_TEXT {
        let length = text.len();
        return Err(Failure(format!("a text of {length} bytes is too large")));
    }
    Ok(Value::Text(text.into()))
}

fn integers(operator: BinaryOperator, left: i128, right: i128) -> Result<Value, Failure> {
    let result = match operator {
        BinaryOperator::Add => left.checked_add(right),
        BinaryOperator::Subtract => left.checked_sub(right),
        BinaryOperator::Multiply => left.checked_mul(right),
        BinaryOperator::IntegerDivide | BinaryOperator::Remainder if right == 0 => {
            return Err(by_zero());
        }
        BinaryOperator::IntegerDivide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    result.map(Value::Int).ok_or_else(overflow)
}

fn floats(operator: BinaryOperator, left: f64, right: f64) -> Result<Value, Failure> {
    let result = match operator {
        BinaryOperator::Add => left + right,
        BinaryOperator::Subtract => left - right,
        BinaryOperator::Multiply => left * right,
        BinaryOperator::Divide if right == 0.0 => return Err(by_zero()),
        BinaryOperator::Divide => left / right,
        _ => {
            let word = operator.symbol();
            return Err(Failure(format!("{word} needs integers, not floats")));
        }
    };
    if result.is_finite() {
        Ok(Value::Float(result))
    } else {
        Err(overflow())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "whoever mixes integers and floats wants a float"
)]
fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

fn no_numbers(operator: BinaryOperator, left: &Value, right: &Value) -> Failure {
    let (word, left, right) = (operator.symbol(), left.kind(), right.kind());
    Failure(format!("{word} needs numbers, not {left} and {right}"))
}

fn by_zero() -> Failure {
    Failure("division by zero".into())
}

fn overflow() -> Failure {
    Failure("the number is too large".into())
}
