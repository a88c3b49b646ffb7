//! A JSON document that borrows from the bytes it was read from.
//!
//! The validator reads it through [`Borrowed`], so that no schema, built in or a user's, needs an
//! owned tree: parsing is half the cost of `serde_json::Value` (see `benches/check.rs`).

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
mod tests {
    use jsonschema::json::conformance;
    use jsonschema::{PatternOptions, Validator};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::read::read;
    use crate::schemas::BUILT_IN;

    /// Scenario: the validator's own suite for representations.
    /// Guarantee: ours keeps the contract the validator relies on.
    #[test]
    fn representation_conforms() {
        let text = conformance::document().to_string();
        let document = read(text.as_bytes()).ok().unwrap();
        conformance::assert_conformance::<Borrowed>(&&document);
    }

    /// Schemas that use what the built-in ones do not.
    fn schemas() -> Vec<Value> {
        let built_in = BUILT_IN
            .into_iter()
            .map(|(_, text)| serde_json::from_str(text).unwrap());
        let others = [
            json!({"uniqueItems": true, "minProperties": 2, "propertyNames": {"pattern": "^[a-f]*$"}}),
            json!({"type": ["array", "object"], "items": {"enum": [1, "a", [1], {"a": 1}, null]}}),
            json!({"additionalProperties": {"$ref": "#"}, "not": {"required": ["b"]}}),
            json!({"anyOf": [{"const": {"a": 1}}, {"contains": {"type": "integer", "multipleOf": 2}}]}),
        ];
        built_in.chain(others).collect()
    }

    fn validators() -> Vec<(Validator<Borrowed>, Validator)> {
        let build = |schema: &Value| {
            let linear = PatternOptions::regex;
            let borrowed = jsonschema::options_for::<Borrowed>().with_pattern_options(linear());
            let owned = jsonschema::options().with_pattern_options(linear());
            (
                borrowed.build(schema).unwrap(),
                owned.build(schema).unwrap(),
            )
        };
        schemas().iter().map(build).collect()
    }

    fn name() -> impl Strategy<Value = String> {
        const KNOWN: [&str; 6] = [
            "process_id",
            "action",
            "battery",
            "lock_state",
            "version",
            "client_id",
        ];
        prop_oneof![
            proptest::sample::select(&KNOWN[..]).prop_map(String::from),
            "[a-z]{1,2}",
            "\\PC{0,3}",
        ]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-2_i64..120).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            proptest::sample::select(&["lock", "unlock", "a", "7", ""][..]).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 24, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..24).prop_map(Value::from),
                prop::collection::hash_map(name(), inner, 0..24)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// A right lock state with one member replaced, so that the built-in rules are reached.
    fn nearly_a_state() -> impl Strategy<Value = Value> {
        let state = json!({
            "process_id": "7", "action": "lock", "battery": 5, "lock_state": 0, "version": 1,
            "client_id": "1"
        });
        (name(), any_value()).prop_map(move |(name, value)| {
            let mut state = state.clone();
            state[name.as_str()] = value;
            state
        })
    }

    proptest! {
        /// Scenario: arbitrary documents under the built-in schemas and others.
        /// Guarantee: reading without copying changes nothing: the verdict is that of the
        /// validator over `serde_json::Value`, and the document reads back to the same value.
        #[test]
        fn verdicts_are_those_of_an_owned_tree(
            value in prop_oneof![any_value(), nearly_a_state()]
        ) {
            std::thread_local! {
                static VALIDATORS: Vec<(Validator<Borrowed>, Validator)> = validators();
            }
            let text = serde_json::to_string_pretty(&value).unwrap();
            let document = read(text.as_bytes()).ok().unwrap();
            prop_assert_eq!(&document.value(), &value);
            VALIDATORS.with(|validators| {
                for (borrowed, owned) in validators {
                    prop_assert_eq!(borrowed.is_valid(&document), owned.is_valid(&value));
                    prop_assert_eq!(borrowed.validate(&document).is_ok(), owned.is_valid(&value));
                }
                Ok(())
            })?;
        }

        /// Scenario: objects of any size with a name that may come twice.
        /// Guarantee: the repeat is found, and found only where there is one.
        #[test]
        fn repeats_are_found(names in prop::collection::vec("[a-d]{1,3}", 0..40)) {
            let members: Vec<String> = names.iter().map(|name| format!("{name:?}:0")).collect();
            let text = format!("{{{}}}", members.join(","));
            let unique: std::collections::HashSet<_> = names.iter().collect();
            prop_assert_eq!(read(text.as_bytes()).is_ok(), unique.len() == names.len());
        }
    }
}
