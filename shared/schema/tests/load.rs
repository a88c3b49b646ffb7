//! Schema files of users.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use schema::{SchemaError, Schemas};
use tempfile::TempDir;

/// Puts a schema file into a folder and loads it.
fn load(text: &str) -> Result<TempDir, SchemaError> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine.json"), text).unwrap();
    Schemas::builtin()
        .unwrap()
        .load("mine.json", folder.path())
        .map(|_| folder)
}

/// Scenario: files that are no JSON, or JSON but no schema of their draft, one fault each.
/// Guarantee: each is refused in one line that names the file, the place in it, and what is wrong.
#[test]
fn a_faulty_file_is_refused_with_its_place() {
    for (text, place, cause) in [
        ("{\n  oops", "mine.json is not JSON", "line 2 column 3"),
        ("", "mine.json is not JSON", "EOF"),
        ("[]", "at its top", "the array is not of types"),
        (
            r#"{"properties": {"a": {"type": "nummer"}}}"#,
            "at /properties/a/type",
            "\"nummer\"",
        ),
        (
            r#"{"minLength": -1}"#,
            "at /minLength",
            "less than the minimum",
        ),
        (
            r#"{"items": {"pattern": "(a"}}"#,
            "at /items/pattern",
            "regular expression",
        ),
        (
            r##"{"items": {"$ref": "#/$defs/none"}}"##,
            "mine.json",
            "'/$defs/none' does not exist",
        ),
        (
            r#"{"$schema": "https://example.com/own"}"#,
            "mine.json",
            "Unknown meta-schema",
        ),
        (
            r#"{"$schema": "http://json-schema.org/draft-04/schema#", "required": true}"#,
            "at /required",
            "not of type \"array\"",
        ),
    ] {
        let line = load(text).expect_err(text).to_string();
        for part in ["mine.json", place, cause] {
            assert!(line.contains(part), "{part:?} is missing: {line}");
        }
        assert!(!line.contains('\n') && line.len() < 700, "{line}");
    }
}

/// Scenario: schemas that refer to an address, a file, or a document next to them.
/// Guarantee: nothing is fetched or read; the refusal names the reference and where it is.
#[test]
fn references_do_not_leave_the_file() {
    for (keyword, reference) in [
        ("$ref", "https://example.com/lock.json"),
        ("$ref", "file:///etc/hostname"),
        ("$ref", "other.json#/$defs/a"),
        ("$dynamicRef", "other.json#a"),
    ] {
        let text = format!(r#"{{"properties": {{"a/b": {{"{keyword}": "{reference}"}}}}}}"#);
        let line = load(&text).expect_err(reference).to_string();
        let place = format!("at /properties/a~1b/{keyword}: refers to {reference}");
        assert!(line.contains(&place), "{line}");
    }
    load(r##"{"$defs": {"a": {"type": "string"}}, "items": {"$ref": "#/$defs/a"}}"##).unwrap();
    load(r#"{"$ref": "https://json-schema.org/draft/2020-12/schema"}"#).unwrap();
}

/// Scenario: patterns whose matching can take exponential time, and one that needs gigabytes.
/// Guarantee: they are refused when the file is loaded, not met when a message comes.
#[test]
fn patterns_are_linear() {
    for pattern in ["^(?!x)y$", r"(a)\\1", "(((a{100}){100}){100})"] {
        let text = format!(r#"{{"pattern": "{pattern}"}}"#);
        let line = load(&text).expect_err(pattern).to_string();
        assert!(
            line.contains("at /pattern") && line.contains("look-around"),
            "{line}"
        );
    }
    // Exponential with backtracking, linear here.
    let folder = load(r#"{"pattern": "^(a+)+$"}"#).unwrap();
    let schema = Schemas::builtin()
        .unwrap()
        .load("mine.json", folder.path())
        .unwrap();
    let document = format!("\"{}b\"", "a".repeat(100_000));
    assert_eq!(
        schema.check(document.as_bytes()).unwrap_err().code,
        "schema"
    );
}

/// Scenario: schemas that refer to themselves, directly and through their parts.
/// Guarantee: they load, and checking ends, also on a document as deep as JSON may be.
#[test]
fn recursion_ends() {
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    for text in [
        r##"{"$ref": "#"}"##,
        r##"{"allOf": [{"$ref": "#"}]}"##,
        r##"{"items": {"$ref": "#"}, "type": "array"}"##,
    ] {
        let folder = load(text).unwrap();
        let schema = Schemas::builtin()
            .unwrap()
            .load("mine.json", folder.path())
            .unwrap();
        assert_eq!(schema.check(deep.as_bytes()), Ok(()), "{text}");
    }
}

/// Scenario: a name that is neither built in nor a file; a folder.
/// Guarantee: the line tells what is built in and where a file was looked for.
#[test]
fn an_unknown_name_is_refused() {
    let folder = TempDir::new().unwrap();
    let mut schemas = Schemas::builtin().unwrap();
    let line = schemas
        .load("lock-stat", folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        line.contains("`lock-stat`") && line.contains("lock-state, lock-command"),
        "{line}"
    );
    assert!(
        line.contains(&folder.path().join("lock-stat").display().to_string()),
        "{line}"
    );
    fs::create_dir(folder.path().join("lock-stat")).unwrap();
    let line = schemas
        .load("lock-stat", folder.path())
        .unwrap_err()
        .to_string();
    assert!(line.contains("cannot read the schema file"), "{line}");
}

/// Scenario: a user's schema beside the built-in ones, asked for twice.
/// Guarantee: it is compiled once, checks documents, and is named as the settings name it.
#[test]
fn a_users_schema_is_as_good_as_a_built_in_one() {
    let folder = load(r#"{"type": "object", "properties": {"temp": {"type": "number"}}}"#).unwrap();
    let mut schemas = Schemas::builtin().unwrap();
    let first = schemas.load("mine.json", folder.path()).unwrap();
    let second = schemas.load("mine.json", folder.path()).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!(first.check(br#"{"temp": 27.5}"#), Ok(()));
    let violation = first.check(br#"{"temp": "27.5"}"#).unwrap_err();
    assert_eq!(
        (violation.schema.as_ref(), violation.pointer.as_str()),
        ("mine.json", "/temp")
    );
    assert_eq!(
        violation.to_string(),
        "\"27.5\" is not of type \"number\" (schema mine.json, at /temp)"
    );
}
