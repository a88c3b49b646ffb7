//! What a statement makes of an event.

mod arithmetic;
mod compare;
mod expression;
mod foreach;
mod fuel;
mod scope;
#[cfg(test)]
mod tests;

use crate::event::Event;
use crate::functions::Failure;
use crate::sql::Place;
use crate::sql::ast::{Expression, Field, Node, Path, Selection, Statement};
use crate::value::{Hop, Map, Value};
use fuel::Fuel;
use scope::Scope;

/// Why a statement has no result for an event: the rule has failed.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{failure}")]
pub struct Failed {
    /// What is wrong.
    pub failure: Failure,
    /// The part of the statement that it is wrong with.
    pub place: Place,
}

impl Statement {
    /// The results for an event that `FROM` names: none at all when `WHERE` (`None`), or no member of
    /// the list (empty), is for it.
    ///
    /// What is selected is evaluated before `WHERE`, as EMQX does it: a fault in it is a failure also
    /// where `WHERE` would have said no.
    pub fn evaluate(&self, event: &dyn Event) -> Result<Option<Vec<Map>>, Failed> {
        self.evaluate_burning(event, &Fuel::full())
    }

    fn evaluate_burning(&self, event: &dyn Event, fuel: &Fuel) -> Result<Option<Vec<Map>>, Failed> {
        match &self.selection {
            Selection::Select(fields) => {
                let named = select(fields, event, fuel)?;
                let passes = self.passes(&Scope::condition(event, &named, fuel))?;
                Ok(passes.then(|| vec![named]))
            }
            Selection::Foreach {
                list,
                each,
                condition,
            } => {
                let collected = foreach::collect(list, event, fuel)?;
                if !self.passes(&Scope::condition(event, &collected.named, fuel))? {
                    return Ok(None);
                }
                let results = collected.results(each, condition.as_ref(), event, fuel);
                results.map(Some)
            }
        }
    }

    fn passes(&self, scope: &Scope<'_>) -> Result<bool, Failed> {
        self.condition
            .as_ref()
            .map_or(Ok(true), |condition| scope.is_true(condition))
    }
}

/// Evaluates fields in order; later ones see the names of earlier ones.
fn select(fields: &[Field], event: &dyn Event, fuel: &Fuel) -> Result<Map, Failed> {
    let mut named = Map::with_capacity(fields.len());
    for field in fields {
        match field {
            Field::All => named.extend(event.fields()),
            Field::One { expression, alias } => {
                let scope = Scope::selection(event, &named, fuel);
                let value = scope.value(expression)?;
                let road = road(expression, alias.as_ref(), &scope)?;
                name(&mut named, &road, value).map_err(at(expression))?;
            }
        }
    }
    Ok(named)
}

/// Where the value of a field goes.
fn road(
    expression: &Expression,
    alias: Option<&Path>,
    scope: &Scope<'_>,
) -> Result<Vec<Hop>, Failed> {
    let path = match (alias, &expression.node) {
        (Some(alias), _) => alias,
        (None, Node::Path(path)) => path,
        (None, Node::Text(text)) => return Ok(vec![Hop::Key(text.clone())]),
        (None, _) => return Ok(vec![Hop::Key(expression.to_string().into())]),
    };
    scope.road(path).map_err(at(expression))
}

/// Puts a value at the end of a road that begins with a key. What goes into a payload that is a text
/// goes into its JSON.
fn name(named: &mut Map, road: &[Hop], value: Value) -> Result<(), Failure> {
    let Some((Hop::Key(key), rest)) = road.split_first() else {
        return Ok(());
    };
    let slot = named.entry(key.clone()).or_default();
    if key == "payload"
        && !rest.is_empty()
        && let Value::Text(json) = &*slot
    {
        *slot = Value::from_json(json).map_err(|error| scope::no_json(&error))?;
    }
    *slot = std::mem::take(slot).with(rest, value);
    Ok(())
}

/// Tells where something failed.
fn at(expression: &Expression) -> impl Fn(Failure) -> Failed {
    let place = expression.place;
    move |failure| Failed { failure, place }
}
