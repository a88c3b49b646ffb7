//! The schemas by name: those that come with Latchwork, and files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::error::SchemaError;
use crate::schema::Schema;

macro_rules! built_in {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../schemas/", $name, ".schema.json")),
        )
    };
}

/// Name and text of every built-in schema.
pub const BUILT_IN: [(&str, &str); 7] = [
    built_in!("lock-state"),
    built_in!("lock-command"),
    built_in!("envelope-publish"),
    built_in!("envelope-acked"),
    built_in!("lock-alert"),
    built_in!("lock-status"),
    built_in!("lock-audit"),
];

/// Compiled schemas by name. Compiling costs some 0.1 ms, so each is compiled once.
#[derive(Debug)]
pub struct Schemas(BTreeMap<String, Arc<Schema>>);

impl Schemas {
    /// The schemas that come with Latchwork.
    pub fn builtin() -> Result<Self, SchemaError> {
        let compile = |(name, text)| {
            let schema = Schema::compile(Cow::Borrowed(name), name, text)?;
            Ok((String::from(name), Arc::new(schema)))
        };
        BUILT_IN
            .into_iter()
            .map(compile)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A schema that is known already.
    pub fn get(&self, name: &str) -> Option<&Arc<Schema>> {
        self.0.get(name)
    }

    /// A schema by the name that a settings file gives it: a known one, or else a file, relative
    /// to `folder`.
    pub fn load(&mut self, name: &str, folder: &Path) -> Result<Arc<Schema>, SchemaError> {
        if let Some(known) = self.0.get(name) {
            return Ok(Arc::clone(known));
        }
        let file = folder.join(name);
        if !file.exists() {
            let built_in = BUILT_IN.map(|(name, _)| name).join(", ");
            return Err(SchemaError::Unknown {
                name: name.to_owned(),
                built_in,
                file,
            });
        }
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(source) => return Err(SchemaError::Read { file, source }),
        };
        let place = format!("schema file {}", file.display());
        let schema = Arc::new(Schema::compile(Cow::Owned(name.to_owned()), &place, &text)?);
        self.0.insert(name.to_owned(), Arc::clone(&schema));
        Ok(schema)
    }
}
