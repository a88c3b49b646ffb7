//! Paths: `payload.x[1].'a b'[2..-1]`.

use bytestring::ByteString;

use super::Parser;
use crate::sql::ast::{Index, Path, Step};
use crate::sql::error::{Fault, SqlError};
use crate::sql::token::{Symbol, Token};

/// What a path is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It gives a value.
    Value,
    /// A value is put there.
    Alias,
    /// It gives an index.
    Index,
}

/// What is between `[` and `]`.
enum Bracket {
    One(Index),
    Range(i64, i64),
}

impl Parser<'_> {
    /// Behind `AS`, or where it could stand.
    pub(super) fn alias(&mut self) -> Result<Path, SqlError> {
        self.path(Purpose::Alias, "a name")
    }

    /// The path of an expression whose first key has been read.
    pub(super) fn path_from(&mut self, first: ByteString) -> Result<Path, SqlError> {
        self.steps(first, Purpose::Value)
    }

    fn path(&mut self, purpose: Purpose, expected: &str) -> Result<Path, SqlError> {
        let (Token::Word(first) | Token::Name(first)) = &self.current.token else {
            return Err(self.unexpected(expected));
        };
        let first = first.clone();
        self.advance()?;
        self.steps(first, purpose)
    }

    fn steps(&mut self, first: ByteString, purpose: Purpose) -> Result<Path, SqlError> {
        let mut steps = vec![Step::Key(first)];
        loop {
            if self.take(Symbol::Dot)? {
                steps.push(Step::Key(self.key()?));
            } else if self.at(Symbol::OpenIndex) {
                match self.nested(|parser| parser.bracket(purpose))? {
                    Bracket::One(index) => steps.push(Step::Index(index)),
                    Bracket::Range(from, to) => {
                        steps.push(Step::Range(from, to));
                        self.no_step()?;
                        return Ok(Path(steps));
                    }
                }
            } else {
                return Ok(Path(steps));
            }
        }
    }

    /// Behind a dot: quoted or not, and a number or a keyword too, because nothing else can be here.
    fn key(&mut self) -> Result<ByteString, SqlError> {
        let key = match &self.current.token {
            Token::Word(key) | Token::Name(key) | Token::Text(key) => key.clone(),
            Token::Keyword(_) | Token::Int(_) => self.lexer.written(self.current.place).into(),
            _ => return Err(self.unexpected("a key")),
        };
        self.advance()?;
        Ok(key)
    }

    fn bracket(&mut self, purpose: Purpose) -> Result<Bracket, SqlError> {
        self.advance()?;
        if matches!(self.current.token, Token::Word(_) | Token::Name(_)) {
            let index = self.path(Purpose::Index, "an index")?;
            self.need(Symbol::CloseIndex, "`]`")?;
            return Ok(Bracket::One(Index::Path(index)));
        }
        let negative = self.at(Symbol::Minus);
        let number = self.signed_int("an index")?;
        if self.at(Symbol::Dots) && purpose != Purpose::Value {
            let hint = "a range is only for reading, at the end of a path";
            return Err(self.unexpected("`]`").hinted(hint.to_owned()));
        }
        if self.take(Symbol::Dots)? {
            let last = self.signed_int("the end of the range")?;
            self.need(Symbol::CloseIndex, "`]`")?;
            return Ok(Bracket::Range(number, last));
        }
        self.need(Symbol::CloseIndex, "`]` or `..`")?;
        Ok(Bracket::One(match (number, negative) {
            (0, false) => Index::Start,
            (0, true) => Index::End,
            (number, _) => Index::Number(number),
        }))
    }

    /// An integer of 64 bits with or without a sign.
    pub(super) fn signed_int(&mut self, expected: &str) -> Result<i64, SqlError> {
        let start = self.current.place.start;
        let negative = self.take(Symbol::Minus)?;
        if !negative {
            self.take(Symbol::Plus)?;
        }
        let Token::Int(number) = self.current.token else {
            return Err(self.unexpected(expected));
        };
        self.advance()?;
        // The lexer gives no negative number, so that this does not overflow.
        let number = if negative { -number } else { number };
        i64::try_from(number).map_err(|_| self.error(self.since(start), Fault::IndexTooLarge))
    }

    /// A range gives several values, so that nothing can go on from there.
    fn no_step(&self) -> Result<(), SqlError> {
        if !self.at(Symbol::Dot) && !self.at(Symbol::OpenIndex) {
            return Ok(());
        }
        let error = self.unexpected("the end of the path");
        Err(error.hinted("a range is the last step of a path".to_owned()))
    }
}
