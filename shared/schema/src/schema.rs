//! One compiled JSON Schema.

use std::borrow::Cow;
use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ReferencingError, ValidationError, Validator};
use serde_json::Value;

use crate::document::{Borrowed, Document};
use crate::error::SchemaError;
use crate::read;
use crate::text::{bounded, escape_token};
use crate::violation::{Violation, describe};

/// A compiled JSON Schema of any draft from 4 to 2020-12 (2020-12 unless `$schema` says otherwise).
///
/// Patterns run on an engine that is linear in the text, and references stay in the document.
pub struct Schema {
    name: Cow<'static, str>,
    validator: Validator<Borrowed>,
    requires_client_id: bool,
}

impl Schema {
    /// The name in settings and dead letters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks a document; `Err` is the first thing wrong with it.
    pub fn check(&self, document: &[u8]) -> Result<(), Violation> {
        self.read(document).map(|_| ())
    }

    /// Whether every valid document has a member `client_id`.
    pub fn requires_client_id(&self) -> bool {
        self.requires_client_id
    }

    /// Reads and checks a document.
    pub(crate) fn read<'p>(&self, document: &'p [u8]) -> Result<Document<'p>, Violation> {
        let document = read::read(document)
            .map_err(|error| Violation::unreadable(self.name.clone(), &error))?;
        match self.validator.validate(&document) {
            Ok(()) => Ok(document),
            Err(error) => Err(Violation::invalid(self.name.clone(), &error)),
        }
    }

    /// Compiles the text of a schema; `place` says in errors where that text is.
    pub(crate) fn compile(
        name: Cow<'static, str>,
        place: &str,
        text: &str,
    ) -> Result<Self, SchemaError> {
        let schema: Value = serde_json::from_str(text).map_err(|source| SchemaError::Json {
            place: place.to_owned(),
            source,
        })?;
        let validator = jsonschema::options_for::<Borrowed>()
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .build(&schema)
            .map_err(|error| refused(place, &schema, &error))?;
        let requires_client_id = schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|required| required.iter().any(|name| name == "client_id"));
        Ok(Self {
            name,
            validator,
            requires_client_id,
        })
    }

    /// A violation of what the schema itself can't say.
    pub(crate) fn violation(&self, code: &'static str, pointer: &str, text: String) -> Violation {
        Violation {
            code,
            schema: self.name.clone(),
            pointer: pointer.to_owned(),
            text,
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.name).finish()
    }
}

/// Says where in the schema the fault is, and how to mend it.
fn refused(place: &str, schema: &Value, error: &ValidationError<'_>) -> SchemaError {
    let place = place.to_owned();
    if let ValidationErrorKind::Referencing(ReferencingError::Unretrievable { .. }) = error.kind()
        && let Some((pointer, reference)) = outward_reference(schema)
    {
        let (pointer, reference) = (bounded(pointer), bounded(reference));
        return SchemaError::Reference {
            place,
            pointer,
            reference,
        };
    }
    let advice = match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => {
            "a pattern is a regular expression without look-around and back-references, and its \
             repetitions have limits"
        }
        _ => "correct the schema there",
    };
    let pointer = match error.instance_path().as_str() {
        "" => "its top",
        pointer => pointer,
    };
    SchemaError::Invalid {
        place,
        pointer: bounded(pointer),
        text: describe(error),
        advice,
    }
}

/// The first reference that leaves the document, and the pointer to it.
fn outward_reference(schema: &Value) -> Option<(String, &str)> {
    match schema {
        Value::Object(members) => members
            .iter()
            .find_map(|(name, value)| reference_in(name, value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| reference_in(&at.to_string(), item)),
        _ => None,
    }
}

fn reference_in<'s>(name: &str, value: &'s Value) -> Option<(String, &'s str)> {
    let is_reference = matches!(name, "$ref" | "$dynamicRef" | "$recursiveRef");
    if let Value::String(reference) = value {
        let leaves = is_reference && !reference.starts_with('#');
        return leaves.then(|| (format!("/{name}"), reference.as_str()));
    }
    let (pointer, reference) = outward_reference(value)?;
    Some((format!("/{}{pointer}", escape_token(name)), reference))
}
