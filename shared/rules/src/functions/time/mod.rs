//! Times. Numbers count from 1970 in a unit: `second`, `millisecond`, `microsecond`, `nanosecond`.

pub(in crate::functions) mod date;
mod format;
mod offset;
mod parse;
mod rfc3339;
mod unit;

use super::{Arguments, Failure, functions};
use crate::value::Value;

use unit::Unit;

functions! {
    "date_to_unix_ts" (3, 4) date_to_unix_ts;
    "format_date" (3, 4) format_date;
    "now_rfc3339" (0, 1) now_rfc3339;
    "now_timestamp" (0, 1) now_timestamp;
    "rfc3339_to_unix_ts" (1, 2) rfc3339_to_unix_ts;
    "timezone_to_offset_seconds" (1, 1) timezone_to_offset_seconds;
    // Its name of EMQX 4.
    "timezone_to_second" (1, 1) timezone_to_offset_seconds;
    "unix_ts_to_rfc3339" (1, 2) unix_ts_to_rfc3339;
}

fn now_rfc3339(a: &Arguments<'_>) -> Result<Value, Failure> {
    let unit = unit::read(a, 1)?;
    rfc3339::write(a, unit.now(), unit)
}

fn now_timestamp(a: &Arguments<'_>) -> Result<Value, Failure> {
    Ok(Value::Int(unit::read(a, 1)?.count(unit::now())))
}

fn timezone_to_offset_seconds(a: &Arguments<'_>) -> Result<Value, Failure> {
    let offset = offset::read(a, 1)?;
    Ok(Value::Int(offset.seconds_at(unit::now()).into()))
}

/// `date_to_unix_ts(unit, [offset,] format, text)`. An offset in the text counts, else the argument,
/// else UTC.
fn date_to_unix_ts(a: &Arguments<'_>) -> Result<Value, Failure> {
    let unit = unit::read(a, 1)?;
    let format = a.count().saturating_sub(1);
    let given = match a.count() {
        4 => Some(offset::read(a, 2)?),
        _ => None,
    };
    let text = a.bytes(a.count())?;
    let parsed = parse::parse(a, &format::read(a.bytes(format)?), text)?;
    let offset = parsed.offset.or_else(|| {
        // What `local` means depends on the time, which is known but for the offset itself.
        Some(given?.seconds_at(parsed.nanos))
    });
    let offset = i128::from(offset.unwrap_or(0)).saturating_mul(unit::SECOND);
    Ok(Value::Int(unit.count(parsed.nanos.saturating_sub(offset))))
}

/// `format_date(unit, offset, format [, time])`: now when there is no time.
fn format_date(a: &Arguments<'_>) -> Result<Value, Failure> {
    let unit = unit::read(a, 1)?;
    let offset = offset::read(a, 2)?;
    let format = format::read(a.bytes(3)?);
    let nanos = match a.count() {
        4 => nanos(a, 4, unit)?,
        _ => unit.now(),
    };
    format::write(a, &format, nanos, offset.seconds_at(nanos))
}

fn unix_ts_to_rfc3339(a: &Arguments<'_>) -> Result<Value, Failure> {
    let unit = unit::read(a, 2)?;
    rfc3339::write(a, nanos(a, 1, unit)?, unit)
}

fn rfc3339_to_unix_ts(a: &Arguments<'_>) -> Result<Value, Failure> {
    let unit = unit::read(a, 2)?;
    rfc3339::read(a, unit).map(Value::Int)
}

/// An argument that is a time, in nanoseconds.
fn nanos(a: &Arguments<'_>, number: usize, unit: Unit) -> Result<i128, Failure> {
    let nanos = a.int(number)?.checked_mul(unit.nanos());
    nanos.ok_or_else(|| a.not(number, "a time from year 0 to 9999"))
}
