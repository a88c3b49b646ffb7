//! Events whose fields somebody wrote down: in a test case, or on the command line.

use std::cell::OnceCell;

use super::{Event, other_spelling};
use crate::value::{JsonError, Map, Value};

/// An event made of named values.
#[derive(Clone, Debug, Default)]
pub struct FieldsEvent {
    fields: Map,
    payload: OnceCell<Result<Value, JsonError>>,
}

impl FieldsEvent {
    /// An event with these fields.
    pub fn new(fields: Map) -> Self {
        Self {
            fields,
            payload: OnceCell::new(),
        }
    }
}

impl Event for FieldsEvent {
    fn field(&self, name: &str) -> Value {
        let field = self.fields.get(name);
        let field = field.or_else(|| self.fields.get(other_spelling(name)?));
        field.cloned().unwrap_or_default()
    }

    fn fields(&self) -> Map {
        self.fields.clone()
    }

    fn payload(&self) -> Result<Value, JsonError> {
        let read = || match self.field("payload") {
            Value::Text(json) => Value::from_json(&json),
            other => Ok(other),
        };
        self.payload.get_or_init(read).clone()
    }
}
