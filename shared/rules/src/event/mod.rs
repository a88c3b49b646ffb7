//! What a statement is about: a message or an event of a client.

mod fields;
mod names;
mod record;

pub use fields::FieldsEvent;
pub use record::RecordEvent;

use crate::value::{JsonError, Map, Value};

/// The fields of a message or event, by name.
pub trait Event {
    /// A field: [`Value::Undefined`] when the event has none of this name.
    fn field(&self, name: &str) -> Value;

    /// All fields that are defined, for `*`.
    fn fields(&self) -> Map;

    /// The payload, read as JSON. It is read once, however often it is asked for.
    fn payload(&self) -> Result<Value, JsonError>;
}

/// EMQX's rules say `clientid`, the records of its bridge `client_id`: both are the same here.
pub(crate) fn other_spelling(name: &str) -> Option<&'static str> {
    match name {
        "client_id" => Some("clientid"),
        "clientid" => Some("client_id"),
        _ => None,
    }
}
