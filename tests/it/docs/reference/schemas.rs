//! `schemas.md`: the files of `schemas/`.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::super::pages::repository;
use super::markdown::{MADE, code, table};

pub(super) fn page() -> String {
    let mut page = format!(
        "# Schemas\n\n{MADE}\n\n\
         JSON Schemas (draft 2020-12) of what devices send and of what Kafka gets. A `[[contract]]` or \
         `[[topic]]` of the [pipeline file](pipeline.md) names one, or a file of yours. The wire format \
         between the stages is [`latchwork.proto`](../../schemas/latchwork.proto).\n"
    );
    let folder = repository().join("schemas");
    for name in names(&folder, ".schema.json") {
        page.push_str(&section(&folder, &name));
    }
    page
}

/// What the files of a folder are called before this end, sorted.
fn names(folder: &Path, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files
        .filter_map(|file| file.strip_suffix(end).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn section(folder: &Path, name: &str) -> String {
    let schema = read(&folder.join(format!("{name}.schema.json")));
    let examples = folder.join("examples").join(name);
    let description = schema["description"].as_str().unwrap();
    let mut text = format!(
        "\n## {name}\n\n{description} ([`{name}.schema.json`](../../schemas/{name}.schema.json))\n\n{}",
        table(&["Field", "Required", "Is", "Meaning"], fields(&schema)),
    );
    let passing = names(&examples.join("pass"), ".json");
    let usual = passing
        .iter()
        .find(|file| *file == "usual")
        .unwrap_or(&passing[0]);
    let example = std::fs::read_to_string(examples.join(format!("pass/{usual}.json"))).unwrap();
    write!(
        text,
        "\nIt passes:\n\n```json\n{}\n```\n",
        example.trim_end()
    )
    .unwrap();
    let refused = names(&examples.join("fail"), ".json");
    let refused: Vec<String> = refused.iter().map(|file| file.replace('-', " ")).collect();
    write!(text, "\nIt is refused: {}.\n", refused.join("; ")).unwrap();
    text
}

/// The fields, those that must be there first.
fn fields(schema: &Value) -> Vec<Vec<String>> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().unwrap();
    let mut fields: Vec<_> = properties.iter().collect();
    fields.sort_by_key(|(name, _)| (!required.contains(&Value::from(name.as_str())), *name));
    let row = |(name, field): (&String, &Value)| {
        let is_required = required.contains(&Value::from(name.as_str()));
        vec![
            code(name),
            if is_required { "yes" } else { "" }.to_owned(),
            what(field),
            field["description"].as_str().unwrap_or_default().to_owned(),
        ]
    };
    fields.into_iter().map(row).collect()
}

/// The type and the bounds of a field.
fn what(field: &Value) -> String {
    if let Some(constant) = field.get("const") {
        return format!("`{constant}`");
    }
    if let Some(values) = field["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    if let Some(definition) = field["$ref"].as_str() {
        return code(definition.rsplit('/').next().unwrap());
    }
    let mut words = match &field["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    };
    for (key, sign) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "length at least"),
        ("maxLength", "length at most"),
        ("pattern", "like"),
        ("format", "format"),
    ] {
        match &field[key] {
            Value::Null => {}
            Value::String(text) => write!(words, ", {sign} `{text}`").unwrap(),
            bound => write!(words, ", {sign} {bound}").unwrap(),
        }
    }
    words
}
