//! Documents meant to hurt.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use proptest::prelude::*;
use schema::{BUILT_IN, Schemas, Violation};

const MEBIBYTE: usize = 1 << 20;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::builtin().unwrap());

fn check(schema: &str, document: &[u8]) -> Result<(), Violation> {
    SCHEMAS.get(schema).unwrap().check(document)
}

fn state_with(name: &str, value: &str) -> Vec<u8> {
    let mut members = vec![
        ("process_id", "\"7\""),
        ("action", "\"lock\""),
        ("battery", "5"),
        ("lock_state", "0"),
        ("version", "1"),
        ("client_id", "\"1\""),
    ];
    members.retain(|(known, _)| *known != name);
    members.push((name, value));
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{name:?}:{value}"))
        .collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

fn assert_short(violation: &Violation) {
    for text in [&violation.text, &violation.pointer] {
        assert!(
            text.chars().count() <= 300,
            "{} characters",
            text.chars().count()
        );
        assert!(!text.chars().any(char::is_control), "{text}");
    }
}

/// Scenario: bytes that are no UTF-8, at the beginning, inside a text, at the end.
/// Guarantee: code `utf-8`, and the offset of the first bad byte.
#[test]
fn broken_utf8_has_its_offset() {
    for (document, at) in [
        (&b"\xff{}"[..], 0),
        (b"{\"a\":\"\xc3\x28\"}", 6),
        (b"{\"a\":\"\xed\xa0\x80\"}", 6),
    ] {
        let violation = check("lock-state", document).unwrap_err();
        assert_eq!(violation.code, "utf-8");
        assert_eq!(violation.text, format!("not UTF-8 at byte {at}"));
    }
}

/// Scenario: a mebibyte of opening brackets; nesting at the limit and one beyond.
/// Guarantee: no stack overflows; 127 levels are read, 128 are code `json`.
#[test]
fn depth_is_limited() {
    let nested = |depth: usize| {
        let list = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        state_with("further", &list)
    };
    assert_eq!(check("lock-state", &nested(126)), Ok(()));
    assert_eq!(check("lock-state", &nested(127)).unwrap_err().code, "json");
    for bomb in ["[".repeat(MEBIBYTE), "{\"a\":".repeat(MEBIBYTE / 5)] {
        let violation = check("lock-state", bomb.as_bytes()).unwrap_err();
        assert_eq!(violation.code, "json");
        assert!(
            violation.text.contains("recursion limit"),
            "{}",
            violation.text
        );
    }
}

/// Scenario: values and names of a mebibyte, where the schema forbids them.
/// Guarantee: the violation quotes a beginning at most; pointer and text stay short and printable.
#[test]
fn nothing_large_is_echoed() {
    let long = format!("\"{}\"", "x\\u001b".repeat(MEBIBYTE / 7));
    let list = format!("[{}0]", "0,".repeat(MEBIBYTE / 2));
    for (name, value) in [
        ("action", long.as_str()),
        ("process_id", &long),
        ("battery", &long),
        ("battery", &list),
        ("version", &list),
    ] {
        let violation = check("lock-state", &state_with(name, value)).unwrap_err();
        assert_eq!(
            (violation.code, violation.pointer),
            ("schema", format!("/{name}"))
        );
        assert!(violation.text.len() < 200, "{}", violation.text);
        assert!(!violation.text.chars().any(char::is_control));
    }
    for schema in ["lock-state", "lock-command"] {
        assert_short(&check(schema, list.as_bytes()).unwrap_err());
        assert_short(&check(schema, format!("{{{long}:1}}").as_bytes()).unwrap_err());
        assert_short(&check(schema, format!("{{{long}:1,{long}:1}}").as_bytes()).unwrap_err());
    }
}

/// Scenario: a mebibyte in a field that any length is right for, and 70,000 further fields.
/// Guarantee: size alone is no fault.
#[test]
fn large_documents_pass() {
    let long = format!("\"{}\"", "x".repeat(MEBIBYTE));
    assert_eq!(check("lock-state", &state_with("version", &long)), Ok(()));
    assert_eq!(check("lock-state", &state_with("further", &long)), Ok(()));
    let many: Vec<_> = (0..70_000)
        .map(|number| format!("\"{number}\":0"))
        .collect();
    let many = format!("{{{}}}", many.join(","));
    assert_eq!(check("lock-state", &state_with("further", &many)), Ok(()));
}

/// Scenario: a name that comes twice among 70,000, where comparing all pairs takes a minute.
/// Guarantee: it is found, and the pointer names it.
#[test]
fn a_repeat_among_many_is_found() {
    let mut many: Vec<_> = (0..70_000)
        .map(|number| format!("\"{number}\":0"))
        .collect();
    many.push("\"4711\":1".into());
    let further = format!("[{{{}}}]", many.join(","));
    let violation = check("lock-state", &state_with("further", &further)).unwrap_err();
    assert_eq!(
        (violation.code, violation.pointer.as_str()),
        ("repeated-name", "/further/0/4711")
    );
}

/// Scenario: numbers around the edges of what a machine holds.
/// Guarantee: integers are read exactly, so a limit holds to the last digit; what no number can
/// hold is no JSON.
#[test]
fn numbers_are_exact() {
    assert_eq!(
        check("lock-state", &state_with("battery", "100.00000000000001"))
            .unwrap_err()
            .pointer,
        "/battery"
    );
    assert_eq!(
        check("lock-state", &state_with("version", "18446744073709551615")),
        Ok(())
    );
    assert_eq!(
        check("lock-state", &state_with("version", "-9223372036854775808")),
        Ok(())
    );
    assert_eq!(
        check("lock-state", &state_with("version", "1e999"))
            .unwrap_err()
            .code,
        "json"
    );
    assert_eq!(
        check("lock-state", &state_with("lock_state", "1.0")),
        Ok(())
    );
    assert_eq!(
        check("lock-state", &state_with("lock_state", "1.0000001"))
            .unwrap_err()
            .pointer,
        "/lock_state"
    );
}

proptest! {
    /// Scenario: arbitrary bytes, and right documents with one byte changed.
    /// Guarantee: no panic; the same verdict each time; what is said is short.
    #[test]
    fn any_bytes_have_one_verdict(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..100,
        byte in any::<u8>(),
    ) {
        let mut changed = state_with("process_id", "\"7802441525528958\"");
        let at = at % changed.len();
        changed[at] = byte;
        for document in [bytes, changed] {
            for (name, _) in BUILT_IN {
                let verdict = check(name, &document);
                prop_assert_eq!(&verdict, &check(name, &document));
                if let Err(violation) = verdict {
                    assert_short(&violation);
                }
            }
        }
    }
}
