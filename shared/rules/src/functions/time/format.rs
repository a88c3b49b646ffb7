//! How dates are written.

use super::super::output::Output;
use super::super::{Arguments, Failure};
use super::date::Date;
use super::offset::{self, Style};
use crate::value::Value;

/// A number of a date.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// So many digits behind the point of the second.
    Fraction(u32),
}

/// A piece of a format.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Piece<'f> {
    Part(Part),
    Offset(Style),
    Literal(&'f [u8]),
}

/// What stands for what, longer ones first.
const PLACEHOLDERS: [(&[u8], Piece<'static>); 12] = [
    (b"%Y", Piece::Part(Part::Year)),
    (b"%m", Piece::Part(Part::Month)),
    (b"%d", Piece::Part(Part::Day)),
    (b"%H", Piece::Part(Part::Hour)),
    (b"%M", Piece::Part(Part::Minute)),
    (b"%S", Piece::Part(Part::Second)),
    (b"%N", Piece::Part(Part::Fraction(9))),
    (b"%3N", Piece::Part(Part::Fraction(3))),
    (b"%6N", Piece::Part(Part::Fraction(6))),
    (b"%z", Piece::Offset(Style::Bare)),
    (b"%:z", Piece::Offset(Style::Minutes)),
    (b"%::z", Piece::Offset(Style::Seconds)),
];

/// Reads a format. What is no placeholder stands for itself.
pub(super) fn read(format: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut from) = (0, 0);
    while let Some(at) = memchr::memchr(b'%', format.get(from..).unwrap_or_default()) {
        let at = from.saturating_add(at);
        let rest = format.get(at..).unwrap_or_default();
        let known = PLACEHOLDERS.iter().find(|(text, _)| rest.starts_with(text));
        from = at.saturating_add(known.map_or(1, |(text, _)| text.len()));
        if let Some((_, piece)) = known {
            push_literal(&mut pieces, format.get(literal..at));
            pieces.push(*piece);
            literal = from;
        }
    }
    push_literal(&mut pieces, format.get(literal..));
    pieces
}

fn push_literal<'f>(pieces: &mut Vec<Piece<'f>>, literal: Option<&'f [u8]>) {
    let literal = literal.filter(|literal| !literal.is_empty());
    pieces.extend(literal.map(Piece::Literal));
}

/// Writes a time as it is so far from UTC.
pub(super) fn write(
    a: &Arguments<'_>,
    pieces: &[Piece<'_>],
    nanos: i128,
    offset: i32,
) -> Result<Value, Failure> {
    let date = Date::from_nanos(nanos.saturating_add(offset::nanos(offset)))
        .ok_or_else(|| a.fail(format_args!("the time is not from year 0 to 9999")))?;
    let mut out = Output::new(a, 32);
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push(text)?,
            Piece::Offset(style) => out.push(offset::write(offset, *style).as_bytes())?,
            Piece::Part(part) => out.push(number(&date, *part).as_bytes())?,
        }
    }
    Ok(out.finish())
}

fn number(date: &Date, part: Part) -> String {
    match part {
        Part::Year => format!("{:04}", date.year),
        Part::Month => format!("{:02}", date.month),
        Part::Day => format!("{:02}", date.day),
        Part::Hour => format!("{:02}", date.hour),
        Part::Minute => format!("{:02}", date.minute),
        Part::Second => format!("{:02}", date.second),
        Part::Fraction(digits) => {
            let fraction = date.nanos / 10_i128.pow(9_u32.saturating_sub(digits));
            format!(
                "{fraction:0width$}",
                width = usize::try_from(digits).unwrap_or(9)
            )
        }
    }
}
