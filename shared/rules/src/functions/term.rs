//! Values as Erlang writes terms: what `sprintf` prints for `~p` and `~w`.

use super::Failure;
use super::output::Output;
use crate::value::Value;

/// How texts are written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    /// `<<97,98>>`.
    Raw,
    /// `<<"ab">>`; numbers where that is not printable ASCII.
    Ascii,
    /// `<<"ab">>`, `<<"门"/utf8>>`; numbers where that is not printable.
    Unicode,
}

/// Appends a value. Arrays of numbers are always arrays, never texts.
pub(super) fn write(out: &mut Output<'_>, value: &Value, style: Style) -> Result<(), Failure> {
    match value {
        Value::Text(text) => bytes(out, text, style),
        Value::Float(value) => out.push(float(*value).as_bytes()),
        Value::Array(members) => {
            out.push(b"[")?;
            for (number, member) in members.iter().enumerate() {
                if number > 0 {
                    out.push(b",")?;
                }
                write(out, member, style)?;
            }
            out.push(b"]")
        }
        Value::Map(map) => {
            out.push(b"#{")?;
            for (number, (key, value)) in map.iter().enumerate() {
                if number > 0 {
                    out.push(b",")?;
                }
                bytes(out, key.as_bytes(), style)?;
                out.push(b" => ")?;
                write(out, value, style)?;
            }
            out.push(b"}")
        }
        _ => out.text_of(value),
    }
}

/// From here on not every integer is a float: these are always written with an exponent.
const SPARSE: f64 = 9_007_199_254_740_992.0;

/// The shortest digits that read back, always with a point; with an exponent where that is shorter, as
/// `1.0e3`.
fn float(value: f64) -> String {
    let mut plain = value.to_string();
    if !plain.contains('.') {
        plain.push_str(".0");
    }
    let mut short = format!("{value:e}");
    if !short.contains('.') {
        short = short.replacen('e', ".0e", 1);
    }
    if value.abs() < SPARSE && plain.len() <= short.len() {
        plain
    } else {
        short
    }
}

fn bytes(out: &mut Output<'_>, bytes: &[u8], style: Style) -> Result<(), Failure> {
    let text = std::str::from_utf8(bytes).ok();
    let text = text.filter(|text| {
        !text.is_empty()
            && style != Style::Raw
            && (style == Style::Unicode || text.is_ascii())
            && !text
                .chars()
                .any(|character| character.is_control() && escape(character).is_none())
    });
    out.push(b"<<")?;
    match text {
        Some(text) => {
            out.push(b"\"")?;
            for character in text.chars() {
                match escape(character) {
                    Some(escape) => out.push(&[b'\\', escape])?,
                    None => out.push(character.encode_utf8(&mut [0; 4]).as_bytes())?,
                }
            }
            out.push(b"\"")?;
            out.push(if text.is_ascii() { b"" } else { b"/utf8" })?;
        }
        None => {
            for (number, byte) in bytes.iter().enumerate() {
                if number > 0 {
                    out.push(b",")?;
                }
                out.push(byte.to_string().as_bytes())?;
            }
        }
    }
    out.push(b">>")
}

/// The letter behind the backslash.
fn escape(character: char) -> Option<u8> {
    Some(match character {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{b}' => b'v',
        '\u{c}' => b'f',
        '\u{1b}' => b'e',
        _ => return None,
    })
}
