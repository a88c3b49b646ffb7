//! What is wrong with a document.

use std::borrow::Cow;
use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::read::ReadError;
use crate::text::bounded;

/// The first thing that is wrong with a document; the same for the same bytes.
///
/// Documents come from strangers: pointer and text have at most 300 characters, what was cut ends
/// in `...`, and what would steer a terminal is escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// A stable word: `utf-8`, `json`, `repeated-name`, `schema`, `client-id`.
    pub code: &'static str,
    /// Name of the schema that was asked.
    pub schema: Cow<'static, str>,
    /// JSON pointer (RFC 6901) to the offending part; empty is the whole document.
    pub pointer: String,
    /// The cause for people.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            schema,
            pointer,
            text,
            ..
        } = self;
        match pointer.as_str() {
            "" => write!(f, "{text} (schema {schema})"),
            pointer => write!(f, "{text} (schema {schema}, at {pointer})"),
        }
    }
}

impl std::error::Error for Violation {}

impl Violation {
    pub(crate) fn unreadable(schema: Cow<'static, str>, error: &ReadError) -> Self {
        let (code, pointer, text) = match error {
            ReadError::Utf8(at) => ("utf-8", "", format!("not UTF-8 at byte {at}")),
            ReadError::Empty => ("json", "", "empty, where a JSON document must be".into()),
            ReadError::Json(error) => ("json", "", bounded(format_args!("not JSON: {error}"))),
            ReadError::Repeated(pointer) => {
                let text =
                    "this name comes twice in its object, and readers disagree on which one counts";
                ("repeated-name", pointer.as_str(), text.into())
            }
        };
        Self {
            code,
            schema,
            pointer: bounded(pointer),
            text,
        }
    }

    pub(crate) fn invalid(schema: Cow<'static, str>, error: &ValidationError<'_>) -> Self {
        Self {
            code: "schema",
            schema,
            pointer: bounded(error.instance_path().as_str()),
            text: describe(error),
        }
    }
}

/// The library's text, without the contents of objects and arrays.
pub(crate) fn describe(error: &ValidationError<'_>) -> String {
    match (error.kind(), error.instance().as_ref()) {
        (ValidationErrorKind::AdditionalItems { limit }, _) => {
            format!("the array has more than {limit} items")
        }
        (_, Value::Object(_)) => bounded(error.masked_with("the object")),
        (_, Value::Array(_)) => bounded(error.masked_with("the array")),
        _ => bounded(error),
    }
}
