//! Arrays. Members count from 1.

use super::output::MAX_MEMBERS;
use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "contains" (2, 2) |a| Ok(Value::Bool(a.array(2)?.contains(a.value(1))));
    "first" (1, 1) |a| end(a, <[Value]>::first);
    "last" (1, 1) |a| end(a, <[Value]>::last);
    "length" (1, 1) length;
    "nth" (2, 2) nth;
    "sublist" (2, 3) sublist;
}

fn end(a: &Arguments<'_>, member: fn(&[Value]) -> Option<&Value>) -> Result<Value, Failure> {
    let member = member(a.array(1)?).cloned();
    member.ok_or_else(|| a.fail(format_args!("argument 1 must not be empty")))
}

fn length(a: &Arguments<'_>) -> Result<Value, Failure> {
    let length = a.array(1)?.len();
    Ok(Value::Int(i128::try_from(length).unwrap_or(i128::MAX)))
}

/// `nth(number, array)`: fails when there is none.
fn nth(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (number, members) = (a.int(1)?, a.array(2)?);
    let index = usize::try_from(number).ok();
    let member = index.and_then(|index| members.get(index.checked_sub(1)?));
    member
        .cloned()
        .ok_or_else(|| a.not(1, &format!("from 1 to the array's {}", members.len())))
}

/// `sublist([start,] length, array)`: as many as there are.
fn sublist(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (start, length, array) = match a.count() {
        2 => (1, 1, 2),
        _ => (a.size(1, 1, usize::MAX)?, 2, 3),
    };
    let length = a.size(length, 0, usize::MAX)?;
    let members = a.array(array)?;
    let rest = members.get(start.saturating_sub(1)..).unwrap_or_default();
    let part = rest.get(..length.min(rest.len()).min(MAX_MEMBERS));
    Ok(Value::array(part.unwrap_or_default().to_vec()))
}
