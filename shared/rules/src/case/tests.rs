use super::*;
use crate::action::{Action, ActionText};
use crate::rule::OnFailure;

fn rule(sql: &str, actions: &[&str]) -> Rule {
    let action = |json: &&str| Action::from(serde_json::from_str::<ActionText>(json).unwrap());
    Rule {
        name: "r".into(),
        sql: sql.into(),
        statement: crate::sql::parse(sql).unwrap(),
        actions: actions.iter().map(action).collect(),
        shadow: false,
        on_failure: OnFailure::default(),
        cases: Vec::new(),
    }
}

fn differences(rule: &Rule, expected: &str) -> Vec<&'static str> {
    let json = format!(r#"{{"name":"n","input":{{"topic":"t/1","payload":{{"n":5}}}}{expected}}}"#);
    let case: Case = serde_json::from_str(&json).unwrap();
    case.check(rule).iter().map(|one| one.what).collect()
}

/// Scenario: one rule with each kind of action, and cases that expect the right and a wrong thing of
/// each; and cases that expect nothing.
/// Guarantee: a case passes only when everything that it names is so, and one that names nothing
/// never does.
#[test]
fn each_part_is_compared() {
    let rule = rule(
        r#"SELECT payload.n AS n FROM "t/#""#,
        &[
            r#"{"kafka":{"topic":"k","key":"","value":"${n}","headers":{"a":"b"}}}"#,
            r#"{"republish":{"topic":"o","payload":"${n}"}}"#,
            r#"{"dead_letter":{"detail":"n is ${n}"}}"#,
            r#"{"drop":{}}"#,
        ],
    );
    for (expected, wrong) in [
        (r#","expect":{"n":5}"#, None),
        (r#","expect":[{"n":5}]"#, None),
        (r#","expect":{"n":6}"#, Some("result")),
        (r#","expect":false"#, Some("result")),
        (r#","expect":"error""#, Some("result")),
        (
            r#","records":[{"topic":"k","value":"5","headers":{"a":"b"}}]"#,
            None,
        ),
        (r#","records":[{"value":"6"}]"#, Some("records")),
        (r#","records":[]"#, Some("records")),
        (r#","published":[{"topic":"o","qos":0}]"#, None),
        (r#","published":[{"retain":true}]"#, Some("published")),
        (r#","dead_letters":["n is 5"]"#, None),
        (r#","dead_letters":[]"#, Some("dead_letters")),
        (r#","dropped":true"#, None),
        (r#","dropped":false"#, Some("dropped")),
        ("", Some("case")),
    ] {
        let differences = differences(&rule, expected);
        assert_eq!(differences, Vec::from_iter(wrong), "{expected}");
    }
}

/// Scenario: a statement that fails, an action that fails, and cases that look elsewhere.
/// Guarantee: no failure passes unseen, and both kinds can be expected.
#[test]
fn failures_are_seen() {
    let fails = rule("SELECT 1 / 0 AS n FROM \"t/#\"", &[r#"{"drop":{}}"#]);
    let action = rule(
        r#"SELECT 1 AS n FROM "t/#""#,
        &[r#"{"kafka":{"topic":"${x}"}}"#],
    );
    for (rule, expected, wrong) in [
        (&fails, r#","expect":"error""#, None),
        (&fails, r#","records":[]"#, Some("result")),
        (&fails, r#","dropped":false"#, Some("result")),
        (&action, r#","expect":"error""#, None),
        (&action, r#","expect":{"n":1}"#, Some("actions")),
        (&action, r#","records":[]"#, Some("records")),
    ] {
        assert_eq!(
            differences(rule, expected),
            Vec::from_iter(wrong),
            "{expected}"
        );
    }
}

/// Scenario: parts of records and messages that there are not: misspelt, or those of the other.
/// Guarantee: each is refused by its name, with those that there are.
#[test]
fn unknown_parts_are_refused() {
    for (expected, name) in [
        (r#""records":[{"topic":"k"},{"topc":"k"}]"#, "topc"),
        (r#""records":[{"payload":"k"}]"#, "payload"),
        (r#""published":[{"value":"k"}]"#, "value"),
    ] {
        let json = format!(r#"{{"name":"n","input":{{}},{expected}}}"#);
        let error = serde_json::from_str::<Case>(&json).unwrap_err().to_string();
        let told = format!("unknown field `{name}`, expected one of `topic`, ");
        assert!(error.contains(&told), "{error}");
    }
}

/// Scenario: a record without a key and a time, where another value is expected.
/// Guarantee: what came is told without them, and that they are missing can be expected.
#[test]
fn what_a_record_has_not_is_left_out() {
    let rule = rule(
        r#"SELECT 1 AS n FROM "t/#""#,
        &[r#"{"kafka":{"topic":"k","key":"","value":"${n}"}}"#],
    );
    let json = r#"{"name":"n","input":{"topic":"t/1"},"records":[{"value":"2"}]}"#;
    let case: Case = serde_json::from_str(json).unwrap();
    let got = &case.check(&rule)[0].got;
    assert_eq!(
        got,
        r#"[{"topic":"k","value":"1","partition":"key","headers":{}}]"#
    );
    let missing = r#","records":[{"key":{"$undefined":true},"timestamp":{"$undefined":true}}]"#;
    assert!(differences(&rule, missing).is_empty());
}
