use serde_json::{Value as Json, json};

use super::super::tests::input;
use super::*;

fn json_of(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Number(text) => serde_json::from_str(text).unwrap(),
        Value::Text(text) => json!(text),
        Value::List(items) => items.iter().map(json_of).collect(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, node)| (key.clone(), json_of(node)));
            Json::Object(members.collect())
        }
    }
}

fn read(text: &str) -> Result<Json, String> {
    let node = Reader::read(&input(("f", text)));
    node.map(|node| json_of(&node))
        .map_err(|error| error.to_string())
}

/// Scenario: JSON with everything that JSON has.
/// Guarantee: it is read as another reader of JSON does.
#[test]
fn json_is_hocon() {
    let texts = [
        include_str!("../tests/rules.json"),
        include_str!("../tests/actions.json"),
        include_str!("../tests/emqx4.json"),
        r#"{"a.b": [1, -2.5e3, true, false, null, [], {}, "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"], "": {"c":[[1],[2]]}}"#,
        "[ ]",
        "\n [1\n,\n2] ",
    ];
    for text in texts {
        let expected: Json = serde_json::from_str(text).unwrap();
        assert_eq!(read(text), Ok(expected), "{text}");
    }
}

/// Scenario: what HOCON has beyond JSON and EMQX writes.
/// Guarantee: it means what HOCON says.
#[test]
fn what_emqx_writes_is_read() {
    let texts = [
        ("a = 1\nb : x y  # z\n", json!({"a": 1, "b": "x y"})),
        (
            "a.b.c = 1, a.b.d = 2",
            json!({"a": {"b": {"c": 1, "d": 2}}}),
        ),
        ("a { b = 1 }\na { c = 2 }", json!({"a": {"b": 1, "c": 2}})),
        ("a = 1\na = [2]", json!({"a": [2]})),
        ("a = 1\na.b = 2", json!({"a": {"b": 2}})),
        ("\"a.b\" = 1", json!({"a.b": 1})),
        (
            "{a = 5s, b = 127.0.0.1:9092}",
            json!({"a": "5s", "b": "127.0.0.1:9092"}),
        ),
        ("a = \"x\" \"y\"", json!({"a": "x y"})),
        ("a = [\n  x\n  y // z\n]", json!({"a": ["x", "y"]})),
        (
            "a = \"\"\"it's \"so\" \\n\"\"\"\"",
            json!({"a": "it's \"so\" \\n\""}),
        ),
        (
            "a = \"\"\"~\n    x\n      y\n\n    z~\"\"\"",
            json!({"a": "x\n  y\n\nz"}),
        ),
        ("a = http://x/y // z", json!({"a": "http://x/y"})),
        ("# nothing", json!({})),
        ("a =\n  1", json!({"a": 1})),
    ];
    for (text, expected) in texts {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
}

/// Scenario: faults of every kind, some behind characters of several bytes.
/// Guarantee: each is told with its line and column, what was expected and what is there.
#[test]
fn faults_have_places() {
    let deep = "[".repeat(100_000);
    let long = format!("a{} = 1", ".a".repeat(100_000));
    let texts = [
        (
            "{\"é\": \"ü\" \"b\": 2}",
            "f, line 1, column 14: expected a comma, the end of the line or `}`, found `:`",
        ),
        (
            "{\"a\": ",
            "f, line 1, column 7: expected a value, found the end of the text",
        ),
        (
            "[1, {\"b\": 2",
            "f, line 1, column 12: expected a comma, the end of the line or `}`, found the end of the text",
        ),
        (
            "a = 1\n  b",
            "f, line 2, column 4: expected `=`, `:` or `{` after a key, found the end of the text",
        ),
        (
            "a = \"x\n\"",
            "f, line 1, column 7: expected `\"` at the end of a text, found the end of the line",
        ),
        (
            "a = \"\\q\"",
            "f, line 1, column 7: expected one of `\"\\/bfnrtu` after a backslash, found `q`",
        ),
        (
            "a = \"\\u12\"",
            "f, line 1, column 8: expected four hexadecimal digits, found `1`",
        ),
        (
            "[1] 2",
            "f, line 1, column 5: expected the end of the text, found `2`",
        ),
        (
            "[1 2",
            "f, line 1, column 5: expected a comma or `]`, found the end of the text",
        ),
        (
            "a = 1 }",
            "f, line 1, column 7: expected a comma, the end of the line or `}`, found `}`",
        ),
        ("a = \"\"\"x", "f, line 1, column 5: this text has no end"),
        (
            "a = ${b}",
            "f, line 1, column 5: a text with `$` must be quoted",
        ),
        ("include \"x\"", "f, line 1, column 9: expected `=`"),
        (&deep, "f, line 1, column 65: nested more than 64 deep"),
        (&long, "f, line 1, column 1: a key has more than 64 parts"),
    ];
    for (text, fault) in texts {
        let error = read(text).unwrap_err();
        let fault = fault.replace(
            "f, line 1, column 9: expected `=`",
            "f, line 1, column 1: include is not followed",
        );
        assert!(error.starts_with(&fault), "{error}");
    }
}
