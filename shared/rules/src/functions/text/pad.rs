//! Texts of a given length.

use super::super::output::{MAX_TEXT, Output};
use super::super::{Arguments, Failure};
use super::characters::length;
use crate::value::Value;

/// Where characters are added.
#[derive(Clone, Copy)]
enum End {
    Leading,
    Trailing,
    Both,
}

/// `pad(text, length [, end [, filling]])`. The filling counts as one character, however long it is;
/// of an odd number at both ends the last one goes behind.
pub(super) fn pad(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.unicode(1)?;
    let wanted = usize::try_from(a.int(2)?.clamp(0, i128::from(u32::MAX))).unwrap_or(MAX_TEXT);
    let end = a.option(
        3,
        &[
            ("trailing", End::Trailing),
            ("leading", End::Leading),
            ("both", End::Both),
        ],
    )?;
    let filling = match a.count() {
        4 => a.bytes(4)?,
        _ => &b" "[..],
    };
    let missing = wanted.saturating_sub(length(&text));
    let before = match end {
        End::Leading => missing,
        End::Trailing => 0,
        End::Both => missing / 2,
    };
    let mut out = Output::new(a, text.len().saturating_add(missing));
    out.repeat(filling, before)?;
    out.push(text.as_bytes())?;
    out.repeat(filling, missing.saturating_sub(before))?;
    Ok(out.finish())
}
