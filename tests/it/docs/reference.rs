//! The reference: pages that are made from the code.

mod alerts;
mod markdown;
mod metrics;
mod pipeline;
mod pipeline_keys;
mod schemas;
mod settings;
mod spans;
mod streams;

use std::collections::BTreeMap;

use super::pages::repository;

pub(super) use spans::{ATTRIBUTES, FURTHER, SpanRow, rows as span_rows};
pub(super) use streams::BUCKETS;

/// What mends the pages.
const MEND: &str = "UPDATE_DOCS=1 cargo test -p it docs::reference";

/// Every page, by its file name.
fn pages() -> BTreeMap<&'static str, String> {
    [
        ("alerts.md", alerts::page()),
        ("metrics.md", metrics::page()),
        ("nats.md", streams::page()),
        ("pipeline.md", pipeline::page()),
        ("schemas.md", schemas::page()),
        ("settings.md", settings::page()),
        ("spans.md", spans::page()),
    ]
    .into()
}

/// The first line in which two texts differ.
fn first_difference(is: &str, wanted: &str) -> String {
    let mut lines = is.lines().zip(wanted.lines()).enumerate();
    match lines.find(|(_, (is, wanted))| is != wanted) {
        Some((number, (is, wanted))) => {
            format!("line {} is\n  {is}\nand must be\n  {wanted}", number + 1)
        }
        None => "one ends where the other goes on".to_owned(),
    }
}

/// Scenario: a setting, metric, stream, schema or alert was added or changed, and the reference was
/// not.
/// Guarantee: the reference says what the code does, and has no page that nobody makes.
#[test]
fn the_reference_is_that_of_the_code() {
    let folder = repository().join("docs/reference");
    let pages = pages();
    for (name, wanted) in &pages {
        let file = folder.join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&file, wanted).unwrap();
        }
        let is = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            is == *wanted,
            "docs/reference/{name}: {}\nrun `{MEND}`",
            first_difference(&is, wanted)
        );
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        assert!(
            pages.contains_key(name),
            "nobody makes docs/reference/{name}: remove it"
        );
    }
}
