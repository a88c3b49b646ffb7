//! Large and small letters, of all scripts that have them.

use super::super::output::MAX_TEXT;
use super::super::{Arguments, Failure};
use crate::value::Value;

pub(super) fn lower(a: &Arguments<'_>) -> Result<Value, Failure> {
    changed(a, str::to_ascii_lowercase, str::to_lowercase)
}

pub(super) fn upper(a: &Arguments<'_>) -> Result<Value, Failure> {
    changed(a, str::to_ascii_uppercase, str::to_uppercase)
}

/// ASCII has its own way, which is many times faster.
fn changed(
    a: &Arguments<'_>,
    ascii: fn(&str) -> String,
    any: fn(&str) -> String,
) -> Result<Value, Failure> {
    let text = a.unicode(1)?;
    let changed = if text.is_ascii() {
        ascii(&text)
    } else {
        any(&text)
    };
    // Some letters are longer in the other case.
    if changed.len() > MAX_TEXT.max(text.len()) {
        return Err(a.too_large());
    }
    Ok(Value::text(changed))
}
