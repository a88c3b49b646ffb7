//! Reads the text into a tree.

use std::sync::Arc;

use super::super::error::{ImportError, Place};
use super::super::input::Input;
use super::{Node, Value};

/// How deep lists and objects may be nested; EMQX's own go to eight.
const DEEPEST: usize = 64;

/// Reads a text from its beginning on.
#[derive(Debug)]
pub(crate) struct Reader<'t> {
    file: Arc<str>,
    pub(super) rest: &'t str,
    line: usize,
    column: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Reads a whole file.
    pub(crate) fn read(input: &Input) -> Result<Node, ImportError> {
        let start = Place {
            file: Arc::clone(&input.name),
            line: 1,
            column: 1,
        };
        Reader::part(&input.text, &start)
    }

    /// Reads a part of a file that begins at a place: one value, and nothing but comments behind it.
    pub(crate) fn part(text: &'t str, start: &Place) -> Result<Node, ImportError> {
        let mut reader = Self {
            file: Arc::clone(&start.file),
            rest: text,
            line: start.line,
            column: start.column,
            depth: 0,
        };
        reader.skip(true);
        let node = match reader.peek() {
            Some('{' | '[') => reader.value()?,
            _ => reader.body(None)?,
        };
        reader.skip(true);
        match reader.peek() {
            None => Ok(node),
            Some(_) => Err(reader.unexpected("the end of the text")),
        }
    }

    /// The members of an object up to `end`, which stays where it is.
    fn body(&mut self, end: Option<char>) -> Result<Node, ImportError> {
        let place = self.place();
        let mut members = Vec::new();
        loop {
            self.skip(true);
            while self.peek() == Some(',') {
                self.advance();
                self.skip(true);
            }
            if self.peek() == end {
                let value = Value::Object(members);
                return Ok(Node { value, place });
            }
            let (path, at) = self.key()?;
            self.skip(false);
            match self.peek() {
                Some('{') => {}
                Some('=' | ':') => self.advance(),
                _ => return Err(self.unexpected("`=`, `:` or `{` after a key")),
            }
            self.skip(true);
            let node = self.value()?;
            insert(&mut members, &path, node, &at);
            self.skip(false);
            if !matches!(self.peek(), Some(',' | '\n')) && self.peek() != end {
                return Err(self.unexpected("a comma, the end of the line or `}`"));
            }
        }
    }

    /// A key: a path of words with dots, of which quoted ones are taken as they are.
    fn key(&mut self) -> Result<(Vec<String>, Place), ImportError> {
        let place = self.place();
        let mut path = Vec::new();
        loop {
            let quoted = self.peek() == Some('"');
            let part = if quoted {
                self.quoted()?
            } else {
                let stops = |c: char| c.is_whitespace() || ".=:{}[],\"#$".contains(c);
                self.take_until(stops).to_owned()
            };
            if part.is_empty() && !quoted {
                return Err(self.unexpected("a key"));
            }
            path.push(part);
            if path.len() > DEEPEST {
                let problem = format!("a key has more than {DEEPEST} parts");
                return Err(ImportError::meaning(&place, problem));
            }
            if self.peek() != Some('.') {
                break;
            }
            self.advance();
        }
        if path == ["include"] {
            let problem = "include is not followed; import what `emqx ctl conf show` prints";
            return Err(ImportError::meaning(&place, problem));
        }
        Ok((path, place))
    }

    fn value(&mut self) -> Result<Node, ImportError> {
        let place = self.place();
        let value = match self.peek() {
            Some('{') => self.nested(|reader| {
                let value = reader.body(Some('}'))?.value;
                reader.advance();
                Ok(value)
            })?,
            Some('[') => self.nested(Self::list)?,
            _ => self.scalar()?,
        };
        Ok(Node { value, place })
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, ImportError>,
    ) -> Result<Value, ImportError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let problem = format!("nested more than {DEEPEST} deep");
            return Err(ImportError::meaning(&self.place(), problem));
        }
        self.advance();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, ImportError> {
        let mut items = Vec::new();
        loop {
            self.skip(true);
            if self.peek() == Some(']') {
                self.advance();
                return Ok(Value::List(items));
            }
            items.push(self.value()?);
            self.skip(false);
            let line_ends = self.peek() == Some('\n');
            self.skip(true);
            match self.peek() {
                Some(',') => self.advance(),
                Some(']') => {}
                Some(_) if line_ends => {}
                _ => return Err(self.unexpected("a comma or `]`")),
            }
        }
    }

    /// Passes blanks and comments, and line ends if asked to.
    pub(super) fn skip(&mut self, lines: bool) {
        while let Some(next) = self.peek() {
            if next == '#' || self.rest.starts_with("//") {
                self.take_until(|c| c == '\n');
            } else if next.is_whitespace() && (lines || next != '\n') {
                self.advance();
            } else {
                return;
            }
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Passes one character.
    pub(super) fn advance(&mut self) {
        let mut characters = self.rest.chars();
        match characters.next() {
            Some('\n') => {
                self.line += 1;
                self.column = 1;
            }
            Some(_) => self.column += 1,
            None => {}
        }
        self.rest = characters.as_str();
    }

    /// Takes everything up to a character that stops.
    pub(super) fn take_until(&mut self, stops: impl Fn(char) -> bool) -> &'t str {
        let text = self.rest;
        let length = text.find(stops).unwrap_or(text.len());
        self.take(length)
    }

    /// Takes so many bytes; all that are left if the number is none of a character's border.
    pub(super) fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        for _ in taken.chars() {
            self.advance();
        }
        self.rest = rest;
        taken
    }

    pub(super) fn place(&self) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: self.line,
            column: self.column,
        }
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> ImportError {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some('\n') => "the end of the line".to_owned(),
            Some(character) => format!("`{}`", character.escape_debug()),
        };
        ImportError::Syntax {
            place: self.place(),
            expected,
            found,
        }
    }
}

/// Puts a value under a path of keys. Of two values the later counts; of two objects, both.
fn insert(members: &mut Vec<(String, Node)>, path: &[String], node: Node, at: &Place) {
    let Some((key, deeper)) = path.split_first() else {
        return;
    };
    let known = members.iter_mut().find(|(name, _)| name == key);
    if !deeper.is_empty() {
        let object = || Node {
            value: Value::Object(Vec::new()),
            place: at.clone(),
        };
        let inner = match known {
            Some((_, inner)) => inner,
            None => &mut members.push_mut((key.clone(), object())).1,
        };
        if !matches!(inner.value, Value::Object(_)) {
            *inner = object();
        }
        if let Value::Object(members) = &mut inner.value {
            insert(members, deeper, node, at);
        }
        return;
    }
    match known {
        Some((_, inner)) => merge(inner, node),
        None => members.push((key.clone(), node)),
    }
}

fn merge(known: &mut Node, node: Node) {
    match (&mut known.value, node) {
        (
            Value::Object(members),
            Node {
                value: Value::Object(later),
                ..
            },
        ) => {
            for (key, node) in later {
                let place = node.place.clone();
                insert(members, &[key], node, &place);
            }
        }
        (_, node) => *known = node,
    }
}
