//! Values from JSON and as JSON.

use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Map, Value};

/// Arrays and objects in each other at most: `serde_json` refuses more, and everything that walks a
/// value may rely on it.
pub const MAX_DEPTH: usize = 128;

/// Members of all arrays and objects of a document together.
pub const MAX_MEMBERS: usize = 524_288;

/// Members for which room is made before they are read: what an input claims is not believed.
const FIRST_ROOM: usize = 8;

/// Why bytes are no JSON.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not JSON: {0}")]
pub struct JsonError(String);

impl Value {
    /// Reads one JSON document. Integers are exact to 64 bits, with and without sign; of equal keys
    /// the last one counts.
    pub fn from_json(json: &[u8]) -> Result<Self, JsonError> {
        let failed = |error: serde_json::Error| JsonError(error.to_string());
        let left = Cell::new(MAX_MEMBERS);
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let value = AnyValue(&left).deserialize(&mut deserializer);
        let value = value.map_err(failed)?;
        deserializer.end().map_err(failed)?;
        Ok(value)
    }

    /// Appends the value as JSON, without spaces. Bytes that are no UTF-8 become U+FFFD; undefined
    /// becomes the text `undefined`, as EMQX writes it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        // Writing into memory does not fail, and all keys are texts.
        serde_json::to_writer(out, self).ok();
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Bytes {
        let mut json = Vec::with_capacity(128);
        self.write_json(&mut json);
        json.into()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Undefined => serializer.serialize_str("undefined"),
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i128(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(&String::from_utf8_lossy(text)),
            Self::Array(members) => {
                let mut array = serializer.serialize_seq(Some(members.len()))?;
                for member in members.iter() {
                    array.serialize_element(member)?;
                }
                array.end()
            }
            Self::Map(map) => {
                let mut object = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map.iter() {
                    object.serialize_entry::<str, _>(key, value)?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyValue(&Cell::new(MAX_MEMBERS)).deserialize(deserializer)
    }
}

/// Takes whatever comes, up to so many members: each is some ten times as large as the two bytes
/// that it may be written with.
#[derive(Clone, Copy)]
struct AnyValue<'a>(&'a Cell<usize>);

impl AnyValue<'_> {
    fn count<E: Error>(self) -> Result<(), E> {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(E::custom(format_args!("more than {MAX_MEMBERS} members"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Bytes::copy_from_slice(text.as_bytes())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut array = Vec::with_capacity(members.size_hint().unwrap_or(0).min(FIRST_ROOM));
        while let Some(member) = members.next_element_seed(self)? {
            self.count()?;
            array.push(member);
        }
        Ok(Value::array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::with_capacity(FIRST_ROOM);
        while let Some(key) = entries.next_key::<String>()? {
            self.count()?;
            map.insert(ByteString::from(key), entries.next_value_seed(self)?);
        }
        Ok(Value::map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: documents with every kind of value, with integers at both ends of 64 bits and one
    /// that a float could not hold.
    /// Guarantee: each is written as it was read, but for its spaces.
    #[test]
    fn what_is_read_is_written() {
        for json in [
            "null",
            "true",
            "\"\"",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "83.4",
            "0.9624236501192069",
            r#"{"b":1,"a":[1,"x",null,{"c":[]}],"门":"🔒"}"#,
        ] {
            let value = Value::from_json(json.as_bytes()).unwrap();
            assert_eq!(value.to_json(), json);
        }
        let spaced = Value::from_json(b" { \"a\" : 1 ,\n\"a\":2 } ").unwrap();
        assert_eq!(spaced.to_json(), r#"{"a":2}"#);
    }

    /// Scenario: no JSON, half of it, too much of it, and arrays in each other without an end.
    /// Guarantee: each is refused with a text that says where.
    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(1_000_000);
        for json in [
            "",
            "{",
            "}{",
            "{} x",
            "'a'",
            "[1,]",
            deep.as_str(),
            "\u{fffd}",
        ] {
            let error = Value::from_json(json.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("line 1"), "{error}");
        }
        let many = format!("[{}0]", "0,".repeat(MAX_MEMBERS));
        let error = Value::from_json(many.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("more than 524288"), "{error}");
        Value::from_json(many.replacen("0,", "", 1).as_bytes()).unwrap();
        Value::from_json(b"\"\xff\"").unwrap_err();
    }

    /// Scenario: a text that is no UTF-8, and something undefined, are written.
    /// Guarantee: the result is JSON.
    #[test]
    fn what_json_has_no_word_for() {
        let odd = Value::array(vec![
            Value::Text(Bytes::from_static(b"a\xffb")),
            Value::Undefined,
        ]);
        assert_eq!(odd.to_json(), "[\"a\u{fffd}b\",\"undefined\"]");
    }
}
