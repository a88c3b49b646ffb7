//! Short ways to write trees.

use crate::functions;
use crate::sql::Place;
use crate::sql::ast::{
    BinaryOperator, Expression, Field, Index, Node, Path, Selection, Statement, Step, UnaryOperator,
};

pub(super) fn expression(node: Node) -> Expression {
    Expression {
        node,
        place: Place::default(),
    }
}

pub(super) fn int(number: i128) -> Expression {
    expression(Node::Int(number))
}

pub(super) fn float(number: f64) -> Expression {
    expression(Node::Float(number))
}

pub(super) fn text(text: &str) -> Expression {
    expression(Node::Text(text.into()))
}

pub(super) fn boolean(value: bool) -> Expression {
    expression(Node::Bool(value))
}

pub(super) fn key(name: &str) -> Step {
    Step::Key(name.into())
}

pub(super) fn at(number: i64) -> Step {
    Step::Index(Index::Number(number))
}

pub(super) fn path(steps: impl IntoIterator<Item = Step>) -> Expression {
    expression(Node::Path(Path(steps.into_iter().collect())))
}

/// A path of keys between dots.
pub(super) fn field(keys: &str) -> Expression {
    path(keys.split('.').map(key))
}

pub(super) fn array(members: impl IntoIterator<Item = Expression>) -> Expression {
    expression(Node::Array(members.into_iter().collect()))
}

pub(super) fn range(from: i64, to: i64) -> Expression {
    expression(Node::Range(from, to))
}

pub(super) fn unary(operator: UnaryOperator, operand: Expression) -> Expression {
    expression(Node::Unary(operator, Box::new(operand)))
}

pub(super) fn negate(operand: Expression) -> Expression {
    unary(UnaryOperator::Negate, operand)
}

pub(super) fn not(operand: Expression) -> Expression {
    unary(UnaryOperator::Not, operand)
}

pub(super) fn binary(left: Expression, operator: BinaryOperator, right: Expression) -> Expression {
    expression(Node::Binary(operator, Box::new(left), Box::new(right)))
}

pub(super) fn is_in(
    needle: Expression,
    members: impl IntoIterator<Item = Expression>,
) -> Expression {
    expression(Node::In {
        needle: Box::new(needle),
        members: members.into_iter().collect(),
        negated: false,
    })
}

pub(super) fn case(
    subject: Option<Expression>,
    branches: impl IntoIterator<Item = (Expression, Expression)>,
    otherwise: Option<Expression>,
) -> Expression {
    expression(Node::Case {
        subject: subject.map(Box::new),
        branches: branches.into_iter().collect(),
        otherwise: otherwise.map(Box::new),
    })
}

pub(super) fn call(name: &str, arguments: impl IntoIterator<Item = Expression>) -> Expression {
    expression(Node::Call {
        function: functions::find(name).unwrap(),
        arguments: arguments.into_iter().collect(),
    })
}

/// A field without a name.
pub(super) fn bare(expression: Expression) -> Field {
    Field::One {
        expression,
        alias: None,
    }
}

pub(super) fn named(expression: Expression, alias: impl IntoIterator<Item = Step>) -> Field {
    Field::One {
        expression,
        alias: Some(Path(alias.into_iter().collect())),
    }
}

/// From `t`.
pub(super) fn select(fields: impl IntoIterator<Item = Field>) -> Statement {
    Statement {
        selection: Selection::Select(fields.into_iter().collect()),
        from: vec!["t".into()],
        condition: None,
    }
}
