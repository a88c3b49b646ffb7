//! Maps. Where one is wanted, a text that is a JSON object will do.

use bytestring::ByteString;

use super::output::members;
use super::{Arguments, Failure, functions};
use crate::value::{Hop, MAX_DEPTH, Map, Value};

functions! {
    "map_get" (2, 3) map_get;
    "map_keys" (1, 1) |a| members(a, a.map(1)?.keys().cloned().map(Value::text));
    "map_new" (0, 0) |_| Ok(Value::map(Map::new()));
    "map_put" (3, 3) map_put;
    "map_size" (1, 1) map_size;
    "map_to_entries" (1, 1) |a| members(a, a.map(1)?.iter().map(entry));
    "map_values" (1, 1) |a| members(a, a.map(1)?.values().cloned());
    "mget" (2, 3) mget;
    "mput" (3, 3) mput;
}

/// What keys lead to, each in the map that the one before it gave, or in the JSON that a text is.
/// Undefined where there is nothing.
pub(super) fn fetch<'k>(value: &Value, keys: impl Iterator<Item = &'k str>) -> Value {
    let mut value = value.clone();
    for key in keys {
        let map = match value {
            Value::Map(map) => map,
            Value::Text(json) => match Value::from_json(&json) {
                Ok(Value::Map(map)) => map,
                _ => return Value::Undefined,
            },
            _ => return Value::Undefined,
        };
        value = map.get(key).cloned().unwrap_or_default();
    }
    value
}

/// `map_get(path, map [, otherwise])`: keys with points between them.
fn map_get(a: &Arguments<'_>) -> Result<Value, Failure> {
    let path = a.unicode(1)?;
    Ok(match fetch(a.value(2), path.split('.')) {
        Value::Undefined => a.value(3).clone(),
        value => value,
    })
}

/// `map_put(path, value, map)`.
fn map_put(a: &Arguments<'_>) -> Result<Value, Failure> {
    let path = a.unicode(1)?;
    let keys: Vec<ByteString> = path.split('.').map(|key| path.slice_ref(key)).collect();
    // A text is read, so that none of its other members is lost.
    let map = match a.value(3) {
        Value::Text(_) => Value::Map(a.map(3).unwrap_or_default()),
        other => other.clone(),
    };
    put(a, &keys, map)
}

/// `mget(key, map [, otherwise])`: one key, whatever points it has, or an array of keys.
fn mget(a: &Arguments<'_>) -> Result<Value, Failure> {
    let map = Value::Map(a.map(2)?);
    let keys = keys(a)?;
    Ok(match fetch(&map, keys.iter().map(|key| &**key)) {
        Value::Undefined => a.value(3).clone(),
        value => value,
    })
}

fn mput(a: &Arguments<'_>) -> Result<Value, Failure> {
    put(a, &keys(a)?, Value::Map(a.map(3)?))
}

/// The first argument as keys.
fn keys(a: &Arguments<'_>) -> Result<Vec<ByteString>, Failure> {
    let Value::Array(keys) = a.value(1) else {
        return Ok(vec![a.unicode(1)?]);
    };
    let keys = keys.iter().map(|key| match key {
        Value::Text(key) => ByteString::try_from(key.clone()).ok(),
        _ => None,
    });
    let keys: Option<Vec<ByteString>> = keys.collect();
    keys.ok_or_else(|| a.wrong(1, "a key or an array of keys"))
}

/// The map of the third argument with the second one in it. What is no map counts as an empty one, on
/// the way too.
fn put(a: &Arguments<'_>, keys: &[ByteString], map: Value) -> Result<Value, Failure> {
    let value = a.value(2).clone();
    if keys.is_empty() {
        return Err(a.wrong(1, "a key or an array of keys"));
    }
    // Deeper values could not be read back, and what walks them counts on that.
    if keys.len() > MAX_DEPTH || !fits(&value, MAX_DEPTH.saturating_sub(keys.len())) {
        return Err(a.fail(format_args!(
            "the result is nested too deeply; the limit is {MAX_DEPTH}"
        )));
    }
    let road: Vec<Hop> = keys.iter().cloned().map(Hop::Key).collect();
    Ok(map.with(&road, value))
}

/// Whether a value has no more levels than this.
fn fits(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| levels > 0 && fits(value, levels.saturating_sub(1));
    match value {
        Value::Array(members) => levels > 0 && members.iter().all(below),
        Value::Map(map) => levels > 0 && map.values().all(below),
        _ => true,
    }
}

fn map_size(a: &Arguments<'_>) -> Result<Value, Failure> {
    let size = a.map(1)?.len();
    Ok(Value::Int(i128::try_from(size).unwrap_or(i128::MAX)))
}

fn entry((key, value): (&ByteString, &Value)) -> Value {
    Value::map(Map::from_iter([
        (ByteString::from_static("key"), Value::text(key.clone())),
        (ByteString::from_static("value"), value.clone()),
    ]))
}
