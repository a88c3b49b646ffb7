//! `SELECT` and `FOREACH`.

use super::Parser;
use crate::sql::ast::{Expression, Field, Selection, Statement};
use crate::sql::error::SqlError;
use crate::sql::operator::Level;
use crate::sql::token::{Keyword, Symbol, Token};

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Result<Statement, SqlError> {
        let selection = match self.current.token {
            Token::Keyword(Keyword::Select) => self.select()?,
            Token::Keyword(Keyword::Foreach) => self.foreach()?,
            _ => return Err(self.unexpected("SELECT or FOREACH")),
        };
        let from = self.from()?;
        let mut end = "`,`, WHERE or the end of the statement";
        let mut condition = None;
        if self.take_keyword(Keyword::Where)? {
            condition = Some(self.whole_expression()?);
            end = "an operator or the end of the statement";
        }
        if self.take(Symbol::Semicolon)? {
            end = "the end of the statement";
        }
        if self.current.token != Token::End {
            return Err(self.unexpected(end));
        }
        Ok(Statement {
            selection,
            from,
            condition,
        })
    }

    fn select(&mut self) -> Result<Selection, SqlError> {
        self.advance()?;
        let fields = self.fields(Self::field)?;
        self.need_keyword(Keyword::From, "`,` or FROM")
            .map_err(|error| self.hint_of_field(error))?;
        Ok(Selection::Select(fields))
    }

    fn foreach(&mut self) -> Result<Selection, SqlError> {
        self.advance()?;
        let list = self.fields(Self::value)?;
        let mut end = "`,`, DO, INCASE or FROM";
        let mut each = Vec::new();
        if self.take_keyword(Keyword::Do)? {
            each = self.fields(Self::field)?;
            end = "`,`, INCASE or FROM";
        }
        let mut condition = None;
        if self.take_keyword(Keyword::Incase)? {
            condition = Some(self.whole_expression()?);
            end = "an operator or FROM";
        }
        self.need_keyword(Keyword::From, end)
            .map_err(|error| self.hint_of_field(error))?;
        Ok(Selection::Foreach {
            list,
            each,
            condition,
        })
    }

    fn fields(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Field, SqlError>,
    ) -> Result<Vec<Field>, SqlError> {
        let mut fields = vec![read(self)?];
        while self.take(Symbol::Comma)? {
            fields.push(read(self)?);
        }
        Ok(fields)
    }

    fn field(&mut self) -> Result<Field, SqlError> {
        if self.take(Symbol::Star)? {
            return Ok(Field::All);
        }
        self.value()
    }

    /// A field that is not `*`.
    fn value(&mut self) -> Result<Field, SqlError> {
        let expression = self.whole_expression()?;
        let alias = match self.current.token {
            Token::Keyword(Keyword::As) => {
                self.advance()?;
                Some(self.alias()?)
            }
            Token::Word(_) | Token::Name(_) => Some(self.alias()?),
            _ => None,
        };
        Ok(Field::One { expression, alias })
    }

    /// An expression that is in no other one.
    fn whole_expression(&mut self) -> Result<Expression, SqlError> {
        self.operators = 0;
        self.expression(Level::Or)
    }

    /// Says what people overlook when something follows a field that cannot.
    fn hint_of_field(&self, error: SqlError) -> SqlError {
        let hint = match self.current.token {
            Token::Symbol(Symbol::Dot | Symbol::OpenIndex) => {
                "only a path can go on: name the value with AS, then use the name"
            }
            Token::Symbol(Symbol::Open) => "only a plain name can be called",
            _ => return error,
        };
        error.hinted(hint.to_owned())
    }
}
