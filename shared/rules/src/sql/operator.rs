//! How operators are written and how much they bind.

use super::ast::{BinaryOperator, UnaryOperator};

/// How much an operator binds, the least first. What has none binds as [`Level::Single`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `NOT`
    Not,
    /// `=`, `<`, `IN` and so on: they do not chain.
    Comparison,
    /// `+`, `-`
    Sum,
    /// `*`, `/`, `div`, `mod`
    Product,
    /// `-x`, `+x`
    Sign,
    /// Numbers, paths, calls: whatever needs no parentheses anywhere.
    Single,
}

impl Level {
    /// The next that binds more.
    pub(super) fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Sign,
            Self::Sign | Self::Single => Self::Single,
        }
    }
}

impl BinaryOperator {
    /// How much it binds.
    pub(super) fn level(self) -> Level {
        match self {
            Self::Or => Level::Or,
            Self::And => Level::And,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::TopicMatch => Level::Comparison,
            Self::Add | Self::Subtract => Level::Sum,
            Self::Multiply | Self::Divide | Self::IntegerDivide | Self::Remainder => Level::Product,
        }
    }
}

impl UnaryOperator {
    /// How much it binds.
    pub(super) fn level(self) -> Level {
        match self {
            Self::Negate | Self::Plus => Level::Sign,
            Self::Not => Level::Not,
        }
    }

    /// As it is printed.
    pub fn text(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Plus => "+",
            Self::Not => "NOT",
        }
    }
}
