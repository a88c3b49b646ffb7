//! Tokens to tree, by recursive descent. Each token is looked at once.

mod expression;
mod from;
mod operand;
mod path;
mod statement;

use super::ast::Statement;
use super::error::{Fault, SqlError};
use super::lexer::Lexer;
use super::place::Place;
use super::token::{Keyword, Lexeme, Symbol, Token};

/// The longest statement, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// Parentheses, calls, arrays, `CASE`s, indexes, signs and `NOT`s within each other.
pub const MAX_NESTING: usize = 64;

/// Operators with two sides in one expression, nested ones too: a chain of them is as deep a tree
/// as it is long.
pub const MAX_OPERATORS: usize = 256;

/// Longest word that is compared with keywords and function names: a longer one is no slip of the
/// pen, and comparing it would take long.
const LONGEST_SLIP: usize = 64;

pub(super) fn parse(text: &str) -> Result<Statement, SqlError> {
    if text.len() > MAX_TEXT {
        let place = Place {
            start: MAX_TEXT,
            end: MAX_TEXT + 1,
        };
        return Err(SqlError::new(text, place, Fault::TooLong(text.len())));
    }
    Parser::new(text)?.statement()
}

/// A place between two tokens.
struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The token behind the place.
    current: Lexeme,
    /// Where the token before it is written.
    previous: Place,
    nesting: usize,
    operators: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, SqlError> {
        let mut lexer = Lexer::new(text);
        Ok(Self {
            current: lexer.next()?,
            lexer,
            previous: Place::default(),
            nesting: 0,
            operators: 0,
        })
    }

    /// Passes the current token.
    fn advance(&mut self) -> Result<Lexeme, SqlError> {
        let next = self.lexer.next()?;
        self.previous = self.current.place;
        Ok(std::mem::replace(&mut self.current, next))
    }

    fn at(&self, symbol: Symbol) -> bool {
        self.current.token == Token::Symbol(symbol)
    }

    fn at_keyword(&self, keyword: Keyword) -> bool {
        self.current.token == Token::Keyword(keyword)
    }

    /// Passes the current token if it is this one.
    fn take(&mut self, symbol: Symbol) -> Result<bool, SqlError> {
        let there = self.at(symbol);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    /// Passes the current token if it is this one.
    fn take_keyword(&mut self, keyword: Keyword) -> Result<bool, SqlError> {
        let there = self.at_keyword(keyword);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    /// Passes this token; `expected` says what could stand here, for the error.
    fn need(&mut self, symbol: Symbol, expected: &str) -> Result<(), SqlError> {
        if self.take(symbol)? {
            return Ok(());
        }
        Err(self.unexpected(expected))
    }

    /// Passes this token; `expected` says what could stand here, for the error.
    fn need_keyword(&mut self, keyword: Keyword, expected: &str) -> Result<(), SqlError> {
        if self.take_keyword(keyword)? {
            return Ok(());
        }
        Err(self.unexpected(expected))
    }

    /// Reads something that is within something else.
    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        if self.nesting == MAX_NESTING {
            return Err(self.error(self.current.place, Fault::Nesting));
        }
        self.nesting += 1;
        let read = read(self)?;
        self.nesting -= 1;
        Ok(read)
    }

    /// From the first byte of something to the last one that was read.
    fn since(&self, start: usize) -> Place {
        Place {
            start,
            end: self.previous.end,
        }
    }

    fn error(&self, place: Place, fault: Fault) -> SqlError {
        SqlError::new(self.lexer.text(), place, fault)
    }

    /// The current token does not belong here.
    fn unexpected(&self, expected: &str) -> SqlError {
        let fault = Fault::Unexpected {
            expected: expected.to_owned(),
            found: self.current.token.to_string(),
        };
        let error = self.error(self.current.place, fault);
        match self.slip(expected) {
            Some(keyword) => error.hinted(format!("did you mean {}?", keyword.text())),
            None => error,
        }
    }

    /// An expected keyword that somebody has misspelt here, or just before: there it was read as a
    /// name.
    fn slip(&self, expected: &str) -> Option<Keyword> {
        let words = [self.current.place, self.previous].map(|place| self.lexer.written(place));
        let words = words
            .into_iter()
            .filter(|word| word.len() <= LONGEST_SLIP && Keyword::find(word).is_none());
        words
            .flat_map(|word| Keyword::ALL.map(|keyword| (word.to_ascii_uppercase(), keyword)))
            .find(|(word, keyword)| {
                let text = keyword.text();
                text.len() > 2 && expected.contains(text) && strsim::osa_distance(word, text) == 1
            })
            .map(|(_, keyword)| keyword)
    }
}
