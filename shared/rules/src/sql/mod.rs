//! The statements: text to tree and back.

pub mod ast;
mod caret;
mod error;
mod events;
mod lexer;
mod operator;
mod parser;
mod place;
mod print;
#[cfg(test)]
pub(crate) mod tests;
mod token;

use std::str::FromStr;

pub use caret::{point_at, position};
pub use error::{Fault, SqlError};
pub use events::RuleEvent;
pub use parser::{MAX_NESTING, MAX_OPERATORS, MAX_TEXT};
pub use place::Place;

use ast::Statement;

/// Reads a statement. Functions are looked up, numbers of arguments, topic filters and names of
/// events are checked; regular expressions and values are not.
///
/// Time is linear in the text, and the tree is never deeper than [`MAX_NESTING`] and
/// [`MAX_OPERATORS`] together, so that it can be walked recursively.
pub fn parse(text: &str) -> Result<Statement, SqlError> {
    parser::parse(text)
}

impl FromStr for Statement {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
    }
}
