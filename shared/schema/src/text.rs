//! Text that quotes strangers: short, and safe to print.

use std::fmt::{self, Display, Write};

/// Characters of a text or pointer at most.
pub(crate) const LONGEST: usize = 300;

/// Characters of a quoted value at most.
pub(crate) const LONGEST_QUOTE: usize = 40;

const CUT: &str = "...";

/// Renders at most [`LONGEST`] characters. What does not print, such as control characters and
/// marks that turn the writing direction, is escaped: the text may be shown on a terminal.
pub(crate) fn bounded(text: impl Display) -> String {
    let mut short = Bounded {
        text: String::new(),
        room: LONGEST - CUT.len(),
    };
    if write!(short, "{text}").is_err() {
        short.text.push_str(CUT);
    }
    short.text
}

/// The beginning of a value that may be large.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}{CUT}", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// One step of a JSON pointer (RFC 6901 section 3).
pub(crate) fn escape_token(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

struct Bounded {
    text: String,
    room: usize,
}

impl Write for Bounded {
    /// The error ends the rendering: what does not fit is not even formatted.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let escaped = character.escape_debug();
            let plain = matches!(character, '"' | '\'' | '\\');
            let width = if plain { 1 } else { escaped.len() };
            self.room = self.room.checked_sub(width).ok_or(fmt::Error)?;
            if plain {
                self.text.push(character);
            } else {
                self.text.extend(escaped);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: megabytes of text, terminal escapes, and letters of many alphabets.
    /// Guarantee: at most 300 characters come out, nothing that steers a terminal among them, and
    /// letters stay as they are.
    #[test]
    fn text_is_short_and_printable() {
        let long = bounded("x".repeat(1 << 20));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with("x..."));
        assert_eq!(bounded("a\u{1b}[2J\n\u{202e}"), "a\\u{1b}[2J\\n\\u{202e}");
        assert_eq!(
            bounded("\u{95e8}\u{9501} \"a\\b\" it's"),
            "\u{95e8}\u{9501} \"a\\b\" it's"
        );
        assert!(bounded("\u{1b}".repeat(300)).chars().count() <= LONGEST);
        assert_eq!(
            quote(&"\u{95e8}".repeat(41)),
            format!("{}...", "\u{95e8}".repeat(40))
        );
        assert_eq!(quote("short"), "short");
    }
}
