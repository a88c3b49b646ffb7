//! What a statement says, as a tree.

use bytestring::ByteString;

use super::place::Place;
use crate::functions::Function;

/// `SELECT ..` or `FOREACH ..`, `FROM ..`, `WHERE ..`.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    /// What comes out.
    pub selection: Selection,
    /// Topic filters and `$events/..`, at least one.
    pub from: Vec<ByteString>,
    /// `WHERE`.
    pub condition: Option<Expression>,
}

/// What comes out of a statement.
#[derive(Clone, PartialEq, Debug)]
pub enum Selection {
    /// `SELECT fields`: one result.
    Select(Vec<Field>),
    /// `FOREACH list [DO each] [INCASE condition]`: a result for each member of the last of `list`.
    Foreach {
        /// At least one; the last is the list, those before it are names for it to use.
        list: Vec<Field>,
        /// `DO`: what comes out for a member; empty is the member and all fields of the event.
        each: Vec<Field>,
        /// `INCASE`: which members count.
        condition: Option<Expression>,
    },
}

/// One member of a `SELECT`, `FOREACH` or `DO` list.
#[derive(Clone, PartialEq, Debug)]
pub enum Field {
    /// `*`: all fields of the event. Not in `FOREACH`.
    All,
    /// `expression [AS alias]`.
    One {
        /// The value.
        expression: Expression,
        /// Where it goes; without one, where a path came from, or the text of the expression.
        alias: Option<Path>,
    },
}

/// An expression and where it is written.
#[derive(Clone, PartialEq, Debug)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// Where it is written; all places are equal, so that trees can be compared.
    pub place: Place,
}

/// What an expression is.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// `17`: never through a float.
    Int(i128),
    /// `0.25`.
    Float(f64),
    /// `'text'`.
    Text(ByteString),
    /// `true`, `false`.
    Bool(bool),
    /// `payload.x[1].y`.
    Path(Path),
    /// `[1, 'a', x]`.
    Array(Vec<Expression>),
    /// `[1..4]`: both ends are members.
    Range(i64, i64),
    /// `-x`, `+x`, `NOT x`.
    Unary(UnaryOperator, Box<Expression>),
    /// `x + y`, `x = y`, `x AND y` and so on.
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// `x IN (a, b)`; `negated` for `NOT IN`.
    In {
        /// What is looked for.
        needle: Box<Expression>,
        /// Among what; at least one.
        members: Vec<Expression>,
        /// `NOT IN`.
        negated: bool,
    },
    /// `CASE [subject] WHEN .. THEN .. [ELSE ..] END`.
    Case {
        /// Compared with each `WHEN`; without it they are conditions.
        subject: Option<Box<Expression>>,
        /// `WHEN` and `THEN`, at least one.
        branches: Vec<(Expression, Expression)>,
        /// `ELSE`; without one the value is undefined.
        otherwise: Option<Box<Expression>>,
    },
    /// `name(arguments)`.
    Call {
        /// Looked up when the statement is read; equal when its name is.
        function: &'static Function,
        /// Their number fits the function.
        arguments: Vec<Expression>,
    },
}

/// `x`, `x.y`, `x[1]`, `x.'a b'[-1].z`. The first step is always a key.
#[derive(Clone, PartialEq, Debug)]
pub struct Path(pub Vec<Step>);

/// One step of a path.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// `.name` or `.'name'`.
    Key(ByteString),
    /// `[2]` is the second member, `[-1]` the last one. `[0]` and `[-0]` are places before the first
    /// and behind the last, where an alias can put something.
    Index(Index),
    /// `[a..b]`: the members from a to b. Only as the last step, and not in an alias.
    Range(i64, i64),
}

/// Which member of an array.
#[derive(Clone, PartialEq, Debug)]
pub enum Index {
    /// Counts from 1; negative from the end. Never 0.
    Number(i64),
    /// `[0]`.
    Start,
    /// `[-0]`.
    End,
    /// `[i]`: the value of a path is the index.
    Path(Path),
}

/// An operator with one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOperator {
    /// `-x`
    Negate,
    /// `+x`
    Plus,
    /// `NOT x`
    Not,
}

/// An operator with two sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOperator {
    /// `OR`, binds least.
    Or,
    /// `AND`
    And,
    /// `=`
    Equal,
    /// `<>` or `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=~`: a topic on the left, a topic filter on the right.
    TopicMatch,
    /// `+`: adds numbers, joins texts.
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: always a float.
    Divide,
    /// `div`: of integers.
    IntegerDivide,
    /// `mod`: of integers.
    Remainder,
}

impl BinaryOperator {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::And => "AND",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::TopicMatch => "=~",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::IntegerDivide => "div",
            Self::Remainder => "mod",
        }
    }
}
