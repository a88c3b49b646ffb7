//! Reads bytes into a [`Document`], and says where they are no JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::document::{Document, Members};
use crate::text::escape_token;

/// Members and items that are made room for at once: a lock's document has six or so.
const ROOM: usize = 8;

/// Why bytes are no document.
pub(crate) enum ReadError {
    /// Not UTF-8; the offset of the first byte that is not.
    Utf8(usize),
    /// No bytes at all.
    Empty,
    /// Not JSON.
    Json(serde_json::Error),
    /// A name comes twice in one object; the JSON pointer to it.
    Repeated(String),
}

/// Reads one document, which must fill the bytes. Nesting ends at `serde_json`'s limit of 128.
pub(crate) fn read(bytes: &[u8]) -> Result<Document<'_>, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::Utf8(error.valid_up_to()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut repeated = Repeated(Vec::new());
    let document = Value(&mut repeated).deserialize(&mut reader);
    match document.and_then(|document| reader.end().map(|()| document)) {
        Ok(document) => Ok(document),
        Err(_) if !repeated.0.is_empty() => Err(ReadError::Repeated(repeated.pointer())),
        Err(error) => Err(ReadError::Json(error)),
    }
}

/// Path to a name that comes twice, innermost first; empty when there is none.
struct Repeated(Vec<String>);

impl Repeated {
    /// On the way out of the document with an error: adds where we are, when that error is ours.
    fn within(&mut self, token: impl FnOnce() -> String) {
        if !self.0.is_empty() {
            self.0.push(token());
        }
    }

    /// JSON pointer (RFC 6901).
    fn pointer(&self) -> String {
        self.0
            .iter()
            .rev()
            .flat_map(|token| ["/".to_owned(), escape_token(token)])
            .collect()
    }
}

/// Reads a value.
struct Value<'s>(&'s mut Repeated);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Document<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Document<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Document::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Document::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Document::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Document::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Document::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Document::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        loop {
            match items.next_element_seed(Value(self.0)) {
                Ok(Some(item)) => read.push(item),
                Ok(None) => return Ok(Document::Array(read)),
                Err(error) => {
                    self.0.within(|| read.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::with_capacity(ROOM);
        while let Some(name) = members.next_key_seed(Name)? {
            match members.next_value_seed(Value(self.0)) {
                Ok(value) => read.push((name, value)),
                Err(error) => {
                    self.0.within(|| name.into_owned());
                    return Err(error);
                }
            }
        }
        Members::new(read).map(Document::Object).map_err(|name| {
            self.0.0.push(name.into_owned());
            A::Error::custom("a name comes twice")
        })
    }
}

/// Reads a member's name.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
