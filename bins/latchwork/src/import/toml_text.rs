//! TOML as a person would write it.

use std::fmt::Write as _;

/// Up to this many columns a table is written in one line.
const WIDTH: usize = 100;

/// A value in the TOML that is written.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum TomlValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Bool(bool),
    /// Texts under keys.
    Texts(Vec<(String, String)>),
}

/// Keys and values in the order in which they are written.
pub(super) type Table = Vec<(&'static str, TomlValue)>;

/// A text in the quotes that need the fewest escapes.
pub(super) fn quoted(text: &str) -> String {
    let control =
        |allowed: &'static str| text.chars().any(|c| c.is_control() && !allowed.contains(c));
    if !control("") && !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    if !control("\t") && !text.contains('\'') {
        return format!("'{text}'");
    }
    if !control("\t\n") && !text.contains("'''") && !text.ends_with('\'') {
        // A line end right behind the quotes is not part of the text.
        let start = if text.contains('\n') { "\n" } else { "" };
        return format!("'''{start}{text}'''");
    }
    escaped(text)
}

/// A statement: blanks around it mean nothing, so that it may stand on lines of its own.
pub(super) fn statement(sql: &str) -> String {
    let sql = sql.replace("\r\n", "\n");
    let sql = sql.trim();
    let block = sql.contains('\n') || sql.ends_with('\'');
    let plain = !sql.chars().any(|c| c.is_control() && !"\t\n".contains(c));
    if block && plain && !sql.contains("'''") {
        return format!("'''\n{sql}\n'''");
    }
    quoted(sql)
}

fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a text never fails.
                write!(out, "\\u{:04X}", u32::from(c)).unwrap_or_default();
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key, quoted only where it must be.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match quoted(name) {
        _ if !name.is_empty() && name.chars().all(bare) => name.to_owned(),
        // A key has no quotes of three.
        text if text.starts_with("'''") => escaped(name),
        text => text,
    }
}

impl TomlValue {
    fn written(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Texts(texts) => {
                let pairs = texts.iter().map(|(name, text)| {
                    let value = quoted(text);
                    // Not every reader of TOML lets an inline table have several lines.
                    let value = if value.contains('\n') {
                        escaped(text)
                    } else {
                        value
                    };
                    format!("{} = {value}", key(name))
                });
                format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// An action: in one line where it fits, else as a table of its own.
pub(super) fn action(kind: &str, table: &Table) -> String {
    let pairs = table
        .iter()
        .map(|(key, value)| format!("{key} = {}", value.written()));
    let pairs: Vec<String> = pairs.collect();
    let inline = format!("{kind} = {{ {} }}", pairs.join(", "));
    if inline.chars().count() <= WIDTH && !inline.contains('\n') {
        return inline;
    }
    format!("[rule.action.{kind}]\n{}", pairs.join("\n"))
}

/// A comment with lines that are not too long; nothing in the text can end it.
pub(super) fn comment(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split(' ') {
            // Two more for the sign and the blank behind it.
            let length = current.chars().count() + word.chars().count() + 3;
            if !current.is_empty() {
                if length > WIDTH {
                    lines.push(std::mem::take(&mut current));
                } else {
                    current.push(' ');
                }
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    behind_signs(&lines.join("\n"))
}

/// Lines behind comment signs; those that have one already are left as they are.
pub(super) fn behind_signs(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line: String = line
            .chars()
            .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
            .collect();
        let line = line.trim_end();
        if line.starts_with('#') {
            line.to_owned()
        } else {
            format!("# {line}").trim_end().to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
