//! Operators.

use super::{MAX_OPERATORS, Parser};
use crate::sql::ast::{BinaryOperator, Expression, Node, UnaryOperator};
use crate::sql::error::{Fault, SqlError};
use crate::sql::operator::Level;
use crate::sql::token::{Keyword, Symbol, Token};

impl Parser<'_> {
    /// An expression of operators that bind at least this much.
    pub(super) fn expression(&mut self, least: Level) -> Result<Expression, SqlError> {
        let mut left = self.prefixed(least)?;
        loop {
            if least <= Level::Comparison && self.at_membership() {
                left = self.membership(left)?;
                self.no_comparison()?;
                continue;
            }
            let operator = match self.binary_operator() {
                Some(operator) if operator.level() >= least => operator,
                _ => return Ok(left),
            };
            self.count_operator()?;
            self.advance()?;
            left = self.binary(operator, left)?;
            if operator.level() == Level::Comparison {
                self.no_comparison()?;
            }
        }
    }

    /// Behind the operator.
    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: Expression,
    ) -> Result<Expression, SqlError> {
        let right = self.expression(operator.level().tighter())?;
        Ok(Expression {
            place: self.since(left.place.start),
            node: Node::Binary(operator, Box::new(left), Box::new(right)),
        })
    }

    /// Operators are limited together, not by chain: chains within chains add up.
    pub(super) fn count_operator(&mut self) -> Result<(), SqlError> {
        if self.operators == MAX_OPERATORS {
            return Err(self.error(self.current.place, Fault::Operators));
        }
        self.operators += 1;
        Ok(())
    }

    /// An operand with the operators before it.
    fn prefixed(&mut self, least: Level) -> Result<Expression, SqlError> {
        let operator = match self.current.token {
            Token::Symbol(Symbol::Minus) => UnaryOperator::Negate,
            Token::Symbol(Symbol::Plus) => UnaryOperator::Plus,
            Token::Keyword(Keyword::Not) if least <= Level::Not => UnaryOperator::Not,
            _ => return self.operand(),
        };
        let start = self.current.place.start;
        let operand = self.nested(|parser| {
            parser.advance()?;
            parser.expression(operator.level())
        })?;
        Ok(Expression {
            node: Node::Unary(operator, Box::new(operand)),
            place: self.since(start),
        })
    }

    fn at_membership(&self) -> bool {
        self.at_keyword(Keyword::In) || self.at_keyword(Keyword::Not)
    }

    /// Behind the left side of `IN` or `NOT IN`.
    fn membership(&mut self, needle: Expression) -> Result<Expression, SqlError> {
        let negated = self.take_keyword(Keyword::Not)?;
        self.need_keyword(Keyword::In, "IN")?;
        let members = self.nested(|parser| {
            parser.need(Symbol::Open, "`(`")?;
            let members = parser.expressions()?;
            parser.need(Symbol::Close, "`,` or `)`")?;
            Ok(members)
        })?;
        Ok(Expression {
            place: self.since(needle.place.start),
            node: Node::In {
                needle: Box::new(needle),
                members,
                negated,
            },
        })
    }

    /// At least one expression, between commas.
    pub(super) fn expressions(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut expressions = vec![self.expression(Level::Or)?];
        while self.take(Symbol::Comma)? {
            expressions.push(self.expression(Level::Or)?);
        }
        Ok(expressions)
    }

    /// Behind a comparison: `a < b < c` would compare a boolean with `c`, which nobody means.
    fn no_comparison(&self) -> Result<(), SqlError> {
        let operator = self.binary_operator();
        let compares = operator.is_some_and(|operator| operator.level() == Level::Comparison);
        if !compares && !self.at_membership() {
            return Ok(());
        }
        let error = self.unexpected("AND, OR or the end of the expression");
        Err(error.hinted("comparisons do not chain: put one of them in parentheses".to_owned()))
    }

    fn binary_operator(&self) -> Option<BinaryOperator> {
        Some(match &self.current.token {
            Token::Keyword(Keyword::Or) => BinaryOperator::Or,
            Token::Keyword(Keyword::And) => BinaryOperator::And,
            Token::Word(word) => return operator_of_word(word),
            Token::Symbol(symbol) => match symbol {
                Symbol::Equal => BinaryOperator::Equal,
                Symbol::NotEqual => BinaryOperator::NotEqual,
                Symbol::Less => BinaryOperator::Less,
                Symbol::LessOrEqual => BinaryOperator::LessOrEqual,
                Symbol::Greater => BinaryOperator::Greater,
                Symbol::GreaterOrEqual => BinaryOperator::GreaterOrEqual,
                Symbol::TopicMatch => BinaryOperator::TopicMatch,
                Symbol::Plus => BinaryOperator::Add,
                Symbol::Minus => BinaryOperator::Subtract,
                Symbol::Star => BinaryOperator::Multiply,
                Symbol::Slash => BinaryOperator::Divide,
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// `div` and `mod`, which are names where no operator can be.
pub(super) fn operator_of_word(word: &str) -> Option<BinaryOperator> {
    if word.eq_ignore_ascii_case("div") {
        Some(BinaryOperator::IntegerDivide)
    } else if word.eq_ignore_ascii_case("mod") {
        Some(BinaryOperator::Remainder)
    } else {
        None
    }
}
