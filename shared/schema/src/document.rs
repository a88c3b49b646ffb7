//! A JSON document that borrows from the bytes it was read from.
//!
//! The validator reads it through [`Borrowed`], so that no schema, built in or a user's, needs an
//! owned tree: a check costs half of one by way of `serde_json::Value` (461 against 961 ns for a
//! state of 200 bytes, see `benches/check.rs`).

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use jsonschema_value::LazyInstance;
use serde_json::{Map, Number, Value};

use crate::text::quote;

/// One JSON value.
#[derive(Debug)]
pub(crate) enum Document<'p> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'p, str>),
    Array(Vec<Document<'p>>),
    Object(Members<'p>),
}

/// Members of an object; names are unique.
#[derive(Debug)]
pub(crate) struct Members<'p>(Vec<Member<'p>>);

/// Name and value.
pub(crate) type Member<'p> = (Cow<'p, str>, Document<'p>);

/// Objects with more members are sorted, so that a hostile one costs no quadratic time.
const SCANNED: usize = 16;

impl<'p> Members<'p> {
    /// Takes the members in the order of the document, or gives the name that comes twice.
    pub(crate) fn new(mut members: Vec<Member<'p>>) -> Result<Self, Cow<'p, str>> {
        let repeated = if members.len() > SCANNED {
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            let same = |pair: &[Member<'p>]| matches!(pair, [(a, _), (b, _)] if a == b);
            members.windows(2).position(same)
        } else {
            let earlier = |at: usize| members.iter().take(at);
            let twice =
                |(at, (name, _)): (usize, &Member<'p>)| earlier(at).any(|(known, _)| known == name);
            members
                .iter()
                .enumerate()
                .position(|(at, member)| twice((at, member)))
        };
        match repeated {
            Some(at) => Err(members.swap_remove(at).0),
            None => Ok(Self(members)),
        }
    }

    /// The value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Document<'p>> {
        let found = if self.0.len() > SCANNED {
            self.0
                .binary_search_by(|(known, _)| known.as_ref().cmp(name))
                .ok()
        } else {
            self.0.iter().position(|(known, _)| known == name)
        };
        found.and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }
}

impl Document<'_> {
    /// The members, when it is an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// What an error may quote: a scalar, a text's beginning, or just that it is a container.
    /// An error would else copy a hostile megabyte.
    fn abridged(&self) -> Value {
        match self {
            Self::String(text) => Value::String(quote(text)),
            Self::Array(_) => Value::Array(Vec::new()),
            Self::Object(_) => Value::Object(Map::new()),
            scalar => scalar.value(),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(text) => Value::String(text.to_string()),
            Self::Array(items) => items.iter().map(Self::value).collect(),
            Self::Object(members) => {
                let member = |(name, value): &Member<'_>| (name.to_string(), value.value());
                Value::Object(members.0.iter().map(member).collect::<Map<_, _>>())
            }
        }
    }
}

/// The representation as the validator knows it.
pub(crate) struct Borrowed;

impl Json for Borrowed {
    type Node<'a> = &'a Document<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    // One pass over the members beats a scan of them for each name.
    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        _buffer: &mut (),
        string: &str,
        f: impl FnOnce(Self::Node<'_>) -> T,
    ) -> T {
        f(&Document::String(Cow::Borrowed(string)))
    }
}

impl<'a> Node<'a, Borrowed> for &'a Document<'a> {
    type Object = &'a Members<'a>;
    type Array = &'a [Document<'a>];
    type Number = &'a Number;

    fn as_object(&self) -> Option<&'a Members<'a>> {
        match self {
            Document::Object(members) => Some(members),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<&'a [Document<'a>]> {
        match self {
            Document::Array(items) => Some(items),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Document::String(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<&'a Number> {
        match self {
            Document::Number(number) => Some(number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Document::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Document::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Document::Null => JsonType::Null,
            Document::Bool(_) => JsonType::Boolean,
            Document::Number(_) => JsonType::Number,
            Document::String(_) => JsonType::String,
            Document::Array(_) => JsonType::Array,
            Document::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self, expected) {
            (Document::String(text), Value::String(expected)) => text == expected,
            (Document::String(_), _) | (_, Value::String(_)) => false,
            _ => jsonschema::json::cmp::equal(&self.value(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(self.value())
    }

    fn lazy_value(&self) -> LazyInstance<'a> {
        LazyInstance::Ready(Cow::Owned(self.abridged()))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(
            std::ptr::from_ref::<Document<'_>>(self).addr(),
        ))
    }
}

impl<'a> Object<'a, Borrowed> for &'a Members<'a> {
    type Node = &'a Document<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &String) -> Option<&'a Document<'a>> {
        Members::get(self, key)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.0.iter())
    }
}

/// Members in their kept order.
pub(crate) struct MembersIter<'a>(std::slice::Iter<'a, Member<'a>>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, &'a Document<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_ref(), value))
    }
}

impl<'a> Array<'a, Borrowed> for &'a [Document<'a>] {
    type Node = &'a Document<'a>;
    type ElementsIter = std::slice::Iter<'a, Document<'a>>;

    fn len(&self) -> usize {
        <[Document<'a>]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
