//! The value of an expression.

use super::arithmetic::{arithmetic, negate};
use super::compare::{Comparison, compare, topic_matches};
use super::scope::Scope;
use super::{Failed, at};
use crate::functions::{Failure, Function};
use crate::sql::ast::{BinaryOperator, Expression, Node, UnaryOperator};
use crate::value::Value;

/// Members of the largest `[a..b]`.
const MAX_RANGE: i64 = 100_000;

impl Scope<'_> {
    /// Whether a condition is true; what is no boolean is not.
    pub(super) fn is_true(&self, condition: &Expression) -> Result<bool, Failed> {
        Ok(self.value(condition)? == Value::Bool(true))
    }

    /// The value of an expression.
    pub(super) fn value(&self, expression: &Expression) -> Result<Value, Failed> {
        self.fuel.step().map_err(at(expression))?;
        let value = match &expression.node {
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::text(text.clone()),
            Node::Bool(value) => Value::Bool(*value),
            Node::Path(path) => return self.get(path).map_err(at(expression)),
            Node::Array(members) => Value::array(self.values(members)?),
            Node::Range(first, last) => {
                return range(*first, *last).map_err(at(expression));
            }
            Node::Unary(operator, operand) => {
                return self.unary(*operator, operand, expression);
            }
            Node::Binary(operator, left, right) => {
                return self.binary(*operator, left, right, expression);
            }
            Node::In {
                needle,
                members,
                negated,
            } => {
                let needle = self.value(needle)?;
                // No text is taken for a number here, as in EMQX.
                let found = self.values(members)?.contains(&needle);
                Value::Bool(found != *negated)
            }
            Node::Case {
                subject,
                branches,
                otherwise,
            } => return self.case(subject.as_deref(), branches, otherwise.as_deref()),
            Node::Call {
                function,
                arguments,
            } => return self.call(function, arguments, expression),
        };
        Ok(value)
    }

    fn values(&self, expressions: &[Expression]) -> Result<Vec<Value>, Failed> {
        expressions.iter().map(|one| self.value(one)).collect()
    }

    fn unary(
        &self,
        operator: UnaryOperator,
        operand: &Expression,
        whole: &Expression,
    ) -> Result<Value, Failed> {
        match operator {
            // What is no boolean is not true either way, as in EMQX.
            UnaryOperator::Not => Ok(Value::Bool(self.value(operand)? == Value::Bool(false))),
            UnaryOperator::Negate => negate(&self.value(operand)?).map_err(at(whole)),
            UnaryOperator::Plus => self.value(operand),
        }
    }

    fn binary(
        &self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
        whole: &Expression,
    ) -> Result<Value, Failed> {
        match operator {
            BinaryOperator::And => Ok((self.is_true(left)? && self.is_true(right)?).into()),
            BinaryOperator::Or => Ok((self.is_true(left)? || self.is_true(right)?).into()),
            _ => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                let value = match Comparison::of(operator) {
                    Some(comparison) => compare(comparison, &left, &right).map(Value::Bool),
                    None if operator == BinaryOperator::TopicMatch => {
                        topic_matches(&left, &right).map(Value::Bool)
                    }
                    None => arithmetic(operator, &left, &right),
                };
                value.map_err(at(whole))
            }
        }
    }

    fn case(
        &self,
        subject: Option<&Expression>,
        branches: &[(Expression, Expression)],
        otherwise: Option<&Expression>,
    ) -> Result<Value, Failed> {
        let subject = subject.map(|subject| self.value(subject)).transpose()?;
        for (when, then) in branches {
            let is_it = match &subject {
                Some(subject) => self.value(when)? == *subject,
                None => self.is_true(when)?,
            };
            if is_it {
                return self.value(then);
            }
        }
        otherwise.map_or(Ok(Value::Undefined), |otherwise| self.value(otherwise))
    }

    fn call(
        &self,
        function: &Function,
        arguments: &[Expression],
        whole: &Expression,
    ) -> Result<Value, Failed> {
        let arguments = self.values(arguments)?;
        let looked_at = arguments.iter().try_for_each(|one| self.fuel.look_at(one));
        looked_at.map_err(at(whole))?;
        let value = (function.call)(&arguments, self.event).map_err(at(whole))?;
        self.fuel.look_at(&value).map_err(at(whole))?;
        Ok(value)
    }
}

fn range(first: i64, last: i64) -> Result<Value, Failure> {
    if last < first.saturating_sub(1) {
        let text = format!("[{first}..{last}] ends before it begins");
        return Err(Failure(text));
    }
    if last.saturating_sub(first) >= MAX_RANGE {
        let text = format!("[{first}..{last}] has more than {MAX_RANGE} members");
        return Err(Failure(text));
    }
    let members = (first..=last).map(|member| Value::Int(member.into()));
    Ok(Value::array(members.collect()))
}
