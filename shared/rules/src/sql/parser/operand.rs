//! What operators work on: literals, paths, calls, arrays, `CASE`, parentheses.

use super::expression::operator_of_word;
use super::{LONGEST_SLIP, Parser};
use crate::functions::{self, Function};
use crate::sql::ast::{BinaryOperator, Expression, Node, UnaryOperator};
use crate::sql::error::{Fault, SqlError};
use crate::sql::operator::Level;
use crate::sql::place::Place;
use crate::sql::token::{Keyword, Lexeme, Short, Symbol, Token};

impl Parser<'_> {
    pub(super) fn operand(&mut self) -> Result<Expression, SqlError> {
        let start = self.current.place.start;
        let node = self.node()?;
        Ok(Expression {
            node,
            place: self.since(start),
        })
    }

    fn node(&mut self) -> Result<Node, SqlError> {
        match &self.current.token {
            Token::Symbol(Symbol::Open) => self.nested(Self::parentheses),
            Token::Symbol(Symbol::OpenIndex) => self.nested(Self::array),
            Token::Keyword(Keyword::Case) => self.nested(Self::case),
            Token::Name(_) => self.named(),
            Token::Word(word) => match truth(word) {
                Some(value) => self.literal(Node::Bool(value)),
                None => self.named(),
            },
            Token::Int(number) => self.literal(Node::Int(*number)),
            Token::Float(number) => self.literal(Node::Float(*number)),
            Token::Text(text) => self.literal(Node::Text(text.clone())),
            _ => Err(self.no_operand()),
        }
    }

    fn literal(&mut self, node: Node) -> Result<Node, SqlError> {
        self.advance()?;
        Ok(node)
    }

    fn no_operand(&self) -> SqlError {
        let error = self.unexpected("an expression");
        let before = self.lexer.written(self.previous);
        let hint = match self.current.token {
            Token::Keyword(Keyword::Not) => "put NOT and what follows in parentheses",
            Token::Keyword(_) if before == "," => "there is a comma too many before it",
            Token::Symbol(Symbol::Equal) if before == "=" => "the sign of equality is one `=`",
            Token::Symbol(Symbol::Star) => "`*` is a field of SELECT or DO, alone",
            _ => return error,
        };
        error.hinted(hint.to_owned())
    }

    fn parentheses(&mut self) -> Result<Node, SqlError> {
        self.advance()?;
        let expression = self.expression(Level::Or)?;
        self.need(Symbol::Close, "an operator or `)`")?;
        Ok(expression.node)
    }

    /// `[1, 2]` or `[1..2]`.
    fn array(&mut self) -> Result<Node, SqlError> {
        self.advance()?;
        if self.take(Symbol::CloseIndex)? {
            return Ok(Node::Array(Vec::new()));
        }
        let first = self.expression(Level::Or)?;
        if self.at(Symbol::Dots) {
            return self.range(&first);
        }
        let mut members = vec![first];
        while self.take(Symbol::Comma)? {
            members.push(self.expression(Level::Or)?);
        }
        self.need(Symbol::CloseIndex, "`,` or `]`")?;
        Ok(Node::Array(members))
    }

    /// At the dots of a range.
    fn range(&mut self, first: &Expression) -> Result<Node, SqlError> {
        let Some(from) = integer(&first.node) else {
            let error = self.unexpected("`,` or `]`");
            return Err(error.hinted("the ends of a range are integers".to_owned()));
        };
        let from =
            i64::try_from(from).map_err(|_| self.error(first.place, Fault::IndexTooLarge))?;
        self.advance()?;
        let to = self.signed_int("the end of the range")?;
        self.need(Symbol::CloseIndex, "`]`")?;
        Ok(Node::Range(from, to))
    }

    fn case(&mut self) -> Result<Node, SqlError> {
        self.advance()?;
        let mut subject = None;
        if !self.at_keyword(Keyword::When) {
            subject = Some(Box::new(self.expression(Level::Or)?));
        }
        let mut branches = Vec::new();
        while branches.is_empty() || self.at_keyword(Keyword::When) {
            self.need_keyword(Keyword::When, "WHEN")?;
            let when = self.expression(Level::Or)?;
            self.need_keyword(Keyword::Then, "an operator or THEN")?;
            branches.push((when, self.expression(Level::Or)?));
        }
        let mut end = "an operator, WHEN, ELSE or END";
        let mut otherwise = None;
        if self.take_keyword(Keyword::Else)? {
            otherwise = Some(Box::new(self.expression(Level::Or)?));
            end = "an operator or END";
        }
        self.need_keyword(Keyword::End, end)?;
        Ok(Node::Case {
            subject,
            branches,
            otherwise,
        })
    }

    /// A path or a call.
    fn named(&mut self) -> Result<Node, SqlError> {
        let Lexeme { token, place } = self.advance()?;
        match token {
            Token::Word(name) if self.at(Symbol::Open) => {
                self.nested(|parser| parser.call(&name, place))
            }
            Token::Word(name) | Token::Name(name) => self.path_from(name).map(Node::Path),
            _ => Err(self.no_operand()),
        }
    }

    /// At the parenthesis behind the name.
    fn call(&mut self, name: &str, place: Place) -> Result<Node, SqlError> {
        if let Some(operator) = operator_of_word(name) {
            return self.called_operator(operator, place);
        }
        let Some(function) = functions::find(name) else {
            return Err(self.unknown_function(name, place));
        };
        let arguments = self.arguments()?;
        let (fewest, most) = function.arguments;
        if arguments.len() < fewest || arguments.len() > most {
            return Err(self.arguments_of(function.name, takes(function), arguments.len(), place));
        }
        Ok(Node::Call {
            function,
            arguments,
        })
    }

    /// `div(a, b)` is `a div b`.
    fn called_operator(
        &mut self,
        operator: BinaryOperator,
        place: Place,
    ) -> Result<Node, SqlError> {
        self.count_operator()?;
        let arguments = self.arguments()?;
        let got = arguments.len();
        match <[Expression; 2]>::try_from(arguments) {
            Ok([left, right]) => Ok(Node::Binary(operator, Box::new(left), Box::new(right))),
            Err(_) => {
                Err(self.arguments_of(operator.symbol(), "2 arguments".to_owned(), got, place))
            }
        }
    }

    /// The wrong number of them; the call begins at the place.
    fn arguments_of(
        &self,
        function: &'static str,
        takes: String,
        got: usize,
        place: Place,
    ) -> SqlError {
        let fault = Fault::Arguments {
            function,
            takes,
            got,
        };
        self.error(self.since(place.start), fault)
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, SqlError> {
        self.advance()?;
        if self.take(Symbol::Close)? {
            return Ok(Vec::new());
        }
        let arguments = self.expressions()?;
        self.need(Symbol::Close, "an operator, `,` or `)`")?;
        Ok(arguments)
    }

    fn unknown_function(&self, name: &str, place: Place) -> SqlError {
        let error = self.error(place, Fault::UnknownFunction(Short(name).to_string()));
        if name.len() > LONGEST_SLIP {
            return error;
        }
        match functions::nearest(name) {
            Some(nearest) => error.hinted(format!("did you mean {nearest}?")),
            None => error,
        }
    }
}

/// The boolean that a word is.
fn truth(word: &str) -> Option<bool> {
    if word.eq_ignore_ascii_case("true") {
        Some(true)
    } else if word.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// An integer that is written down, with a sign or without.
fn integer(node: &Node) -> Option<i128> {
    match node {
        Node::Int(number) => Some(*number),
        Node::Unary(operator, operand) => match (operator, &operand.node) {
            (UnaryOperator::Negate, Node::Int(number)) => number.checked_neg(),
            (UnaryOperator::Plus, Node::Int(number)) => Some(*number),
            _ => None,
        },
        _ => None,
    }
}

/// How many arguments a function takes, as a phrase.
fn takes(function: &Function) -> String {
    match function.arguments {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        (fewest, most) if fewest == most => format!("{fewest} arguments"),
        (1, usize::MAX) => "at least 1 argument".to_owned(),
        (fewest, usize::MAX) => format!("at least {fewest} arguments"),
        (fewest, most) => format!("{fewest} to {most} arguments"),
    }
}
