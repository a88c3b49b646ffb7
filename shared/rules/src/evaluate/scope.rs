//! What a name means.

use std::borrow::Cow;

use super::fuel::Fuel;
use crate::event::Event;
use crate::functions::Failure;
use crate::sql::ast::{Index, Path, Step};
use crate::value::{Hop, JsonError, Map, Position, Value, place_of};

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

    /// The value of a path.
    pub(super) fn get(&self, path: &Path) -> Result<Value, Failure> {
        let Some((Step::Key(root), steps)) = path.0.split_first() else {
            return Ok(Value::Undefined);
        };
        if let Some(value) = self.named.get(root) {
            let value = self.follow(Cow::Borrowed(value), steps)?;
            if self.hides || value != Value::Undefined {
                return Ok(value);
            }
        }
        let field = if root == "payload" && !steps.is_empty() {
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
        found.map_err(|error| no_json(&error))
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
                    other => {
                        return Err(Failure(format!(
                            "an index must be an integer, not {}",
                            other.kind()
                        )));
                    }
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

fn no_json(error: &JsonError) -> Failure {
    Failure(format!("a path leads into a text that is {error}"))
}

/// The members from one to another, both counted; what is beyond the ends is left out.
fn range(value: &Value, first: i64, last: i64) -> Result<Value, Failure> {
    let Value::Array(members) = value else {
        let kind = value.kind();
        return Err(Failure(format!(
            "[{first}..{last}] needs an array, not {kind}"
        )));
    };
    let length = members.len();
    let start = place_of(first, length).or((first < 0).then_some(0));
    let end = place_of(last, length).or((last > 0 && length > 0).then(|| length - 1));
    let part = match (start, end) {
        (Some(start), Some(end)) => members.get(start..=end).unwrap_or_default(),
        _ => &[],
    };
    Ok(Value::array(part.to_vec()))
}
