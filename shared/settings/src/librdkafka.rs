//! The raw table of librdkafka's own settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use toml::{Table, Value};

/// Reads `[kafka.librdkafka]`: names of librdkafka with their values as text.
///
/// `security.protocol = "SSL"` without quotes around the name is TOML for a table in a table; it
/// means the same here.
pub(crate) fn table<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let mut settings = BTreeMap::new();
    flatten("", Table::deserialize(reader)?, &mut settings).map_err(D::Error::custom)?;
    Ok(settings)
}

fn flatten(
    prefix: &str,
    table: Table,
    settings: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        let text = match value {
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(value) => value.to_string(),
            Value::Table(inner) => {
                flatten(&format!("{name}."), inner, settings)?;
                continue;
            }
            Value::Array(_) | Value::Datetime(_) => {
                return Err(format!("`{name}` must be a text, a number, true or false"));
            }
        };
        if settings.insert(name.clone(), text).is_some() {
            return Err(format!(
                "`{name}` is there twice, once with quotes and once without"
            ));
        }
    }
    Ok(())
}
