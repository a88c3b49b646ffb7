//! Reading without copying changes no verdict.

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
