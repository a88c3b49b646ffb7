//! Tests of all groups, as tables: a function, its arguments as a JSON array, its result as JSON.
//! The word `UNDEFINED` is undefined. EMQX's own examples are in the vectors; here is what they leave
//! out.

mod codecs;
mod collections;
mod hostile;
mod messages;
mod numbers;
mod patterns;
mod texts;
mod times;

use bytes::Bytes;

use super::{all, find, nearest};
use crate::event::Event;
use crate::value::{JsonError, Map, Value};

/// The fields of a map.
struct Fields(Map);

impl Event for Fields {
    fn field(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn fields(&self) -> Map {
        self.0.clone()
    }

    fn payload(&self) -> Result<Value, JsonError> {
        match self.field("payload") {
            Value::Text(json) => Value::from_json(&json),
            other => Ok(other),
        }
    }
}

fn message() -> Fields {
    let json = r#"{"id":"0005","clientid":"lock-7","username":"gate","topic":"t/a/b","qos":1,
        "peerhost":"127.0.0.1","flags":{"retain":true},"payload":"{\"a\":{\"b\":[1]}}"}"#;
    let Ok(Value::Map(map)) = Value::from_json(json.as_bytes()) else {
        panic!("the message is no map");
    };
    Fields(map.as_ref().clone())
}

/// Calls a function as a statement does: the number of arguments is checked.
fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let function = find(name).unwrap();
    let (min, max) = function.arguments;
    assert!((min..=max).contains(&arguments.len()), "{name}");
    (function.call)(arguments, &message()).map_err(|failure| failure.0)
}

fn with_json(name: &str, arguments: &str) -> Result<Value, String> {
    let Ok(Value::Array(arguments)) = Value::from_json(arguments.as_bytes()) else {
        panic!("{arguments} is no array");
    };
    let arguments = arguments.iter().map(|argument| match argument {
        Value::Text(text) if text == "UNDEFINED" => Value::Undefined,
        other => other.clone(),
    });
    call(name, &arguments.collect::<Vec<_>>())
}

/// Each function gives its result.
fn gives(table: &[(&str, &str, &str)]) {
    for (name, arguments, expected) in table {
        let result = with_json(name, arguments).map(|value| value.to_json());
        assert_eq!(
            result,
            Ok(Bytes::from((*expected).to_owned())),
            "{name}{arguments}"
        );
    }
}

/// Each function fails and says so.
fn fails(table: &[(&str, &str, &str)]) {
    for (name, arguments, expected) in table {
        let message = with_json(name, arguments).unwrap_err();
        assert_eq!(message, *expected, "{name}{arguments}");
    }
}

/// Scenario: all names.
/// Guarantee: each is there once, in small letters, is found in any case, and takes a sensible number
/// of arguments.
#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = all().map(|function| function.name).collect();
    for function in all() {
        assert_eq!(function.name, function.name.to_ascii_lowercase());
        let found = find(&function.name.to_ascii_uppercase()).unwrap();
        assert!(std::ptr::eq(found, function), "{}", function.name);
        assert!(function.arguments.0 <= function.arguments.1);
    }
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(count, 137);
}

/// Scenario: misspelt names, names of functions that EMQX has and this does not, and one of 64 KiB.
/// Guarantee: the near one is named, and nothing for what is near to none.
#[test]
fn misspelt_names_have_a_near_one() {
    for (name, expected) in [
        ("uper", Some("upper")),
        ("Regex_Mach", Some("regex_match")),
        ("json_decod", Some("json_decode")),
        ("qsdfghjklm", None),
        ("", None),
    ] {
        assert_eq!(nearest(name), expected, "{name:?}");
    }
    assert_eq!(nearest(&"upper".repeat(10_000)), None);
    for gone in [
        "jq",
        "proc_dict_get",
        "kv_store_put",
        "mongo_date",
        "schema_encode",
    ] {
        assert!(find(gone).is_none(), "{gone}");
    }
}
