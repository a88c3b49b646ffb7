//! Times as RFC 3339 writes them.

use super::super::{Arguments, Failure};
use super::date::Date;
use super::format::{self, Part, Piece};
use super::offset::{self, Offset, Style};
use super::unit::{SECOND, Unit};
use crate::value::Value;
use crate::value::number::parse_int;

/// Digits behind the point that are looked at: those of picoseconds. All of them must be digits.
const DIGITS: usize = 12;

/// Up to the seconds.
const DATE: [Piece<'static>; 11] = [
    Piece::Part(Part::Year),
    Piece::Literal(b"-"),
    Piece::Part(Part::Month),
    Piece::Literal(b"-"),
    Piece::Part(Part::Day),
    Piece::Literal(b"T"),
    Piece::Part(Part::Hour),
    Piece::Literal(b":"),
    Piece::Part(Part::Minute),
    Piece::Literal(b":"),
    Piece::Part(Part::Second),
];

/// In the system's time zone, as EMQX does, with as many digits behind the point as the unit has.
pub(super) fn write(a: &Arguments<'_>, nanos: i128, unit: Unit) -> Result<Value, Failure> {
    let mut pieces = DATE.to_vec();
    if let Some(digits) = u32::try_from(unit.digits())
        .ok()
        .filter(|digits| *digits > 0)
    {
        pieces.extend([Piece::Literal(b"."), Piece::Part(Part::Fraction(digits))]);
    }
    pieces.push(Piece::Offset(Style::Minutes));
    format::write(a, &pieces, nanos, Offset::Local.seconds_at(nanos))
}

/// Reads the first argument, in whole units since 1970: seconds are cut off, parts of a finer unit
/// rounded, as in Erlang. Without an offset the time is local.
pub(super) fn read(a: &Arguments<'_>, unit: Unit) -> Result<i128, Failure> {
    let text = a.bytes(1)?;
    let wrong = || a.not(1, "an RFC 3339 time, as 2024-02-23T15:56:30Z");
    let (date, rest) = date(text).ok_or_else(wrong)?;
    let (fraction, rest) = fraction(rest).ok_or_else(wrong)?;
    let seconds = date.to_nanos().ok_or_else(wrong)?;
    let offset = match rest {
        [] => Offset::Local.seconds_at(seconds),
        rest => offset::parse(rest).ok_or_else(wrong)?,
    };
    let seconds = seconds.saturating_sub(offset::nanos(offset)) / SECOND;
    let per_second = SECOND / unit.nanos();
    let pico = 10_i128.pow(12) / per_second;
    let parts = match unit {
        Unit::Second => 0,
        _ => fraction.saturating_add(pico / 2) / pico,
    };
    Ok(seconds.saturating_mul(per_second).saturating_add(parts))
}

/// The date and time of the first 19 bytes, and what is behind them.
fn date(text: &[u8]) -> Option<(Date, &[u8])> {
    let (date, rest) = text.split_at_checked(19)?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
    ] = date
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
        parse_int(digits)
    };
    let date = Date {
        year: number(&[*y1, *y2, *y3, *y4])?,
        month: number(&[*m1, *m2])?,
        day: number(&[*d1, *d2])?,
        hour: number(&[*h1, *h2])?,
        minute: number(&[*i1, *i2])?,
        second: number(&[*s1, *s2])?,
        nanos: 0,
    };
    Some((date, rest))
}

/// Picoseconds behind the point, if there is one, and what is behind them.
fn fraction(text: &[u8]) -> Option<(i128, &[u8])> {
    let [b'.', text @ ..] = text else {
        return Some((0, text));
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length)?;
    let read = parse_int(digits.get(..digits.len().min(DIGITS))?)?;
    let missing = u32::try_from(DIGITS.saturating_sub(digits.len())).ok()?;
    Some((read.saturating_mul(10_i128.pow(missing)), rest))
}
