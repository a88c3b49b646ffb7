//! The rules on text: UTF-8, characters, topic names and topic filters.

use super::packet::Version;
use super::rule::{self, Rule};

/// What becomes of U+0001 to U+001F, U+007F to U+009F and of the code points that Unicode sets
/// aside as no characters. A server may take or refuse them (sections 1.5.3 and 1.5.4);
/// U+0000 is always refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ControlCharacters {
    /// The packet is malformed.
    #[default]
    Refuse,
    /// They pass.
    Accept,
}

/// Longest text field in bytes (its length has 16 bits).
const MAX_TEXT: usize = 0xFFFF;
const SHARE: &str = "$share/";

const HAS_NUL: u8 = 1;
const HAS_CONTROL: u8 = 2;
const HAS_WILDCARD: u8 = 4;
/// Bytes of characters above U+007F: look at the characters.
const HAS_WIDE: u8 = 8;

/// What kinds of bytes there are, in one pass without a branch.
fn classes(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |seen, &byte| {
        seen | u8::from(byte == 0) * HAS_NUL
            | (u8::from(byte < 0x20) | u8::from(byte == 0x7F)) * HAS_CONTROL
            | (u8::from(byte == b'+') | u8::from(byte == b'#')) * HAS_WILDCARD
            | (byte >> 7) * HAS_WIDE
    })
}

fn check_classes(
    classes: u8,
    text: &str,
    controls: ControlCharacters,
) -> Result<(), &'static Rule> {
    if classes & HAS_NUL != 0 {
        return Err(&rule::NUL);
    }
    if controls == ControlCharacters::Accept {
        return Ok(());
    }
    if classes & HAS_CONTROL != 0 || (classes & HAS_WIDE != 0 && text.chars().any(is_unwanted)) {
        return Err(&rule::CONTROL_CHARACTER);
    }
    Ok(())
}

/// Control characters above U+007F, and non-characters.
fn is_unwanted(character: char) -> bool {
    let code = u32::from(character);
    matches!(code, 0x80..=0x9F | 0xFDD0..=0xFDEF) || code & 0xFFFE == 0xFFFE
}

/// Checks any text field.
pub(super) fn check(bytes: &[u8], controls: ControlCharacters) -> Result<&str, &'static Rule> {
    let text = std::str::from_utf8(bytes).map_err(|_| &rule::NOT_UTF8)?;
    check_classes(classes(bytes), text, controls)?;
    Ok(text)
}

/// Checks the topic name of a PUBLISH or a will; it may be empty, which is the caller's to judge.
pub(super) fn check_topic(text: &str, controls: ControlCharacters) -> Result<(), &'static Rule> {
    let classes = classes(text.as_bytes());
    if classes == 0 {
        return Ok(());
    }
    check_classes(classes, text, controls)?;
    if classes & HAS_WILDCARD == 0 { Ok(()) } else { Err(&rule::TOPIC_WILDCARD) }
}

/// True for a topic name that a message may be published to: not empty, at most 65535 bytes,
/// no U+0000, `+` or `#` (MQTT 5.0, section 4.7: MQTT-4.7.0-1, MQTT-4.7.3-1 to -3).
pub fn topic_name_is_valid(topic: &str) -> bool {
    !topic.is_empty()
        && topic.len() <= MAX_TEXT
        && classes(topic.as_bytes()) & (HAS_NUL | HAS_WILDCARD) == 0
}

/// True for a topic filter: not empty, at most 65535 bytes, no U+0000, `#` only as the whole last
/// level, `+` only as a whole level (MQTT 5.0, MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.7.3-1 to -3).
///
/// `$share/...` is judged as a plain filter; see [`shared_filter`].
pub fn filter_is_valid(filter: &str) -> bool {
    filter.len() <= MAX_TEXT
        && classes(filter.as_bytes()) & HAS_NUL == 0
        && check_plain_filter(filter).is_ok()
}

fn check_plain_filter(filter: &str) -> Result<(), &'static Rule> {
    if filter.is_empty() {
        return Err(&rule::FILTER_EMPTY);
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err(&rule::FILTER_MULTI_LEVEL);
        }
        if level.contains('+') && level != "+" {
            return Err(&rule::FILTER_SINGLE_LEVEL);
        }
    }
    Ok(())
}

/// Share name and filter of `$share/name/filter`; `None` when it is no such filter, or not a
/// well-formed one (MQTT 5.0, section 4.8.2).
pub fn shared_filter(filter: &str) -> Option<(&str, &str)> {
    if filter_is_valid(filter) { split_share(filter).ok().flatten() } else { None }
}

fn split_share(filter: &str) -> Result<Option<(&str, &str)>, &'static Rule> {
    let Some(shared) = filter.strip_prefix(SHARE) else { return Ok(None) };
    let (name, filter) = shared.split_once('/').ok_or(&rule::SHARE_FORM)?;
    if name.is_empty() {
        return Err(&rule::SHARE_NAME);
    }
    if name.contains(['+', '#']) || filter.is_empty() {
        return Err(&rule::SHARE_FORM);
    }
    Ok(Some((name, filter)))
}

/// Checks a filter of SUBSCRIBE or UNSUBSCRIBE; true when it is a shared one. 3.1.1 knows no
/// shared subscriptions: there `$share/...` is a filter like any other.
pub(super) fn check_filter(filter: &str, version: Version) -> Result<bool, &'static Rule> {
    check_plain_filter(filter)?;
    match version {
        Version::V311 => Ok(false),
        Version::V5 => Ok(split_share(filter)?.is_some()),
    }
}
