use super::super::tests::input;
use super::*;

fn toml_of(text: &str) -> Result<String, String> {
    let draft = import(&[input(("f", text))]);
    draft
        .map(|draft| draft.toml)
        .map_err(|error| error.to_string())
}

/// Scenario: names with blanks, foreign letters, nothing that can stay, great length, and the same
/// name again and again.
/// Guarantee: letters, digits, `-`, `_` and `.` only, not too long, and each once.
#[test]
fn names_are_fit_and_unlike() {
    let mut names = Names::default();
    let theirs = [
        "a b",
        "a-b",
        "a  (b)",
        "Ä",
        "",
        "rule_1.x",
        "rule_1.x",
        "rule_1.x-2",
    ];
    let ours = theirs.map(|name| names.of(name));
    let expected = [
        "a-b",
        "a-b-2",
        "a-b-3",
        "rule",
        "rule-2",
        "rule_1.x",
        "rule_1.x-2",
        "rule_1.x-2-2",
    ];
    assert_eq!(ours, expected);
    assert_eq!(names.of(&"x".repeat(1000)), "x".repeat(64));
}

/// Scenario: one rule in every shape in which EMQX gives rules.
/// Guarantee: the same TOML.
#[test]
fn every_shape_is_understood() {
    let rule = r#"{"id": "r", "sql": "SELECT * FROM \"a\"", "actions": ["kafka_producer:k"]}"#;
    let action = r#"{"type": "kafka_producer", "name": "k", "connector": "c", "parameters": {"topic": "t"}}"#;
    let by_name = r#"{"kafka_producer": {"k": {"parameters": {"topic": "t"}}}}"#;
    let shapes = [
        format!("[{rule}, {action}]"),
        format!(r#"{{"data": [{rule}, {action}], "meta": {{}}}}"#),
        format!(r#"{{"rules": [{rule}], "actions": [{action}]}}"#),
        format!(r#"{{"rules": {{"r": {rule}}}, "actions": {by_name}}}"#),
        format!(r#"{{"rule_engine": {{"rules": {{"r": {rule}}}}}, "bridges": {by_name}}}"#),
        format!(r#"{{"rule_engine.rules": {{"r": {rule}}}, "bridges": {by_name}}}"#),
        format!(
            r#"{{"rules": [{rule}], "bridges": {{"kafka": {{"k": {{"kafka": {{"topic": "t"}}}}}}}}}}"#
        ),
        format!(
            r#"{{"rules": [{rule}], "bridges": {{"kafka": {{"k": {{"producer": {{"kafka": {{"topic": "t"}}}}}}}}}}}}"#
        ),
    ];
    for shape in shapes {
        let toml = toml_of(&shape).unwrap();
        assert!(
            toml.contains("kafka = { topic = \"t\", partition = \"random\" }"),
            "{shape}\n{toml}"
        );
    }
    let toml = toml_of(rule).unwrap();
    assert!(
        toml.contains("<the Kafka topic of kafka_producer:k>"),
        "{toml}"
    );
}

/// Scenario: rules and actions that lack what they must have, or have something else in its place.
/// Guarantee: an error with line and column that says what is wrong.
#[test]
fn wrong_rules_have_places() {
    let texts = [
        (
            "{\"foo\": 1}",
            "line 1, column 1: this is no rule, action or connector of EMQX",
        ),
        ("[\n 1]", "line 2, column 2: this is no rule"),
        ("[{\"sql\": []}]", "line 1, column 10: sql must be a text"),
        (
            "[{\"sql\": \"s\", \"enable\": \"maybe\"}]",
            "line 1, column 25: enable must be true or false",
        ),
        (
            "[{\"sql\": \"s\", \"actions\": [{}]}]",
            "line 1, column 27: an action has `function`",
        ),
        (
            "[{\"sql\": \"s\", \"actions\": [[]]}]",
            "line 1, column 27: an action must be a text",
        ),
        (
            "[{\"sql\": \"s\", \"actions\": [{\"function\": \"republish\"}]}]",
            "line 1, column 27: republish has no `topic`",
        ),
        (
            "[{\"sql\": \"s\", \"actions\": [{\"name\": \"data_to_kafka\"}]}]",
            "line 1, column 27: data_to_kafka has no `topic`",
        ),
        (
            "{\"rules\": {\"r\": {\"name\": \"x\"}}}",
            "line 1, column 17: the rule has no `sql`",
        ),
        (
            "{\"actions\": [{\"type\": \"http\"}]}",
            "line 1, column 14: `type` or `name` is missing",
        ),
        (
            "[{\"sql\": \"s\", \"actions\": [\"kafka:k\"]},\n{\"type\": \"kafka\", \"name\": \"k\", \"parameters\": {}}]",
            "line 2, column 46: the Kafka `topic` is missing",
        ),
    ];
    for (text, fault) in texts {
        let error = toml_of(text).unwrap_err();
        assert!(error.starts_with(&format!("f, {fault}")), "{text}: {error}");
    }
}

/// Scenario: an action that encodes headers as JSON, but has no headers.
/// Guarantee: nothing is left out, as nothing is lost.
#[test]
fn a_setting_without_effect_is_not_missed() {
    let text = r#"[{"sql": "s", "actions": ["kafka:k"]}, {"type": "kafka", "name": "k", "parameters":
        {"topic": "t", "kafka_header_value_encode_mode": "json", "kafka_ext_headers": []}}]"#;
    let draft = import(&[input(("f", text))]).unwrap();
    assert!(draft.left_out.is_empty(), "{draft:?}");
}
