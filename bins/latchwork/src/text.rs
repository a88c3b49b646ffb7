//! How bytes and times are shown to people.

/// Milliseconds since 1970 as UTC: `2019-11-26T07:34:06.269Z`.
pub(crate) fn time(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| format!("{ms} ms"), |time| format!("{time:.3}"))
}

/// Bytes as text that can't move the cursor or fake a line: control characters are escaped, and
/// what is not UTF-8 is shown as `\xNN`.
pub(crate) fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                out.extend(character.escape_default());
            } else {
                out.push(character);
            }
        }
        for byte in chunk
            .invalid()
            .iter()
            .copied()
            .map(std::ascii::escape_default)
        {
            out.extend(byte.map(char::from));
        }
    }
    out
}

/// At most so many characters, the last one an ellipsis when some are left out.
pub(crate) fn ellipsis(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(3)).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the article's time, the epoch, and a number that is no time.
    /// Guarantee: the date is right, and nonsense is shown as it is.
    #[test]
    fn times_are_utc() {
        assert_eq!(time(1_574_753_026_269), "2019-11-26T07:23:46.269Z");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(u64::MAX), "18446744073709551615 ms");
    }

    /// Scenario: a payload with an escape sequence, a line feed and broken UTF-8.
    /// Guarantee: it is shown in one harmless line.
    #[test]
    fn hostile_bytes_are_harmless() {
        assert_eq!(visible(b"a\x1b[31m\n\xffz"), "a\\u{1b}[31m\\n\\xffz");
        assert_eq!(ellipsis("abcdef", 5), "ab...");
        assert_eq!(ellipsis("abcde", 5), "abcde");
    }
}
