//! What the vectors do not say, and what no input may do.

mod paths;

use proptest::prelude::*;

use super::fuel::LIMIT;
use crate::event::FieldsEvent;
use crate::sql::parse;
use crate::sql::tests::any_statement;
use crate::value::{Map, Value};

fn event(payload: &str) -> FieldsEvent {
    FieldsEvent::new(Map::from_iter([
        ("topic".into(), Value::text("t/a")),
        ("clientid".into(), Value::text("lock-1")),
        ("payload".into(), Value::text(payload.to_owned())),
    ]))
}

/// The results as JSON; `none` when the conditions are not met, the failure's text when it failed.
fn evaluate(sql: &str, payload: &str) -> String {
    let statement = parse(sql).unwrap_or_else(|error| panic!("{}", error.caret(sql)));
    match statement.evaluate(&event(payload)) {
        Ok(None) => "none".to_owned(),
        Ok(Some(results)) => {
            let results = results.into_iter().map(Value::map).collect();
            String::from_utf8(Value::array(results).to_json().to_vec()).unwrap()
        }
        Err(failed) => failed.to_string(),
    }
}

fn value(expression: &str, payload: &str) -> String {
    let result = evaluate(&format!("SELECT {expression} AS r FROM t"), payload);
    let value = result.strip_prefix("[{\"r\":");
    value
        .and_then(|value| value.strip_suffix("}]"))
        .unwrap_or(&result)
        .to_owned()
}

/// Scenario: integers at the ends of 64 and 128 bits, and beyond what a float holds.
/// Guarantee: all results are exact, or a failure; none goes through a float.
#[test]
fn integers_are_exact() {
    for (expression, expected) in [
        ("payload.n", "18446744073709551615"),
        ("payload.n + 1", "18446744073709551616"),
        (
            "payload.n * 4611686018427387904",
            "85070591730234615861231965839514664960",
        ),
        ("payload.n * payload.n", "the number is too large"),
        ("9007199254740993 = 9007199254740992.0", "false"),
        ("9007199254740993 > 9007199254740992.0", "true"),
        ("'9007199254740993' = 9007199254740993", "true"),
        ("-7 div 2", "-3"),
        ("-7 mod 2", "-1"),
        ("1 mod 0", "division by zero"),
        ("1.5 div 1", "div needs integers, not floats"),
        ("1e308 * 10", "the number is too large"),
    ] {
        let value = value(expression, r#"{"n":18446744073709551615}"#);
        assert!(value.starts_with(expected), "{expression}: {value}");
    }
}

/// Scenario: values of different kinds beside each other.
/// Guarantee: comparisons follow EMQX: texts beside numbers are read as such, what is undefined has
/// no relation to anything else, `IN` and `CASE` compare without reading.
#[test]
fn kinds_beside_each_other() {
    for (expression, expected) in [
        ("'10' > 9", "true"),
        ("'x' > 9", "the text \"x\" is compared with a number"),
        ("payload.none = 1", "false"),
        ("payload.none <> 1", "false"),
        ("payload.none = payload.nothing", "true"),
        ("true = 'true'", "true"),
        ("payload.null = 'null'", "true"),
        ("1 IN ('1', 2)", "false"),
        ("1 IN (1.0)", "false"),
        ("1 NOT IN (2)", "true"),
        (
            "CASE 1 WHEN '1' THEN 'text' WHEN 1 THEN 'int' END",
            "\"int\"",
        ),
        ("CASE WHEN false THEN 1 END", "\"undefined\""),
        ("[1, 'a'] = [1.0, 'a']", "true"),
        ("[1, 2] < [1, 3]", "true"),
        ("map_new() < [1]", "true"),
        ("1 AND true", "false"),
        ("NOT 1", "false"),
        ("NOT payload.none", "false"),
        ("NOT (payload.none = 1)", "true"),
        ("+'1'", "\"1\""),
        ("'1e3' = 1000", "the text \"1e3\" is compared with a number"),
        ("' 5' = 5", "the text \" 5\" is compared with a number"),
        ("'+5' = 5", "true"),
        ("'1.0e3' = 1000", "true"),
        ("payload.none =~ 't/+'", "false"),
        ("topic =~ payload.none", "false"),
        ("topic =~ 't/+'", "true"),
        ("topic =~ 't/#/x'", "=~: topic filter"),
        ("topic =~ 1", "=~ needs a topic and a filter"),
    ] {
        let value = value(expression, r#"{"null":null}"#);
        assert!(value.starts_with(expected), "{expression}: {value}");
    }
}

/// Scenario: ranges within arrays, at and beyond their ends, and ranges without end.
/// Guarantee: what is there comes out; what is no array or no range of one, or too large, is a failure.
#[test]
fn ranges() {
    for (expression, expected) in [
        ("payload.l[2..3]", "[2,3]"),
        ("payload.l[3..9]", "[3,4]"),
        ("payload.l[-2..-1]", "[3,4]"),
        ("payload.l[-9..2]", "[-9..2] is no range of an array of 4"),
        ("payload.l[0..2]", "[0..2] is no range"),
        ("payload.l[3..1]", "[3..1] is no range"),
        ("payload.l[9..1]", "[]"),
        ("payload.l[1..-5]", "[]"),
        ("payload.l[5..6]", "[]"),
        ("payload.l[3..2]", "[]"),
        ("payload.e[1..2]", "[]"),
        ("clientid[1..2]", "[1..2] needs an array, not text"),
        ("[3..1]", "[3..1] ends before it begins"),
        ("[3..2]", "[]"),
        (
            "[1..9223372036854775807]",
            "[1..9223372036854775807] has more than",
        ),
        (
            "[-9223372036854775808..9223372036854775807]",
            "[-9223372036854775808..9223372036854775807] has more",
        ),
    ] {
        let value = value(expression, r#"{"l":[1,2,3,4],"e":[]}"#);
        assert!(value.starts_with(expected), "{expression}: {value}");
    }
}

/// Scenario: names that hide fields, in selections and in conditions.
/// Guarantee: a selection asks the event for what a name does not have; a condition does not.
#[test]
fn names_and_fields() {
    for (sql, expected) in [
        (
            "SELECT 1 AS payload.a, payload.b AS b FROM t",
            r#"[{"payload":{"a":1},"b":2}]"#,
        ),
        ("SELECT 1 AS payload.a FROM t WHERE payload.b = 2", "none"),
        (
            "SELECT upper(clientid) FROM t",
            r#"[{"upper(clientid)":"LOCK-1"}]"#,
        ),
        ("SELECT client_id AS c FROM t", r#"[{"c":"lock-1"}]"#),
        (
            "FOREACH payload.l AS clientid DO clientid AS c FROM t",
            r#"[{"c":1},{"c":2}]"#,
        ),
        ("FOREACH payload.l AS i INCASE i > 5 FROM t", "[]"),
    ] {
        assert_eq!(evaluate(sql, r#"{"b":2,"l":[1,2]}"#), expected, "{sql}");
    }
}

/// Scenario: lists whose every member has the whole message looked at again, and one with too many
/// members.
/// Guarantee: both are failures; the same with few members is none.
#[test]
fn work_is_bounded() {
    let payload = |members: usize| format!(r#"{{"l":[{}0]}}"#, "0,".repeat(members));
    let each = "FOREACH payload.l DO json_decode(payload) AS p, json_encode(p) AS q, json_decode(q) AS r FROM t";
    let failure = evaluate(each, &payload(9_000));
    assert!(failure.contains("takes more than"), "{failure:.100}");
    assert!(evaluate(each, &payload(50)).starts_with("[{\"p\":"));
    let failure = evaluate("FOREACH payload.l FROM t", &payload(10_000));
    assert!(failure.contains("10001 members"), "{failure:.100}");
}

/// Scenario: the deepest statement, on the stack of a thread of the runtime.
/// Guarantee: it is evaluated.
#[test]
fn deep_statements_have_room() {
    let sum = format!(
        "SELECT {}1 AS r FROM t",
        "1 + ".repeat(crate::sql::MAX_OPERATORS)
    );
    let deep = format!(
        "SELECT {}1{} AS r FROM t",
        "abs(".repeat(crate::sql::MAX_NESTING - 1),
        ")".repeat(crate::sql::MAX_NESTING - 1)
    );
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let thread = thread.spawn(move || (evaluate(&sum, ""), evaluate(&deep, "")));
    let (sum, deep) = thread.unwrap().join().unwrap();
    assert_eq!((&*sum, &*deep), (r#"[{"r":257}]"#, r#"[{"r":1}]"#));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Int(number.into())),
        (-1e9..1e9_f64).prop_map(Value::Float),
        any::<String>().prop_map(Value::text),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::array),
            prop::collection::vec(("[a-z]{1,2}", inner), 0..4).prop_map(|entries| {
                Value::map(
                    entries
                        .into_iter()
                        .map(|(key, value)| (key.into(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    /// Scenario: any statement on any message.
    /// Guarantee: there is a result, none, or a failure with a text; the work is within its bound.
    #[test]
    fn any_statement_on_any_message(
        statement in any_statement(),
        payload in prop_oneof![any_json().prop_map(|value| value.to_json()), any::<Vec<u8>>().prop_map(Into::into)],
    ) {
        let event = FieldsEvent::new(Map::from_iter([
            ("topic".into(), Value::text("t/a")),
            ("payload".into(), Value::Text(payload)),
        ]));
        match statement.evaluate(&event) {
            Ok(Some(results)) => prop_assert!(results.len() <= 10_000),
            Ok(None) => {}
            Err(failed) => prop_assert!(!failed.to_string().is_empty()),
        }
    }

    /// Scenario: a statement without a list, on a message and on the same with eight times as long texts
    /// and lists.
    /// Guarantee: it takes at most eight times as many steps, and some.
    #[test]
    fn steps_are_linear(members in 1..200_usize) {
        let sql = "SELECT *, upper(payload.s) AS u, json_decode(payload) AS p, p.s AS s, split(u, 'A') AS l, \
                   regex_replace(u, 'A+B', 'x') AS x FROM t WHERE length(l) >= 0 AND x <> ''";
        let statement = parse(sql).unwrap();
        let steps = |times: usize| {
            let payload = format!(r#"{{"s":"{}"}}"#, "ab ".repeat(members * times));
            let fuel = super::Fuel::full();
            statement.evaluate_burning(&event(&payload), &fuel).unwrap();
            LIMIT - fuel.left()
        };
        let (short, long) = (steps(1), steps(8));
        prop_assert!(long <= 8 * short, "{short} {long}");
    }
}
