//! `FOREACH`: a result for each member of a list.

use bytestring::ByteString;

use super::fuel::Fuel;
use super::scope::Scope;
use super::{Failed, name, road, select};
use crate::event::Event;
use crate::functions::Failure;
use crate::sql::ast::{Expression, Field};
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
    let item = match alias {
        Some(alias) => road(expression, Some(alias), &scope)?,
        None => vec![Hop::Key(ITEM)],
    };
    name(&mut named, &item, value.clone());
    let members = members(value);
    if members.len() > MAX_RESULTS {
        return Err(Failed {
            failure: Failure(format!(
                "the list has {} members; {MAX_RESULTS} are the most",
                members.len()
            )),
            place: expression.place,
        });
    }
    Ok(Collected {
        named,
        members,
        item,
    })
}

/// What is no array has no members; a text is looked into.
fn members(value: Value) -> Vec<Value> {
    match value {
        Value::Array(members) => members.to_vec(),
        Value::Text(json) => match Value::from_json(&json) {
            Ok(Value::Array(members)) => members.to_vec(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
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
        } = self;
        let mut results = Vec::with_capacity(members.len());
        for member in members {
            name(&mut named, &item, member);
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
                event.fields()
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
