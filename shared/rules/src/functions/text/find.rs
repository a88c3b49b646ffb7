//! Texts in texts.

use memchr::memmem;

use super::super::output::Output;
use super::super::{Arguments, Failure};
use crate::value::Value;

/// Which of several places counts.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    All,
    Leading,
    Trailing,
}

/// The text from the first place on where the other one is, or from the last; empty when it is
/// nowhere. An empty text is at the start.
pub(super) fn find(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (text, wanted) = (a.text(1)?, a.bytes(2)?);
    let end = a.option(
        3,
        &[("leading", Where::Leading), ("trailing", Where::Trailing)],
    )?;
    let at = match end {
        _ if wanted.is_empty() => Some(0),
        Where::Trailing => memmem::rfind(&text, wanted),
        _ => memmem::find(&text, wanted),
    };
    let found = at.and_then(|at| text.get(at..)).unwrap_or_default();
    Ok(Value::Text(text.slice_ref(found)))
}

/// `replace(text, wanted, other [, where])`. An empty text is found nowhere.
pub(super) fn replace(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (text, wanted, other) = (a.text(1)?, a.bytes(2)?, a.bytes(3)?);
    let places = a.option(
        4,
        &[
            ("all", Where::All),
            ("leading", Where::Leading),
            ("trailing", Where::Trailing),
        ],
    )?;
    if wanted.is_empty() {
        return Ok(Value::Text(text));
    }
    let mut out = Output::new(a, text.len());
    let mut behind = 0;
    let mut swap = |at: usize| -> Result<(), Failure> {
        out.push(text.get(behind..at).unwrap_or_default())?;
        behind = at.saturating_add(wanted.len());
        out.push(other)
    };
    match places {
        Where::All => memmem::find_iter(&text, wanted).try_for_each(swap)?,
        Where::Leading => memmem::find(&text, wanted).map_or(Ok(()), &mut swap)?,
        Where::Trailing => memmem::rfind(&text, wanted).map_or(Ok(()), &mut swap)?,
    }
    if behind == 0 {
        return Ok(Value::Text(text));
    }
    out.push(text.get(behind..).unwrap_or_default())?;
    Ok(out.finish())
}

pub(super) fn rm_prefix(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (text, prefix) = (a.text(1)?, a.bytes(2)?);
    let rest = text.strip_prefix(&prefix[..]).unwrap_or(&text);
    Ok(Value::Text(text.slice_ref(rest)))
}
