//! One control sequence: `~F.P.PadModC`.

use super::super::super::Failure;

/// A control sequence without its `~`.
pub(super) struct Sequence {
    /// Characters that are filled at least.
    pub(super) width: Option<usize>,
    /// Filled up behind instead of before.
    pub(super) left: bool,
    /// Digits or characters.
    pub(super) precision: Option<usize>,
    /// What fills up.
    pub(super) pad: char,
    /// The modifier `t`.
    pub(super) unicode: bool,
    /// What is printed, and how.
    pub(super) control: char,
}

impl Sequence {
    /// Reads a sequence; gives what is behind it too. `None`: the text ends too early. `star` gives
    /// the number that stands for a `*`.
    pub(super) fn read<'t>(
        text: &'t str,
        star: &mut impl FnMut() -> Result<i128, Failure>,
    ) -> Result<Option<(Self, &'t str)>, Failure> {
        let (width, mut rest) = number(text, star)?;
        let (mut precision, mut pad) = (None, ' ');
        if let Some(tail) = rest.strip_prefix('.') {
            (precision, rest) = number(tail, star)?;
            let mut tail = rest.chars();
            if tail.next() == Some('.') {
                let Some(filling) = tail.next() else {
                    return Ok(None);
                };
                pad = filling;
                rest = tail.as_str();
            }
        }
        let control = rest.trim_start_matches(['t', 'l', 'k', 'K']);
        let modifiers = before(rest, control);
        let mut tail = control.chars();
        Ok(tail.next().map(|control| {
            let sequence = Self {
                width: width.map(size),
                left: width.is_some_and(i128::is_negative),
                precision: precision.map(size),
                pad,
                unicode: modifiers.contains('t'),
                control,
            };
            (sequence, tail.as_str())
        }))
    }
}

/// A number with a sign, or `*`, or none.
fn number<'t>(
    text: &'t str,
    star: &mut impl FnMut() -> Result<i128, Failure>,
) -> Result<(Option<i128>, &'t str), Failure> {
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Some(star()?), rest));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let rest = digits.trim_start_matches(|character: char| character.is_ascii_digit());
    let number = before(text, rest);
    if number.is_empty() {
        return Ok((None, rest));
    }
    // What has too many digits is too large for any text.
    Ok((Some(number.parse().unwrap_or(i128::MAX)), rest))
}

/// What a text has before its end `rest`, by length: comparing the ends of a long format again and
/// again would take for ever.
fn before<'t>(text: &'t str, rest: &str) -> &'t str {
    let length = text.len().saturating_sub(rest.len());
    text.get(..length).unwrap_or_default()
}

fn size(number: i128) -> usize {
    usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX)
}
