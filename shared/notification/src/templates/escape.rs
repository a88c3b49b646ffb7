//! Text from outside, made harmless before and after it goes through a template.

use std::collections::BTreeMap;

use minijinja::Value;
use serde_json::Value as Json;

/// Characters of one value; the contract of lock states allows as many in a `process_id`.
const VALUE_LIMIT: usize = 128;
/// Details of one alert that are told.
const DETAIL_LIMIT: usize = 20;

/// One line of limited length: no control characters, no line separators, nothing that turns the
/// direction of writing or is invisible.
pub(super) fn line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut gap = false;
    let mut count = 0;
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            gap = true;
            continue;
        }
        if is_hidden(character) {
            continue;
        }
        if gap && !line.is_empty() {
            line.push(' ');
            count += 1;
        }
        gap = false;
        if count >= limit {
            break;
        }
        line.push(character);
        count += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Lines without anything else that is no character, and without empty lines around them.
pub(super) fn lines(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|character| {
            *character == '\n' || !(character.is_control() || is_hidden(*character))
        })
        .collect();
    let mut kept = kept.trim_matches('\n').to_owned();
    kept.push('\n');
    kept
}

/// A value from outside as a template sees it: numbers stay numbers, all else is one line.
fn value(value: &Json) -> Value {
    match value {
        Json::Null => Value::from(()),
        Json::Bool(is_true) => Value::from(*is_true),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64()),
        },
        Json::String(text) => Value::from(line(text, VALUE_LIMIT)),
        nested => Value::from(line(&nested.to_string(), VALUE_LIMIT)),
    }
}

/// An alert's details as a template sees them.
pub(super) fn details(details: &BTreeMap<String, Json>) -> Value {
    let told = details.iter().take(DETAIL_LIMIT);
    Value::from_pairs(told.map(|(key, detail)| (line(key, VALUE_LIMIT), value(detail))))
}

fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a value with a forged header, an escape sequence, a reversed direction, no end.
    /// Guarantee: one short line is left.
    #[test]
    fn a_value_is_one_short_line() {
        assert_eq!(
            line("a\r\nBcc: b\u{1b}[0m\u{202e}c\u{85}d", 128),
            "a Bcc: b [0mc d"
        );
        assert_eq!(line(" \u{2029}\t", 128), "");
        assert_eq!(line(&"\u{9501}".repeat(500), 10).chars().count(), 10);
        assert_eq!(lines("\n\na\r\n\u{7}b\n\n"), "a\nb\n");
        let nested = value(&serde_json::json!({"a\n": 1}));
        assert_eq!(nested.as_str(), Some(r#"{"a\n":1}"#));
    }
}
