//! What expressions work with.

mod access;
mod json;
pub(crate) mod number;
mod text;

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use indexmap::IndexMap;

pub use access::{Hop, Position, place_of};
pub use json::{JsonError, MAX_DEPTH, MAX_MEMBERS};

/// Named values in the order they were put in.
pub type Map = IndexMap<ByteString, Value>;

/// A value. Cloning shares what is large.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Value {
    /// There is no such field, key or member.
    #[default]
    Undefined,
    /// JSON's null.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer. JSON's are exact to 64 bits with and without sign, arithmetic to 128.
    Int(i128),
    /// Any other number; always finite.
    Float(f64),
    /// Text, or bytes that are none: a payload may be either.
    Text(Bytes),
    /// Values by place.
    Array(Arc<Vec<Value>>),
    /// Values by name.
    Map(Arc<Map>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text(text.into().into_bytes())
    }

    /// An array.
    pub fn array(members: Vec<Value>) -> Self {
        Self::Array(Arc::new(members))
    }

    /// A map.
    pub fn map(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }

    /// What a value is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i128> for Value {
    fn from(value: i128) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::map(map)
    }
}

impl From<Vec<Value>> for Value {
    fn from(members: Vec<Value>) -> Self {
        Self::array(members)
    }
}
