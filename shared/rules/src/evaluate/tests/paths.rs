//! Paths into texts and into the payload, and what has no name.

use super::evaluate;

/// Scenario: paths that lead into texts, which are JSON or none, and values put into a payload that
/// is a text.
/// Guarantee: in a text that is no JSON there is nothing; a payload that is none is a failure.
#[test]
fn paths_into_texts() {
    let fails = "a path leads into a payload that is not JSON";
    for (sql, payload, expected) in [
        (
            "SELECT payload.a.b AS r, is_null(payload.a[1]) AS n FROM t",
            r#"{"a":"text"}"#,
            r#"[{"r":"undefined","n":true}]"#,
        ),
        (
            "SELECT payload.a.b AS r FROM t",
            r#"{"a":"{\"b\":1}"}"#,
            r#"[{"r":1}]"#,
        ),
        (
            "SELECT payload AS p, p.a AS r FROM t",
            "text",
            r#"[{"p":"text","r":"undefined"}]"#,
        ),
        ("SELECT payload.a AS r FROM t", "text", fails),
        ("SELECT payload, payload.a AS r FROM t", "text", fails),
        ("SELECT payload FROM t WHERE payload.a = 1", "text", fails),
        ("SELECT payload, 1 AS payload.a FROM t", "text", fails),
        (
            "SELECT payload, 1 AS payload.a FROM t",
            r#"{"b":2}"#,
            r#"[{"payload":{"b":2,"a":1}}]"#,
        ),
    ] {
        let result = evaluate(sql, payload);
        assert!(result.starts_with(expected), "{sql}: {result}");
    }
}

/// Scenario: lists without a name, with and without `DO`, and texts without a name.
/// Guarantee: a result without `DO` has the list where it was found; a text is its own name.
#[test]
fn what_has_no_name() {
    for (sql, expected) in [
        (
            "FOREACH payload.l FROM t",
            r#"[{"topic":"t/a","clientid":"lock-1","payload":{"l":[7]},"item":7}]"#,
        ),
        (
            "FOREACH payload.l AS i FROM t",
            r#"[{"topic":"t/a","clientid":"lock-1","payload":"{\"b\":2,\"l\":[7]}","i":7}]"#,
        ),
        (
            "FOREACH payload.l DO item, payload.b AS b FROM t",
            r#"[{"item":7,"b":2}]"#,
        ),
        ("SELECT 'abc' FROM t", r#"[{"abc":"abc"}]"#),
    ] {
        assert_eq!(evaluate(sql, r#"{"b":2,"l":[7]}"#), expected, "{sql}");
    }
}
