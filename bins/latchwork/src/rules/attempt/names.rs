//! The fields that a statement reads, and those that there are none of.

use std::collections::BTreeSet;

use ::rules::sql::ast::{Expression, Field, Index, Node, Path, Selection, Statement, Step};
use ::rules::value::Map;

/// A field that a statement reads: the first key of a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Name<'s> {
    /// The key.
    pub(super) name: &'s str,
    /// It stands in double quotes where a text may have been meant.
    pub(super) is_quoted: bool,
}

/// Names in a statement.
#[derive(Debug, Default)]
pub(super) struct Names<'s> {
    sql: &'s str,
    /// What it reads.
    pub(super) read: BTreeSet<Name<'s>>,
    /// Functions that it calls: those of a field's name read the field.
    pub(super) called: BTreeSet<&'static str>,
    /// What it gives names to.
    given: BTreeSet<&'s str>,
    /// It selects all fields.
    pub(super) all: bool,
}

impl<'s> Names<'s> {
    /// The names of a statement, which was read from `sql`.
    pub(super) fn of(statement: &'s Statement, sql: &'s str) -> Self {
        let mut names = Self {
            sql,
            ..Self::default()
        };
        match &statement.selection {
            Selection::Select(fields) => names.fields(fields),
            Selection::Foreach {
                list,
                each,
                condition,
            } => {
                names.given.insert("item");
                names.fields(list);
                names.fields(each);
                names.all |= each.is_empty();
                names.expressions(condition);
            }
        }
        names.expressions(&statement.condition);
        names
    }

    /// What is read, and is neither a field of the event nor a name that the statement gives.
    pub(super) fn undefined(&self, event: &Map) -> impl Iterator<Item = Name<'s>> {
        let read = self.read.iter().copied();
        read.filter(|read| !self.given.contains(read.name) && !has(event, read.name))
    }

    fn fields(&mut self, fields: &'s [Field]) {
        for field in fields {
            match field {
                Field::All => self.all = true,
                Field::One { expression, alias } => {
                    self.expression(expression);
                    let alias = alias.as_ref().and_then(root);
                    self.given.extend(alias);
                }
            }
        }
    }

    fn expression(&mut self, expression: &'s Expression) {
        match &expression.node {
            Node::Path(path) => {
                let written = self.sql.get(expression.place.start..).unwrap_or_default();
                self.path(path, written.starts_with('"'));
            }
            Node::Array(members) => self.expressions(members),
            Node::Unary(_, operand) => self.expression(operand),
            Node::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Node::In {
                needle, members, ..
            } => {
                self.expression(needle);
                self.expressions(members);
            }
            Node::Case {
                subject,
                branches,
                otherwise,
            } => {
                self.expressions(subject.as_deref());
                for (when, then) in branches {
                    self.expression(when);
                    self.expression(then);
                }
                self.expressions(otherwise.as_deref());
            }
            Node::Call {
                function,
                arguments,
            } => {
                self.called.insert(function.name);
                self.expressions(arguments);
            }
            Node::Int(_) | Node::Float(_) | Node::Text(_) | Node::Bool(_) | Node::Range(..) => {}
        }
    }

    fn expressions(&mut self, expressions: impl IntoIterator<Item = &'s Expression>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn path(&mut self, path: &'s Path, is_quoted: bool) {
        let name = root(path);
        self.read.extend(name.map(|name| Name { name, is_quoted }));
        for step in &path.0 {
            if let Step::Index(Index::Path(path)) = step {
                self.path(path, false);
            }
        }
    }
}

/// Whether the event has the field, in either spelling.
pub(super) fn has(event: &Map, name: &str) -> bool {
    let other = match name {
        "client_id" => "clientid",
        "clientid" => "client_id",
        name => name,
    };
    event.contains_key(name) || event.contains_key(other)
}

fn root(path: &Path) -> Option<&str> {
    match path.0.first() {
        Some(Step::Key(name)) => Some(name),
        _ => None,
    }
}
