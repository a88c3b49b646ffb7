//! Texts, numbers and words.

use super::super::error::ImportError;
use super::Value;
use super::reader::Reader;

const TRIPLE: &str = "\"\"\"";

impl Reader<'_> {
    /// A value that is no list and no object: several pieces on a line are one text.
    pub(super) fn scalar(&mut self) -> Result<Value, ImportError> {
        let mut text = String::new();
        let mut pieces = 0;
        let mut quoted = false;
        loop {
            let blanks = self.take_until(|c| c == '\n' || !c.is_whitespace());
            let comment = self.rest.starts_with("//") && (pieces == 0 || !blanks.is_empty());
            let piece = match self.peek() {
                None | Some('\n' | ',' | '}' | ']' | '#') => break,
                Some(_) if comment => break,
                Some('"') => {
                    quoted = true;
                    self.quoted()?
                }
                Some('$') => {
                    let problem = "a text with `$` must be quoted; substitutions are not followed: import what `emqx ctl conf show` prints";
                    return Err(ImportError::meaning(&self.place(), problem));
                }
                Some('{' | '[' | '=' | ':') => {
                    return Err(self.unexpected("a comma, the end of the line or `}`"));
                }
                Some(_) => self.bare(),
            };
            if pieces > 0 {
                text.push_str(blanks);
            }
            text.push_str(&piece);
            pieces += 1;
        }
        match pieces {
            0 => Err(self.unexpected("a value")),
            1 if !quoted => Ok(word(text)),
            _ => Ok(Value::Text(text)),
        }
    }

    /// An unquoted piece: up to a blank or a sign that has a meaning. Colons and slashes in the
    /// midst belong to it, as in `127.0.0.1:9092`.
    fn bare(&mut self) -> String {
        let stops = |c: char| c.is_whitespace() || ",{}[]\"#=$".contains(c);
        self.take_until(stops).to_owned()
    }

    /// A quoted text.
    pub(super) fn quoted(&mut self) -> Result<String, ImportError> {
        if self.rest.starts_with(TRIPLE) {
            return self.triple();
        }
        self.advance();
        let mut text = String::new();
        loop {
            text.push_str(self.take_until(|c| matches!(c, '"' | '\\' | '\n')));
            match self.peek() {
                Some('"') => {
                    self.advance();
                    return Ok(text);
                }
                Some('\\') => {
                    self.advance();
                    text.push(self.escape()?);
                }
                _ => return Err(self.unexpected("`\"` at the end of a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ImportError> {
        let character = match self.peek() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(),
            _ => return Err(self.unexpected("one of `\"\\/bfnrtu` after a backslash")),
        };
        self.advance();
        Ok(character)
    }

    /// `uXXXX`, of which two make a character beyond 16 bits.
    fn unicode(&mut self) -> Result<char, ImportError> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) || !self.rest.starts_with("\\u") {
            return Ok(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.advance();
        let second = self.unit()?;
        let mut pair = char::decode_utf16([first, second]);
        Ok(pair
            .next()
            .and_then(Result::ok)
            .unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Result<u16, ImportError> {
        self.advance();
        let digits = self
            .rest
            .get(..4)
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
        self.take(4);
        Ok(unit)
    }

    /// `"""..."""`, taken as it is; with `~` behind the opening quotes, without its indentation.
    fn triple(&mut self) -> Result<String, ImportError> {
        let start = self.place();
        self.take(TRIPLE.len());
        let Some(end) = self.rest.find(TRIPLE) else {
            return Err(ImportError::meaning(&start, "this text has no end"));
        };
        // Of more than three quotes the last three end the text.
        let more = self.rest.get(end..).unwrap_or_default();
        let quotes = more.len() - more.trim_start_matches('"').len();
        let text = self.take(end + quotes - TRIPLE.len());
        self.take(TRIPLE.len());
        let block = text
            .strip_prefix("~\n")
            .or_else(|| text.strip_prefix("~\r\n"));
        Ok(block.map_or_else(|| text.to_owned(), unindented))
    }
}

/// The lines of a block without the blanks that all of them begin with, and without the `~` that
/// may end it.
fn unindented(block: &str) -> String {
    let block = block.strip_suffix('~').unwrap_or(block);
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let filled = block.lines().filter(|line| !line.trim().is_empty());
    let common = filled.map(indent).min().unwrap_or(0);
    let lines: Vec<&str> = block
        .lines()
        .map(|line| line.get(common..).unwrap_or_default())
        .collect();
    lines.join("\n")
}

/// What an unquoted word is.
fn word(text: String) -> Value {
    match text.as_str() {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if is_number(&text) => Value::Number(text),
        _ => Value::Text(text),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok()
}
