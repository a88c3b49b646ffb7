//! `=`, `<` and the like, and `=~`.

use std::cmp::Ordering;
use std::str::FromStr;

use record::TopicFilter;

use crate::functions::Failure;
use crate::sql::ast::BinaryOperator;
use crate::value::{Value, number};

/// What an order has to be for a comparison to be true.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    less: bool,
    equal: bool,
    greater: bool,
}

impl Comparison {
    /// `None` when the operator compares nothing.
    pub(super) fn of(operator: BinaryOperator) -> Option<Self> {
        let (less, equal, greater) = match operator {
            BinaryOperator::Equal => (false, true, false),
            BinaryOperator::NotEqual => (true, false, true),
            BinaryOperator::Less => (true, false, false),
            BinaryOperator::LessOrEqual => (true, true, false),
            BinaryOperator::Greater => (false, false, true),
            BinaryOperator::GreaterOrEqual => (false, true, true),
            _ => return None,
        };
        Some(Self {
            less,
            equal,
            greater,
        })
    }

    fn allows(self, order: Ordering) -> bool {
        match order {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }
}

/// Compares as EMQX does: what is undefined is equal to undefined and has no relation to anything
/// else; a text beside a number is read as one; a text beside a boolean is compared with its word.
pub(super) fn compare(
    comparison: Comparison,
    left: &Value,
    right: &Value,
) -> Result<bool, Failure> {
    let order = match (left, right) {
        (Value::Undefined, Value::Undefined) => Ordering::Equal,
        (Value::Undefined, _) | (_, Value::Undefined) => return Ok(false),
        (Value::Text(text), Value::Int(_) | Value::Float(_)) => numbers(&number_in(text)?, right),
        (Value::Int(_) | Value::Float(_), Value::Text(text)) => numbers(left, &number_in(text)?),
        (Value::Bool(_) | Value::Null, Value::Text(text)) => word(left).as_bytes().cmp(text),
        (Value::Text(text), Value::Bool(_) | Value::Null) => text[..].cmp(word(right).as_bytes()),
        _ => total(left, right),
    };
    Ok(comparison.allows(order))
}

/// An order of all values: numbers, words, maps, arrays, texts, as in Erlang.
fn total(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (
            Value::Bool(_) | Value::Null | Value::Undefined,
            Value::Bool(_) | Value::Null | Value::Undefined,
        ) => word(left).cmp(word(right)),
        (Value::Array(left), Value::Array(right)) => {
            let pairs = left.iter().zip(right.iter());
            pairs
                .map(|(left, right)| total(left, right))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (Value::Map(left), Value::Map(right)) => maps(left, right),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => numbers(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// The smaller one first; of the same size by their keys, then by their values, in the keys' order.
fn maps(left: &crate::value::Map, right: &crate::value::Map) -> Ordering {
    let sorted = |map: &crate::value::Map| {
        let mut entries: Vec<_> = map
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        entries
    };
    let sizes = left.len().cmp(&right.len());
    sizes.then_with(|| {
        let (left, right) = (sorted(left), sorted(right));
        let keys = left
            .iter()
            .map(|(key, _)| key)
            .cmp(right.iter().map(|(key, _)| key));
        keys.then_with(|| {
            left.iter()
                .zip(&right)
                .map(|((_, left), (_, right))| total(left, right))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    })
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Int(_) | Value::Float(_) => 0,
        Value::Undefined | Value::Null | Value::Bool(_) => 1,
        Value::Map(_) => 2,
        Value::Array(_) => 3,
        Value::Text(_) => 4,
    }
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Null => "null",
        _ => "undefined",
    }
}

/// Compares numbers exactly: an integer is not made a float as long as it could lose digits by that.
fn numbers(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => {
            left.partial_cmp(right).unwrap_or(Ordering::Equal)
        }
        (Value::Int(left), Value::Float(right)) => int_and_float(*left, *right),
        (Value::Float(left), Value::Int(right)) => int_and_float(*right, *left).reverse(),
        _ => Ordering::Equal,
    }
}

/// Floats beyond 128 bits are beyond every integer; all others have an exact whole part.
fn int_and_float(int: i128, float: f64) -> Ordering {
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within 128 bits")]
    let whole = float.trunc() as i128;
    int.cmp(&whole).then_with(|| {
        0.0_f64
            .partial_cmp(&float.fract())
            .unwrap_or(Ordering::Equal)
    })
}

/// The number that a text is, in the forms that Erlang reads: neither `1e3` nor ` 1` is one.
fn number_in(text: &[u8]) -> Result<Value, Failure> {
    let int = number::parse_int(text).map(Value::Int);
    let number = int.or_else(|| number::parse_float(text).map(Value::Float));
    number.ok_or_else(|| {
        let text = String::from_utf8_lossy(text);
        Failure(format!(
            "the text {text:.40?} is compared with a number and is none"
        ))
    })
}

/// Whether a topic matches a filter; what is undefined neither matches nor is matched.
pub(super) fn topic_matches(topic: &Value, filter: &Value) -> Result<bool, Failure> {
    if [topic, filter].contains(&&Value::Undefined) {
        return Ok(false);
    }
    let (Some(topic), Some(filter)) = (as_text(topic), as_text(filter)) else {
        let (topic, filter) = (topic.kind(), filter.kind());
        return Err(Failure(format!(
            "=~ needs a topic and a filter, which are texts, not {topic} and {filter}"
        )));
    };
    let filter = TopicFilter::from_str(filter);
    let filter = filter.map_err(|error| Failure(format!("=~: {error}")))?;
    Ok(filter.matches(topic))
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}
