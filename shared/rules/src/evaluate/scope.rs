//! What a name means.

use std::borrow::Cow;

use super::fuel::Fuel;
use crate::event::Event;
use crate::functions::Failure;
use crate::sql::ast::{Index, Path, Step};
use crate::value::{Hop, JsonError, Map, Position, Value};

/// The fields of the event and the names that were given so far.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) event: &'a dyn Event,
    named: &'a Map,
    pub(super) fuel: &'a Fuel,
    /// Whether a name hides the event's field of the same name, also where it has no such key.
    hides: bool,
}

impl<'a> Scope<'a> {
    /// While names are given: what a name has no value for, the event is asked.
    pub(super) fn selection(event: &'a dyn Event, named: &'a Map, fuel: &'a Fuel) -> Self {
        Self {
            event,
            named,
            fuel,
            hides: false,
        }
    }

    /// In conditions: names stand in front of fields.
    pub(super) fn condition(event: &'a dyn Event, named: &'a Map, fuel: &'a Fuel) -> Self {
        Self {
            event,
            named,
            fuel,
            hides: true,
        }
    }

    /// The value of a path. One that leads into a payload that is no JSON is a failure; into any
    /// other text that is none, there is nothing.
    pub(super) fn get(&self, path: &Path) -> Result<Value, Failure> {
        let Some((Step::Key(root), steps)) = path.0.split_first() else {
            return Ok(Value::Undefined);
        };
        let in_payload = root == "payload" && !steps.is_empty();
        if let Some(value) = self.named.get(root) {
            let value = match value {
                Value::Text(json) if in_payload => {
                    self.fuel.look_at(value)?;
                    Cow::Owned(Value::from_json(json).map_err(|error| no_json(&error))?)
                }
                value => Cow::Borrowed(value),
            };
            let value = self.follow(value, steps)?;
            if self.hides || value != Value::Undefined {
                return Ok(value);
            }
        }
        let field = if in_payload {
            self.event.payload().map_err(|error| no_json(&error))?
        } else {
            self.event.field(root)
        };
        self.follow(Cow::Owned(field), steps)
    }

    fn follow(&self, mut value: Cow<'_, Value>, steps: &[Step]) -> Result<Value, Failure> {
        for step in steps {
            value = match value {
                Cow::Borrowed(value) => self.step(value, step)?,
                Cow::Owned(value) => Cow::Owned(self.step(&value, step)?.into_owned()),
            };
        }
        Ok(value.into_owned())
    }

    fn step<'v>(&self, value: &'v Value, step: &Step) -> Result<Cow<'v, Value>, Failure> {
        if matches!(value, Value::Text(_)) {
            self.fuel.look_at(value)?;
        }
        let found = match step {
            Step::Key(key) => value.get(key),
            Step::Index(Index::Number(number)) => value.member(*number),
            Step::Index(Index::Path(path)) => match self.get(path)? {
                Value::Int(number) => value.member(i64::try_from(number).unwrap_or_default()),
                _ => Ok(Cow::default()),
            },
            // Places where nothing is yet.
            Step::Index(Index::Start | Index::End) => Ok(Cow::default()),
            Step::Range(first, last) => return range(value, *first, *last).map(Cow::Owned),
        };
        Ok(found.unwrap_or_default())
    }

    /// The road of an alias: indexes that are paths have their values now.
    pub(super) fn road(&self, path: &Path) -> Result<Vec<Hop>, Failure> {
        let hop = |step: &Step| {
            Ok(Some(match step {
                Step::Key(key) => Hop::Key(key.clone()),
                Step::Index(Index::Number(number)) => Hop::Member(Position::Number(*number)),
                Step::Index(Index::Start) => Hop::Member(Position::Start),
                Step::Index(Index::End) => Hop::Member(Position::End),
                Step::Index(Index::Path(path)) => match self.get(path)? {
                    Value::Int(number) => {
                        Hop::Member(Position::Number(i64::try_from(number).unwrap_or_default()))
                    }
                    // There is no such member: nothing is put.
                    _ => Hop::Member(Position::Number(0)),
                },
                Step::Range(..) => return Ok(None),
            }))
        };
        path.0
            .iter()
            .filter_map(|step| hop(step).transpose())
            .collect()
    }
}

pub(super) fn no_json(error: &JsonError) -> Failure {
    Failure(format!("a path leads into a payload that is {error}"))
}

/// The members from one to another, both counted. There may be fewer at the end; a range that begins
/// before the first member, or ends before it begins, is a failure, as in EMQX.
fn range(value: &Value, first: i64, last: i64) -> Result<Value, Failure> {
    let Value::Array(members) = value else {
        let kind = value.kind();
        return Err(Failure(format!(
            "[{first}..{last}] needs an array, not {kind}"
        )));
    };
    let length = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let from_start = |number: i64| match number {
        ..0 => length.saturating_add(number).saturating_add(1),
        _ => number,
    };
    let (start, end) = (from_start(first), from_start(last));
    let count = end.saturating_sub(start).saturating_add(1);
    // Where the array ends before the range begins, its length does not matter.
    let is_backwards = count < 0 && start <= length.saturating_add(1);
    if first == 0 || last == 0 || start < 1 || is_backwards {
        return Err(Failure(format!(
            "[{first}..{last}] is no range of an array of {length}"
        )));
    }
    let skipped = usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX);
    let count = usize::try_from(count).unwrap_or_default();
    let part = members.iter().skip(skipped).take(count);
    Ok(Value::array(part.cloned().collect()))
}
