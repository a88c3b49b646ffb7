//! Distances from UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::{Arguments, Failure};
use super::unit::SECOND;
use crate::value::Value;

/// Seconds of a day: no offset is that far.
const DAY: i128 = 86_400;

/// A distance from UTC.
#[derive(Clone, Copy)]
pub(super) enum Offset {
    /// Seconds to the east.
    Fixed(i32),
    /// What the system's time zone says: it depends on the time.
    Local,
}

impl Offset {
    /// Seconds to the east at a time in nanoseconds since 1970.
    pub(super) fn seconds_at(self, nanos: i128) -> i32 {
        match self {
            Self::Fixed(seconds) => seconds,
            Self::Local => Timestamp::from_nanosecond(nanos)
                .map_or(0, |time| TimeZone::system().to_offset(time).seconds()),
        }
    }
}

/// An argument that is an offset: seconds, `Z`, `z`, `local`, `+08:00`, `+0800`, `+08:00:00`. Undefined
/// is UTC, as in EMQX.
pub(super) fn read(a: &Arguments<'_>, number: usize) -> Result<Offset, Failure> {
    let offset = match a.value(number) {
        Value::Undefined => Some(Offset::Fixed(0)),
        Value::Int(seconds) if seconds.unsigned_abs() < DAY.unsigned_abs() => {
            i32::try_from(*seconds).ok().map(Offset::Fixed)
        }
        Value::Text(text) if text == "local" => Some(Offset::Local),
        Value::Text(text) => parse(text).map(Offset::Fixed),
        Value::Int(_) => None,
        _ => return Err(a.wrong(number, "an offset: seconds or text")),
    };
    offset.ok_or_else(|| {
        a.not(
            number,
            "an offset of less than a day, as +08:00, Z or local",
        )
    })
}

/// Seconds to the east: `Z`, `z`, or a sign and hours, minutes and seconds with or without colons.
pub(super) fn parse(text: &[u8]) -> Option<i32> {
    let (sign, time) = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', time @ ..] => (1, time),
        [b'-', time @ ..] => (-1, time),
        _ => return None,
    };
    let time = std::str::from_utf8(time).ok()?;
    let parts: Vec<&str> = if time.contains(':') {
        time.split(':').collect()
    } else {
        match time.len() {
            2 => vec![time],
            4 => vec![time.get(..2)?, time.get(2..)?],
            6 => vec![time.get(..2)?, time.get(2..4)?, time.get(4..)?],
            _ => return None,
        }
    };
    let number = |part: Option<&&str>, limit: i32| match part {
        None => Some(0),
        Some(part) => {
            let digits =
                (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.then(|| part.parse().ok())??;
            (number < limit).then_some(number)
        }
    };
    if parts.len() > 3 {
        return None;
    }
    let hours = number(parts.first(), 24)?;
    let minutes = number(parts.get(1), 60)?;
    let seconds = number(parts.get(2), 60)?;
    Some(sign * (hours * 3_600 + minutes * 60 + seconds))
}

/// `+0800`, `+08:00`, `+08:00:00`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Style {
    Bare,
    Minutes,
    Seconds,
}

impl Style {
    /// How many bytes it has.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Bare => 5,
            Self::Minutes => 6,
            Self::Seconds => 9,
        }
    }
}

/// Writes an offset.
pub(super) fn write(seconds: i32, style: Style) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let size = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (size / 3_600, size / 60 % 60, size % 60);
    match style {
        Style::Bare => format!("{sign}{hours:02}{minutes:02}"),
        Style::Minutes => format!("{sign}{hours:02}:{minutes:02}"),
        Style::Seconds => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// An offset in nanoseconds.
pub(super) fn nanos(seconds: i32) -> i128 {
    i128::from(seconds).saturating_mul(SECOND)
}
