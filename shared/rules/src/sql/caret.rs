//! Shows people a place in a text.

use super::place::Place;

/// Columns shown before a place, and from its first character on: both fit a window of 160.
const WINDOW: usize = 70;

/// Three lines: where and what, the line of the text, and carets under the place.
///
/// ```
/// # use rules::sql::{Place, point_at};
/// let place = Place { start: 7, end: 8 };
/// assert_eq!(
///     point_at("SELECT x FROM t", place, "no such field"),
///     "line 1, column 8: no such field\n  SELECT x FROM t\n         ^"
/// );
/// ```
///
/// Of a place of several lines the first is shown; of a long line the part around the place.
/// Control characters are replaced, so that a text cannot drive a terminal.
pub fn point_at(text: &str, place: Place, message: &str) -> String {
    let (line, column) = position(text, place);
    let (before, rest) = around(text, place);
    let marked = place.end.saturating_sub(place.start);
    let (before, cut) = last_columns(before);
    let mut shown = String::from(if cut { "  \u{2026}" } else { "  " });
    let mut carets = String::from(if cut { "   " } else { "  " });
    for character in before.chars() {
        shown.push(visible(character));
        match character {
            '\t' => carets.push('\t'),
            other => carets.extend(std::iter::repeat_n(' ', columns(other))),
        }
    }
    let mut used = 0;
    for (offset, character) in rest.char_indices() {
        if used >= WINDOW {
            shown.push('\u{2026}');
            break;
        }
        shown.push(visible(character));
        used += columns(character);
        if offset < marked {
            carets.extend(std::iter::repeat_n('^', columns(character)));
        }
    }
    if !carets.ends_with('^') {
        carets.push('^');
    }
    format!("line {line}, column {column}: {message}\n{shown}\n{carets}")
}

/// Line and column of a place, from 1; columns are characters.
pub fn position(text: &str, place: Place) -> (usize, usize) {
    let start = text.floor_char_boundary(place.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = match before.rsplit_once('\n') {
        Some((_, last)) => last.chars().count() + 1,
        None => before.chars().count() + 1,
    };
    (line, column)
}

/// The line of a place: what comes before its first byte, and the rest.
fn around(text: &str, place: Place) -> (&str, &str) {
    let start = text.floor_char_boundary(place.start);
    let (before, rest) = text.split_at_checked(start).unwrap_or_default();
    let before = before.rsplit_once('\n').map_or(before, |(_, last)| last);
    let rest = rest.split_once('\n').map_or(rest, |(first, _)| first);
    (before, rest.trim_end_matches('\r'))
}

/// The end of a text that fits the window, and whether something was left out.
fn last_columns(text: &str) -> (&str, bool) {
    let mut used = 0;
    for (offset, character) in text.char_indices().rev() {
        used += columns(character);
        if used > WINDOW {
            let next = offset + character.len_utf8();
            return (text.get(next..).unwrap_or_default(), true);
        }
    }
    (text, false)
}

/// What is printed for a character.
fn visible(character: char) -> char {
    if character.is_control() && character != '\t' {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}

/// How many columns terminals give a character: blocks of Unicode 16 whose East Asian width is
/// wide or full, and the marks that stand on the character before them.
fn columns(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xa960..=0xa97f
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
