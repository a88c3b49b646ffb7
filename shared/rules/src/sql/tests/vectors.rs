//! The compatibility vectors.

use crate::sql::parse;

/// Scenario: every statement of `vectors/emqx.jsonl`.
/// Guarantee: those that EMQX refuses are refused; all others are read, and read the same again
/// when printed.
#[test]
fn every_statement_is_read_or_refused_as_expected() {
    let mut statements = 0;
    for line in include_str!("../../../vectors/emqx.jsonl").lines() {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(text) = vector["sql"].as_str() else {
            continue;
        };
        statements += 1;
        let refused = vector["expect"] == "parse_error";
        match parse(text) {
            Ok(statement) => {
                assert!(!refused, "{text}");
                let printed = statement.to_string();
                let again =
                    parse(&printed).unwrap_or_else(|error| panic!("{}", error.caret(&printed)));
                assert_eq!(again, statement, "{text}: {printed}");
            }
            Err(error) => assert!(refused, "{}", error.caret(text)),
        }
    }
    assert_eq!(statements, 412);
}
