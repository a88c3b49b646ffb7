//! Functions of texts. Where characters count they are grapheme clusters, what people see as one
//! character, as in Erlang's `string`.

mod case;
mod characters;
mod find;
mod join;
mod pad;
mod split;
mod sprintf;
mod trim;
mod unescape;

use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "ascii" (1, 1) ascii;
    "concat" (1, 2) join::concat;
    "find" (2, 3) find::find;
    "join_to_sql_values_string" (1, 1) join::join_to_sql_values_string;
    "join_to_string" (1, 2) join::join_to_string;
    "lower" (1, 1) case::lower;
    "ltrim" (1, 2) |a| trim::trim(a, trim::Ends::LEADING);
    "pad" (2, 4) pad::pad;
    "replace" (3, 4) find::replace;
    "reverse" (1, 1) characters::reverse;
    "rm_prefix" (2, 2) find::rm_prefix;
    "rtrim" (1, 2) |a| trim::trim(a, trim::Ends::TRAILING);
    "split" (2, 3) split::split;
    "sprintf" (1, 64) sprintf::sprintf;
    "strlen" (1, 1) characters::strlen;
    "substr" (2, 3) characters::substr;
    "tokens" (2, 3) split::tokens;
    "trim" (1, 2) |a| trim::trim(a, trim::Ends::BOTH);
    "unescape" (1, 1) unescape::unescape;
    "upper" (1, 1) case::upper;
}

/// The first byte.
fn ascii(a: &Arguments<'_>) -> Result<Value, Failure> {
    let first = a.text(1)?.first().copied();
    let first = first.ok_or_else(|| a.not(1, "a text with a character"))?;
    Ok(Value::Int(first.into()))
}
