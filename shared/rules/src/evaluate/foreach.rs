//! `FOREACH`: a result for each member of a list.

use bytestring::ByteString;

use super::fuel::Fuel;
use super::scope::Scope;
use super::{Failed, at, name, road, select};
use crate::event::Event;
use crate::functions::Failure;
use crate::sql::Place;
use crate::sql::ast::{Expression, Field, Node};
use crate::value::{Hop, JsonError, Map, Value};

/// Results of one event at most: each may become a record.
const MAX_RESULTS: usize = 10_000;

/// What a member is called when the list has no name.
const ITEM: ByteString = ByteString::from_static("item");

/// A list, and what was named on the way to it.
pub(super) struct Collected {
    pub(super) named: Map,
    members: Vec<Value>,
    /// Name of a member.
    item: Vec<Hop>,
    /// A list without a name, where it was found: in results without `DO` it stands there.
    found: Map,
    /// The list's expression, for failures.
    place: Place,
}

/// Evaluates the expressions after `FOREACH`: the last is the list.
pub(super) fn collect(list: &[Field], event: &dyn Event, fuel: &Fuel) -> Result<Collected, Failed> {
    let (last, before) = match list.split_last() {
        Some((Field::One { expression, alias }, before)) => ((expression, alias), before),
        _ => return Err(no_list()),
    };
    let mut named = select(before, event, fuel)?;
    let (expression, alias) = last;
    let scope = Scope::selection(event, &named, fuel);
    let value = scope.value(expression)?;
    let mut found = Map::new();
    let item = match (alias, &expression.node) {
        (Some(alias), _) => road(expression, Some(alias), &scope)?,
        (None, Node::Path(_)) => {
            let road = road(expression, None, &scope)?;
            name(&mut found, &road, value.clone()).map_err(at(expression))?;
            vec![Hop::Key(ITEM)]
        }
        (None, _) => vec![Hop::Key(ITEM)],
    };
    name(&mut named, &item, value.clone()).map_err(at(expression))?;
    Ok(Collected {
        named,
        members: members(value).map_err(at(expression))?,
        item,
        found,
        place: expression.place,
    })
}

/// What is no array has no members; a text is looked into.
fn members(value: Value) -> Result<Vec<Value>, Failure> {
    let members = match value {
        Value::Array(members) => members,
        Value::Text(json) => match Value::from_json(&json) {
            Ok(Value::Array(members)) => members,
            _ => return Ok(Vec::new()),
        },
        _ => return Ok(Vec::new()),
    };
    if members.len() > MAX_RESULTS {
        return Err(Failure(format!(
            "the list has {} members; {MAX_RESULTS} are the most",
            members.len()
        )));
    }
    Ok(members.to_vec())
}

/// The parser does not make such a statement.
fn no_list() -> Failed {
    Failed {
        failure: Failure("FOREACH needs a list".into()),
        place: crate::sql::Place::default(),
    }
}

impl Collected {
    /// A result for each member that `INCASE` is true for.
    pub(super) fn results(
        self,
        each: &[Field],
        condition: Option<&Expression>,
        event: &dyn Event,
        fuel: &Fuel,
    ) -> Result<Vec<Map>, Failed> {
        let Self {
            mut named,
            members,
            item,
            found,
            place,
        } = self;
        let mut results = Vec::with_capacity(members.len());
        for member in members {
            name(&mut named, &item, member).map_err(|failure| Failed { failure, place })?;
            let event = WithNames {
                event,
                named: &named,
            };
            if let Some(condition) = condition {
                let scope = Scope::condition(&event, &named, fuel);
                if !scope.is_true(condition)? {
                    continue;
                }
            }
            results.push(if each.is_empty() {
                let mut fields = event.event.fields();
                fields.extend(found.clone());
                fields.extend(named.clone());
                fields
            } else {
                select(each, &event, fuel)?
            });
        }
        Ok(results)
    }
}

/// An event with the names of `FOREACH` in front of its fields.
struct WithNames<'a> {
    event: &'a dyn Event,
    named: &'a Map,
}

impl Event for WithNames<'_> {
    fn field(&self, name: &str) -> Value {
        let named = self.named.get(name).cloned();
        named.unwrap_or_else(|| self.event.field(name))
    }

    fn fields(&self) -> Map {
        let mut fields = self.event.fields();
        fields.extend(self.named.clone());
        fields
    }

    fn payload(&self) -> Result<Value, JsonError> {
        match self.named.get("payload") {
            Some(Value::Text(json)) => Value::from_json(json),
            Some(value) => Ok(value.clone()),
            None => self.event.payload(),
        }
    }
}
