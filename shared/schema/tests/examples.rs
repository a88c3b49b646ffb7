//! The examples of `schemas/examples`, which show what each built-in schema means.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schema::{BUILT_IN, Schemas};

/// What `expected.json` says of a failing example.
#[derive(serde::Deserialize)]
struct Expected {
    code: String,
    pointer: String,
}

fn folder(schema: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas/examples")
        .join(schema)
}

/// File name and bytes of each example.
fn examples(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect()
}

/// Scenario: every document in `pass/` of every built-in schema.
/// Guarantee: each is valid.
#[test]
fn passing_examples_pass() {
    let schemas = Schemas::builtin().unwrap();
    for (name, _) in BUILT_IN {
        let examples = examples(&folder(name).join("pass"));
        assert!(examples.len() >= 5, "{name} has too few examples");
        for (file, bytes) in examples {
            let verdict = schemas.get(name).unwrap().check(&bytes);
            assert_eq!(verdict, Ok(()), "{name}/pass/{file}");
        }
    }
}

/// Scenario: every document in `fail/` of every built-in schema.
/// Guarantee: each is refused with the code and JSON pointer of `expected.json`, and that lists
/// exactly the files that are there.
#[test]
fn failing_examples_fail_where_they_say() {
    let schemas = Schemas::builtin().unwrap();
    for (name, _) in BUILT_IN {
        let expected = fs::read(folder(name).join("expected.json")).unwrap();
        let expected: BTreeMap<String, Expected> = serde_json::from_slice(&expected).unwrap();
        let examples = examples(&folder(name).join("fail"));
        let listed: Vec<_> = expected.keys().collect();
        assert_eq!(
            listed,
            examples.keys().collect::<Vec<_>>(),
            "{name}/expected.json"
        );
        for (file, bytes) in &examples {
            let violation = schemas.get(name).unwrap().check(bytes).expect_err(file);
            let Expected { code, pointer } = &expected[file];
            assert_eq!(
                (violation.code, &violation.pointer),
                (code.as_str(), pointer),
                "{file}"
            );
            assert_eq!(violation.schema, name);
            assert!(!violation.text.is_empty(), "{file}");
        }
    }
}
