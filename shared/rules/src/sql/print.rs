//! Tree to text: canonical SQL with the fewest parentheses, which reads back as the same tree.
//!
//! Trees that no text gives (a negative [`Node::Int`], a float that is not finite, an empty list)
//! are printed as well as can be.

use std::fmt::{self, Display as _};

use super::ast::{
    BinaryOperator, Expression, Field, Index, Node, Path, Selection, Statement, Step, UnaryOperator,
};
use super::lexer::is_plain;
use super::operator::Level;

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} FROM ", self.selection)?;
        for (index, source) in self.from.iter().enumerate() {
            f.write_str(separator(index))?;
            Quoted('"', source).fmt(f)?;
        }
        match &self.condition {
            Some(condition) => write!(f, " WHERE {condition}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(fields) => write!(f, "SELECT {}", List(fields)),
            Self::Foreach {
                list,
                each,
                condition,
            } => {
                write!(f, "FOREACH {}", List(list))?;
                if !each.is_empty() {
                    write!(f, " DO {}", List(each))?;
                }
                match condition {
                    Some(condition) => write!(f, " INCASE {condition}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::One {
                expression,
                alias: Some(alias),
            } => write!(f, "{expression} AS {alias}"),
            Self::One {
                expression,
                alias: None,
            } => expression.fmt(f),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            // Debug, because it always has a fraction or an exponent and reads back the same.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => Quoted('\'', text).fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Array(members) => write!(f, "[{}]", List(members)),
            Self::Range(from, to) => write!(f, "[{from}..{to}]"),
            Self::Unary(operator, operand) => print_unary(f, *operator, operand),
            Self::Binary(operator, left, right) => print_binary(f, *operator, left, right),
            Self::In {
                needle,
                members,
                negated,
            } => {
                within(f, Level::Comparison.tighter(), needle)?;
                let operator = if *negated { "NOT IN" } else { "IN" };
                write!(f, " {operator} ({})", List(members))
            }
            Self::Case {
                subject,
                branches,
                otherwise,
            } => print_case(f, subject.as_deref(), branches, otherwise.as_deref()),
            Self::Call {
                function,
                arguments,
            } => write!(f, "{}({})", function.name, List(arguments)),
        }
    }
}

fn print_unary(
    f: &mut fmt::Formatter<'_>,
    operator: UnaryOperator,
    operand: &Expression,
) -> fmt::Result {
    f.write_str(operator.text())?;
    // `--` would begin a comment.
    if operator.level() == Level::Not || matches!(operand.node, Node::Unary(..)) {
        f.write_str(" ")?;
    }
    within(f, operator.level(), operand)
}

fn print_binary(
    f: &mut fmt::Formatter<'_>,
    operator: BinaryOperator,
    left: &Expression,
    right: &Expression,
) -> fmt::Result {
    let level = operator.level();
    // The others group from the left, comparisons not at all.
    let chains = level != Level::Comparison;
    within(f, if chains { level } else { level.tighter() }, left)?;
    write!(f, " {} ", operator.symbol())?;
    within(f, level.tighter(), right)
}

fn print_case(
    f: &mut fmt::Formatter<'_>,
    subject: Option<&Expression>,
    branches: &[(Expression, Expression)],
    otherwise: Option<&Expression>,
) -> fmt::Result {
    f.write_str("CASE")?;
    if let Some(subject) = subject {
        write!(f, " {subject}")?;
    }
    for (when, then) in branches {
        write!(f, " WHEN {when} THEN {then}")?;
    }
    if let Some(otherwise) = otherwise {
        write!(f, " ELSE {otherwise}")?;
    }
    f.write_str(" END")
}

/// Prints an operand, in parentheses when it binds less than it must.
fn within(f: &mut fmt::Formatter<'_>, least: Level, operand: &Expression) -> fmt::Result {
    if level(&operand.node) < least {
        write!(f, "({operand})")
    } else {
        operand.fmt(f)
    }
}

fn level(node: &Node) -> Level {
    match node {
        Node::Unary(operator, _) => operator.level(),
        Node::Binary(operator, ..) => operator.level(),
        Node::In { .. } => Level::Comparison,
        Node::Int(number) if *number < 0 => Level::Sign,
        Node::Float(number) if number.is_sign_negative() => Level::Sign,
        _ => Level::Single,
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => name(f, '"', key)?,
                Step::Key(key) => {
                    f.write_str(".")?;
                    name(f, '\'', key)?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Range(from, to) => write!(f, "[{from}..{to}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Start => f.write_str("0"),
            Self::End => f.write_str("-0"),
            Self::Path(path) => path.fmt(f),
        }
    }
}

/// Quotes a name when it needs it.
fn name(f: &mut fmt::Formatter<'_>, quote: char, name: &str) -> fmt::Result {
    if is_plain(name) {
        f.write_str(name)
    } else {
        Quoted(quote, name).fmt(f)
    }
}

/// A text in quotes; those in it are doubled.
struct Quoted<'t>(char, &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(quote, text) = *self;
        write!(f, "{quote}")?;
        for (index, part) in text.split(quote).enumerate() {
            if index > 0 {
                write!(f, "{quote}{quote}")?;
            }
            f.write_str(part)?;
        }
        write!(f, "{quote}")
    }
}

/// Members between commas.
struct List<'t, T>(&'t [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, member) in self.0.iter().enumerate() {
            f.write_str(separator(index))?;
            member.fmt(f)?;
        }
        Ok(())
    }
}

fn separator(index: usize) -> &'static str {
    if index == 0 { "" } else { ", " }
}
