//! One SMS.

/// Septets of one SMS in the default alphabet (3GPP TS 23.038 s.6.2.1).
const GSM_LIMIT: usize = 160;
/// UTF-16 units of one SMS otherwise (UCS-2, 140 octets).
const UCS2_LIMIT: usize = 70;

/// The default alphabet but for letters, digits and the space.
const GSM_OTHERS: &str = "@\u{a3}$\u{a5}\u{e8}\u{e9}\u{f9}\u{ec}\u{f2}\u{c7}\u{d8}\u{f8}\u{c5}\u{e5}\
    \u{394}_\u{3a6}\u{393}\u{39b}\u{3a9}\u{3a0}\u{3a8}\u{3a3}\u{398}\u{39e}\u{c6}\u{e6}\u{df}\u{c9}\
    !\"#\u{a4}%&'()*+,-./:;<=>?\u{a1}\u{c4}\u{d6}\u{d1}\u{dc}\u{a7}\u{bf}\u{e4}\u{f6}\u{f1}\u{fc}\u{e0}";
/// Its extension: two septets each.
const GSM_EXTENDED: &str = "^{}\\[~]|\u{20ac}";

/// Cuts a line so that it goes as one SMS. What is cut ends in an ellipsis.
pub(super) fn fit(line: &str) -> String {
    let is_gsm = line.chars().all(|character| septets(character).is_some());
    if is_gsm {
        let size = |character| septets(character).unwrap_or(2);
        cut(line, GSM_LIMIT, "...", 3, size)
    } else {
        cut(line, UCS2_LIMIT, "\u{2026}", 1, char::len_utf16)
    }
}

/// What a character takes in the default alphabet, if it is in it.
fn septets(character: char) -> Option<usize> {
    if character.is_ascii_alphanumeric() || character == ' ' || GSM_OTHERS.contains(character) {
        Some(1)
    } else if GSM_EXTENDED.contains(character) {
        Some(2)
    } else {
        None
    }
}

fn cut(
    line: &str,
    limit: usize,
    mark: &str,
    mark_size: usize,
    size: impl Fn(char) -> usize,
) -> String {
    if line.chars().map(&size).sum::<usize>() <= limit {
        return line.to_owned();
    }
    let mut left = limit - mark_size;
    let mut kept = String::with_capacity(limit);
    for character in line.chars() {
        let Some(rest) = left.checked_sub(size(character)) else {
            break;
        };
        left = rest;
        kept.push(character);
    }
    kept.push_str(mark);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: texts at the limit and over it, with characters of two septets and two units.
    /// Guarantee: one SMS, cut only when it must be.
    #[test]
    fn fits_one_sms() {
        let full = "a".repeat(160);
        assert_eq!(fit(&full), full);
        let over = fit(&"a".repeat(161));
        assert!(over.len() == 160 && over.ends_with("a..."));
        let braces = fit(&"{".repeat(81));
        assert_eq!(braces, format!("{}...", "{".repeat(78)));
        let lock = "\u{9501}".repeat(70);
        assert_eq!(fit(&lock), lock);
        let over = fit(&"\u{9501}".repeat(71));
        assert_eq!(over.chars().count(), 70);
        let keys = fit(&"\u{1f511}".repeat(36));
        assert_eq!(keys.encode_utf16().count(), 69);
    }
}
