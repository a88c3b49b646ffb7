//! Reading and changing parts of values.

use std::borrow::Cow;
use std::sync::Arc;

use bytestring::ByteString;

use super::{JsonError, Map, Value};

/// A member of an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// Counts from 1, negative from the end; 0 is none.
    Number(i64),
    /// A new one before the first.
    Start,
    /// A new one behind the last.
    End,
}

/// One step into a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Hop {
    /// To the value of a key.
    Key(ByteString),
    /// To a member.
    Member(Position),
}

impl Value {
    /// The value of a key: of a map, or of the map that a text is as JSON. Undefined where there is
    /// none; a text that is no JSON is an error.
    pub fn get(&self, key: &str) -> Result<Cow<'_, Value>, JsonError> {
        Ok(match self {
            Self::Map(map) => map.get(key).map(Cow::Borrowed).unwrap_or_default(),
            Self::Text(json) => match Self::from_json(json)? {
                Self::Map(map) => Cow::Owned(map.get(key).cloned().unwrap_or_default()),
                _ => Cow::default(),
            },
            _ => Cow::default(),
        })
    }

    /// The member of an array, or of the array that a text is as JSON: counts from 1, from the end
    /// when it is negative. Undefined where there is none.
    pub fn member(&self, number: i64) -> Result<Cow<'_, Value>, JsonError> {
        Ok(match self {
            Self::Array(members) => nth(members, number).map(Cow::Borrowed).unwrap_or_default(),
            Self::Text(json) => match Self::from_json(json)? {
                Self::Array(members) => {
                    Cow::Owned(nth(&members, number).cloned().unwrap_or_default())
                }
                _ => Cow::default(),
            },
            _ => Cow::default(),
        })
    }

    /// The value with another one at the end of a road. What is missing on the way, or is neither map
    /// nor array where one is needed, is made. As in EMQX a text is replaced too, though what the road
    /// meets in its JSON is kept, and a number that an array has no member of changes nothing.
    #[must_use]
    pub fn with(self, road: &[Hop], value: Value) -> Value {
        match road.split_first() {
            None => value,
            Some((Hop::Key(key), road)) => {
                let mut map = match self {
                    Self::Map(map) => map,
                    other => {
                        let met = other.get(key).unwrap_or_default().into_owned();
                        Arc::new(Map::from_iter([(key.clone(), met)]))
                    }
                };
                let slot = Arc::make_mut(&mut map).entry(key.clone()).or_default();
                *slot = std::mem::take(slot).with(road, value);
                Value::Map(map)
            }
            Some((Hop::Member(position), road)) => {
                let Self::Array(mut array) = self else {
                    let met = match position {
                        Position::Number(number) => self.member(*number).unwrap_or_default(),
                        Position::Start | Position::End => Cow::default(),
                    };
                    return Value::array(vec![met.into_owned().with(road, value)]);
                };
                let members = Arc::make_mut(&mut array);
                match position {
                    Position::Start => members.insert(0, Value::Undefined.with(road, value)),
                    Position::End => members.push(Value::Undefined.with(road, value)),
                    Position::Number(number) => {
                        let place = place_of(*number, members.len());
                        if let Some(slot) = place.and_then(|place| members.get_mut(place)) {
                            *slot = std::mem::take(slot).with(road, value);
                        }
                    }
                }
                Value::Array(array)
            }
        }
    }
}

fn nth(members: &[Value], number: i64) -> Option<&Value> {
    members.get(place_of(number, members.len())?)
}

/// From a number that counts from 1, or from the end, to a place that counts from 0.
pub fn place_of(number: i64, length: usize) -> Option<usize> {
    let place = if number > 0 {
        usize::try_from(number).ok()?.checked_sub(1)?
    } else {
        length.checked_sub(usize::try_from(number.checked_neg()?).ok()?)?
    };
    (place < length).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    /// Scenario: members of an array of three, from both ends and beyond them.
    /// Guarantee: 1 is the first, -1 the last, 0 and what is beyond is none.
    #[test]
    fn members_count_from_one() {
        let array = json("[10,20,30]");
        for (number, expected) in [
            (1, "10"),
            (3, "30"),
            (-1, "30"),
            (-3, "10"),
            (0, "\"undefined\""),
            (4, "\"undefined\""),
            (-4, "\"undefined\""),
            (i64::MIN, "\"undefined\""),
        ] {
            assert_eq!(array.member(number).unwrap().to_json(), expected);
        }
    }

    /// Scenario: keys and members of texts that are JSON, and of one that is none.
    /// Guarantee: a text is looked into; what is no JSON is an error, not undefined.
    #[test]
    fn texts_are_looked_into() {
        let text = Value::text(r#"{"a":[1]}"#);
        assert_eq!(text.get("a").unwrap().to_json(), "[1]");
        assert_eq!(*text.get("b").unwrap(), Value::Undefined);
        assert_eq!(*text.member(1).unwrap(), Value::Undefined);
        assert!(Value::text("}{").get("a").is_err());
        assert_eq!(*Value::Int(1).get("a").unwrap(), Value::Undefined);
    }

    /// Scenario: something is put into maps and arrays that are there, that are missing, and in the
    /// place of something else.
    /// Guarantee: the road is made, and what is beside it stays.
    #[test]
    fn roads_are_made() {
        let key = |key: &str| Hop::Key(key.into());
        let at = |number| Hop::Member(Position::Number(number));
        for (before, road, after) in [
            ("{}", vec![key("a"), key("b")], r#"{"a":{"b":0}}"#),
            (r#"{"a":1,"c":2}"#, vec![key("a")], r#"{"a":0,"c":2}"#),
            (r#"{"a":1}"#, vec![key("a"), key("b")], r#"{"a":{"b":0}}"#),
            (r#""{\"x\":1}""#, vec![key("y")], r#"{"y":0}"#),
            (
                r#""{\"x\":{\"z\":1},\"w\":2}""#,
                vec![key("x"), key("y")],
                r#"{"x":{"z":1,"y":0}}"#,
            ),
            (r#""text""#, vec![key("x"), key("y")], r#"{"x":{"y":0}}"#),
            (r#""[1,2]""#, vec![at(1)], "[0]"),
            ("[1,2,3]", vec![at(2)], "[1,0,3]"),
            ("[1,2,3]", vec![at(-1)], "[1,2,0]"),
            ("[1]", vec![at(7), key("y")], "[1]"),
            ("[1]", vec![at(0)], "[1]"),
            ("[1]", vec![at(-2)], "[1]"),
            ("[1]", vec![Hop::Member(Position::Start)], "[0,1]"),
            ("[1]", vec![Hop::Member(Position::End)], "[1,0]"),
            ("{}", vec![at(2)], "[0]"),
            ("5", vec![], "0"),
        ] {
            assert_eq!(json(before).with(&road, Value::Int(0)).to_json(), after);
        }
    }
}
