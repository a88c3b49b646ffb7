//! Fields of the message, null and kinds.

use super::{fails, gives};

/// Scenario: each field by its function, levels of the topic, parts of the payload.
/// Guarantee: the value of the field; undefined where there is none; a level beyond the last fails.
#[test]
fn fields_are_those_of_the_message() {
    gives(&[
        ("clientid", "[]", r#""lock-7""#),
        ("client_id", "[]", r#""lock-7""#),
        ("username", "[]", r#""gate""#),
        ("msgid", "[]", r#""0005""#),
        ("qos", "[]", "1"),
        ("clientip", "[]", r#""127.0.0.1""#),
        ("peerhost", "[]", r#""127.0.0.1""#),
        ("topic", "[]", r#""t/a/b""#),
        ("topic", "[1]", r#""t""#),
        ("topic", "[3]", r#""b""#),
        ("flags", "[]", r#"{"retain":true}"#),
        ("flag", r#"["retain"]"#, "true"),
        ("flag", r#"["dup"]"#, r#""undefined""#),
        ("payload", "[]", r#""{\"a\":{\"b\":[1]}}""#),
        ("payload", r#"["a.b"]"#, "[1]"),
        ("payload", r#"["a.c"]"#, r#""undefined""#),
    ]);
    fails(&[
        (
            "topic",
            "[4]",
            "topic: argument 1 must be the number of a level that the topic has, not 4",
        ),
        (
            "topic",
            "[0]",
            "topic: argument 1 must be the number of a level that the topic has, not 0",
        ),
        (
            "topic",
            r#"["1"]"#,
            "topic: argument 1 must be an integer, not text",
        ),
    ]);
}

/// Scenario: lists of topics and of maps with a topic and a QoS, with wildcards on either side.
/// Guarantee: a topic is found as it is, or by MQTT's rules of matching, and only with its QoS.
#[test]
fn topics_are_found_in_lists() {
    let filters = r#"[[{"topic":"t/a","qos":1},{"topic":"u/#","qos":0},"v"]"#;
    for (name, rest, expected) in [
        ("contains_topic", r#","t/a"]"#, "true"),
        ("contains_topic", r#","v"]"#, "true"),
        ("contains_topic", r#","t/b"]"#, "false"),
        ("contains_topic", r#","t/a",1]"#, "true"),
        ("contains_topic", r#","t/a",2]"#, "false"),
        ("contains_topic_match", r#","u/1/2"]"#, "true"),
        ("contains_topic_match", r#","u"]"#, "true"),
        ("contains_topic_match", r#","+/a"]"#, "true"),
        ("contains_topic_match", r#","w/#"]"#, "false"),
        ("contains_topic_match", r#","u/1",0]"#, "true"),
        ("contains_topic_match", r#","u/1",1]"#, "false"),
    ] {
        gives(&[(name, &format!("{filters}{rest}"), expected)]);
    }
    gives(&[("contains_topic_match", r##"[["#"],"$SYS/x"]"##, "false")]);
}

/// Scenario: undefined, JSON's null and empty texts where something should be.
/// Guarantee: undefined is passed over, an empty text by `coalesce_ne` only, null by neither.
#[test]
fn the_first_that_counts_is_taken() {
    gives(&[
        ("null", "[]", r#""undefined""#),
        ("coalesce", r#"["UNDEFINED",1]"#, "1"),
        ("coalesce", r#"["",1]"#, r#""""#),
        ("coalesce", "[null,1]", "null"),
        ("coalesce", "[[]]", r#""undefined""#),
        ("coalesce_ne", r#"["",1]"#, "1"),
        ("coalesce_ne", r#"["UNDEFINED",1]"#, "1"),
        ("coalesce_ne", r#"["UNDEFINED",""]"#, r#""undefined""#),
    ]);
    fails(&[(
        "coalesce",
        "[1]",
        "coalesce: argument 1 must be an array, not integer",
    )]);
}

/// Scenario: every test of a kind on every kind of value.
/// Guarantee: it is true for its kinds and no others.
#[test]
fn kinds_are_told_apart() {
    let values = [
        r#""UNDEFINED""#,
        "null",
        "true",
        "1",
        "1.5",
        r#""a""#,
        "[]",
        "{}",
    ];
    for (name, kinds) in [
        ("is_null", "10000000"),
        ("is_not_null", "01111111"),
        ("is_null_var", "11000000"),
        ("is_not_null_var", "00111111"),
        ("is_bool", "00100000"),
        ("is_int", "00010000"),
        ("is_float", "00001000"),
        ("is_num", "00011000"),
        ("is_str", "00000100"),
        ("is_array", "00000010"),
        ("is_map", "00000001"),
    ] {
        for (value, kind) in values.iter().zip(kinds.chars()) {
            let expected = if kind == '1' { "true" } else { "false" };
            gives(&[(name, &format!("[{value}]"), expected)]);
        }
    }
    gives(&[
        ("is_empty", r#"["{}"]"#, "true"),
        ("is_empty", r#"[{"a":1}]"#, "false"),
        ("is_empty", "[[1]]", "false"),
    ]);
    fails(&[
        (
            "is_empty",
            "[1]",
            "is_empty: argument 1 must be a map, not integer",
        ),
        (
            "is_empty",
            r#"["[]"]"#,
            "is_empty: argument 1 must be a map, not JSON of kind array",
        ),
    ]);
}
