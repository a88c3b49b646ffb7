//! Text from outside, made fit for people and the log.

/// Characters of a text from outside that are kept. The contract of lock states allows as many in
/// a `process_id`.
pub(super) const TEXT_LIMIT: usize = 128;

/// Without control characters, line separators and what turns the direction of writing; limited.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .filter(|character| !is_harmful(*character))
        .take(TEXT_LIMIT)
        .collect()
}

/// The beginning of a text, unchanged.
pub(super) fn clip(text: &str) -> &str {
    if text.len() <= TEXT_LIMIT {
        return text;
    }
    let end = text.char_indices().nth(TEXT_LIMIT);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: text with line feeds, escapes, a reversed direction, and no end.
    /// Guarantee: what is left is one short line.
    #[test]
    fn text_becomes_one_short_line() {
        assert_eq!(clean("a\r\nBcc: b\u{1b}[0m\u{202e}c"), "aBcc: b[0mc");
        assert_eq!(clean(&"\u{9501}".repeat(500)).chars().count(), TEXT_LIMIT);
        assert_eq!(clip(&"\u{9501}".repeat(500)).chars().count(), TEXT_LIMIT);
        assert_eq!(clip("a\n"), "a\n");
    }
}
