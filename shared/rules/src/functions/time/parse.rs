//! Dates from text, by a format.

use super::super::{Arguments, Failure};
use super::date::Date;
use super::format::{Part, Piece};
use super::offset;

/// What a text said.
pub(super) struct Parsed {
    /// Since 1970, as if the text were in UTC.
    pub(super) nanos: i128,
    /// Seconds to the east of UTC, when the text says so.
    pub(super) offset: Option<i32>,
}

/// The parts that a text must have.
const REQUIRED: [(Part, &str); 6] = [
    (Part::Year, "year"),
    (Part::Month, "month"),
    (Part::Day, "day"),
    (Part::Hour, "hour"),
    (Part::Minute, "minute"),
    (Part::Second, "second"),
];

/// Reads a text. As in EMQX each part has a fixed width, literals count by their width only, and the
/// text may end before the format or go on behind it.
pub(super) fn parse(
    a: &Arguments<'_>,
    format: &[Piece<'_>],
    text: &[u8],
) -> Result<Parsed, Failure> {
    let mut rest = text;
    let mut parts: Vec<(Part, i128)> = Vec::with_capacity(REQUIRED.len());
    let mut offset = None;
    for piece in format {
        if rest.is_empty() {
            break;
        }
        let (text, tail) = rest
            .split_at_checked(length(piece))
            .ok_or_else(|| mismatch(a))?;
        rest = tail;
        match piece {
            Piece::Literal(_) => {}
            Piece::Offset(_) => offset = Some(offset::parse(text).ok_or_else(|| mismatch(a))?),
            Piece::Part(part) => {
                let digits = text.iter().all(u8::is_ascii_digit);
                let number = digits
                    .then(|| crate::value::number::parse_int(text))
                    .flatten();
                parts.retain(|(known, _)| known != part);
                parts.push((*part, number.ok_or_else(|| mismatch(a))?));
            }
        }
    }
    let date = date(a, &parts)?;
    let nanos = date
        .to_nanos()
        .ok_or_else(|| a.not(a.count(), "a date of the calendar"))?;
    Ok(Parsed { nanos, offset })
}

fn mismatch(a: &Arguments<'_>) -> Failure {
    a.not(a.count(), "a text of the given format")
}

fn length(piece: &Piece<'_>) -> usize {
    match piece {
        Piece::Literal(text) => text.len(),
        Piece::Offset(style) => style.length(),
        Piece::Part(Part::Year) => 4,
        Piece::Part(Part::Fraction(digits)) => usize::try_from(*digits).unwrap_or(9),
        Piece::Part(_) => 2,
    }
}

fn date(a: &Arguments<'_>, parts: &[(Part, i128)]) -> Result<Date, Failure> {
    let part = |wanted: Part| {
        let found = parts.iter().find(|(part, _)| *part == wanted);
        found.map(|(_, number)| *number)
    };
    if let Some((_, name)) = REQUIRED.iter().find(|(wanted, _)| part(*wanted).is_none()) {
        return Err(a.fail(format_args!("the text has no {name}")));
    }
    let required = |wanted: Part| part(wanted).unwrap_or_default();
    let fraction = [3, 6, 9].into_iter().map(|digits: u32| {
        let unit = 10_i128.pow(9_u32.saturating_sub(digits));
        required(Part::Fraction(digits)).saturating_mul(unit)
    });
    let fraction: i128 = fraction.sum();
    Ok(Date {
        year: required(Part::Year),
        month: required(Part::Month),
        day: required(Part::Day),
        hour: required(Part::Hour),
        minute: required(Part::Minute),
        second: required(Part::Second),
        nanos: fraction,
    })
}
