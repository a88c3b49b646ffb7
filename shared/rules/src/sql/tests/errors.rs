//! Texts that are refused, and what people are told.

use crate::sql::{Fault, MAX_NESTING, MAX_OPERATORS, MAX_TEXT, parse};

fn check<'c>(cases: impl IntoIterator<Item = (&'c str, &'c str)>) {
    for (text, expected) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

/// Scenario: one mistake a text, between the clauses.
/// Guarantee: the error says line, column, what was expected, what is there, and what may help.
#[test]
fn of_clauses() {
    check([
        (
            "",
            "line 1, column 1: expected SELECT or FOREACH, found the end of the text",
        ),
        (
            "UPDATE t SET a = 1",
            "line 1, column 1: expected SELECT or FOREACH, found UPDATE",
        ),
        (
            "SELCT a FROM t",
            "line 1, column 1: expected SELECT or FOREACH, found SELCT; did you mean SELECT?",
        ),
        (
            "SELECT a WHERE b",
            "line 1, column 10: expected `,` or FROM, found WHERE",
        ),
        (
            "SELECT a\n  FORM \"t\"\n",
            "line 2, column 8: expected `,` or FROM, found \"t\"; did you mean FROM?",
        ),
        (
            "SELECT a \"t/#\"\n\n",
            "line 1, column 15: expected `,` or FROM, found the end of the text",
        ),
        (
            "SELECT a, FROM t",
            "line 1, column 11: expected an expression, found FROM; \
             there is a comma too many before it",
        ),
        (
            "SELECT * FROM abc ec",
            "line 1, column 19: expected `,`, WHERE or the end of the statement, found ec",
        ),
        (
            "SELECT * FROM t WHER a = 1",
            "line 1, column 17: expected `,`, WHERE or the end of the statement, found WHER; \
             did you mean WHERE?",
        ),
        (
            "SELECT * FROM t WHERE a b",
            "line 1, column 25: expected an operator or the end of the statement, found b",
        ),
        (
            "SELECT * FROM t;;",
            "line 1, column 17: expected the end of the statement, found `;`",
        ),
        (
            "FOREACH DO item FROM t",
            "line 1, column 9: expected an expression, found DO",
        ),
        (
            "FOREACH * FROM t",
            "line 1, column 9: expected an expression, found `*`; \
             `*` is a field of SELECT or DO, alone",
        ),
        (
            "FOREACH a INCASE b DO c FROM t",
            "line 1, column 20: expected an operator or FROM, found DO",
        ),
    ]);
}

/// Scenario: one mistake a text, in an expression.
/// Guarantee: the error says line, column, what was expected, what is there, and what may help.
#[test]
fn of_expressions() {
    check([
        (
            "SELECT (a + 1 FROM t",
            "line 1, column 15: expected an operator or `)`, found FROM",
        ),
        (
            "SELECT [1].b FROM t",
            "line 1, column 11: expected `,` or FROM, found `.`; \
             only a path can go on: name the value with AS, then use the name",
        ),
        (
            "SELECT a FROM t WHERE a < b < c",
            "line 1, column 29: expected AND, OR or the end of the expression, found `<`; \
             comparisons do not chain: put one of them in parentheses",
        ),
        (
            "SELECT a == b FROM t",
            "line 1, column 11: expected an expression, found `=`; \
             the sign of equality is one `=`",
        ),
        (
            "SELECT a = NOT b FROM t",
            "line 1, column 12: expected an expression, found NOT; \
             put NOT and what follows in parentheses",
        ),
        (
            "SELECT a IN () FROM t",
            "line 1, column 14: expected an expression, found `)`",
        ),
        (
            "SELECT CASE a END FROM t",
            "line 1, column 15: expected WHEN, found END",
        ),
        (
            "SELECT CASE WHEN a THEN 1 FROM t",
            "line 1, column 27: expected an operator, WHEN, ELSE or END, found FROM",
        ),
    ]);
}

/// Scenario: paths that are none.
/// Guarantee: the error names the step.
#[test]
fn of_paths() {
    for (path, expected) in [
        ("a.1.100", "column 10: expected a key, found 1.1"),
        ("a.[1]", "column 10: expected a key, found `[`"),
        (
            "a.b[1..3].c",
            "column 17: expected the end of the path, found `.`; \
             a range is the last step of a path",
        ),
        ("a as [1..3]", "column 13: expected a name, found `[`"),
        (
            "a as e[1..3]",
            "column 16: expected `]`, found `..`; \
             a range is only for reading, at the end of a path",
        ),
        ("a[]", "column 10: expected an index, found `]`"),
        ("a[1 + 1]", "column 12: expected `]` or `..`, found `+`"),
        ("a['x']", "column 10: expected an index, found 'x'"),
        (
            "a[9223372036854775808]",
            "column 10: the index is too large: the limit is 64 bits",
        ),
        (
            "[x..2]",
            "column 10: expected `,` or `]`, found `..`; the ends of a range are integers",
        ),
    ] {
        let error = parse(&format!("SELECT {path} FROM t")).unwrap_err();
        assert_eq!(error.to_string(), format!("line 1, {expected}"), "{path}");
    }
}

/// Scenario: signs and numbers that the SQL does not have, quotes that do not end.
/// Guarantee: the error is where they begin, and says what is meant by most of them.
#[test]
fn of_characters() {
    check([
        (
            "SELECT a FROM t WHERE a = 'open",
            "line 1, column 27: the text in ' that begins here does not end",
        ),
        (
            "SELECT \"a FROM t",
            "line 1, column 8: the text in \" that begins here does not end",
        ),
        (
            "SELECT a FROM t\nWHERE\ta && b",
            "line 2, column 9: unexpected character '&'; did you mean AND?",
        ),
        (
            "SELECT \u{2018}a\u{2019} FROM t",
            "line 1, column 8: unexpected character '\u{2018}'; \
             the quotes must be straight: 'text' or \"name\"",
        ),
        (
            "SELECT # FROM t",
            "line 1, column 8: unexpected character '#'",
        ),
        (
            "SELECT 12abc FROM t",
            "line 1, column 8: a number runs into a name; \
             put spaces between them, or the name in quotes",
        ),
        (
            "SELECT 1e999 FROM t",
            "line 1, column 8: the number is too large",
        ),
        (
            "SELECT 340282366920938463463374607431768211456 FROM t",
            "line 1, column 8: the number is too large",
        ),
    ]);
}

/// Scenario: functions that are misspelt, unknown, or called with too few or too many arguments.
/// Guarantee: the nearest name, or how many arguments there are.
#[test]
fn of_functions() {
    for (call, expected) in [
        ("uper(a)", "unknown function uper; did you mean upper?"),
        ("zzzzzzzzzzzzzz(a)", "unknown function zzzzzzzzzzzzzz"),
        ("upper()", "upper takes 1 argument, got 0"),
        ("Upper(a, b)", "upper takes 1 argument, got 2"),
        ("substr('a')", "substr takes 2 to 3 arguments, got 1"),
        (
            "now_rfc3339(1, 2)",
            "now_rfc3339 takes 0 to 1 arguments, got 2",
        ),
        ("mod(1)", "mod takes 2 arguments, got 1"),
        ("mod(1, 2, 3)", "mod takes 2 arguments, got 3"),
    ] {
        let error = parse(&format!("SELECT {call} FROM t")).unwrap_err();
        assert_eq!(error.to_string(), format!("line 1, column 8: {expected}"));
    }
}

/// Scenario: each way to nest, at the limit and one over it.
/// Guarantee: the limit is read, one more is refused.
#[test]
fn of_nesting() {
    for (open, middle, close) in [
        ("(", "a", ")"),
        ("[", "a", "]"),
        ("- ", "a", ""),
        ("NOT ", "a", ""),
        ("upper(", "a", ")"),
        ("mod(1, ", "a", ")"),
        ("CASE WHEN ", "a", " THEN 1 END"),
        ("a IN (", "a", ")"),
        ("a[", "a", "]"),
    ] {
        let nested = |levels: usize| {
            let (open, close) = (open.repeat(levels), close.repeat(levels));
            parse(&format!("SELECT * FROM t WHERE {open}{middle}{close}"))
        };
        assert!(nested(MAX_NESTING).is_ok(), "{open}");
        assert_eq!(
            nested(MAX_NESTING + 1).unwrap_err().fault,
            Fault::Nesting,
            "{open}"
        );
    }
}

/// Scenario: a chain of operators and a text, each as long as may be, and longer by one.
/// Guarantee: the limit is read, one more is refused; each field counts for itself.
#[test]
fn of_length() {
    let chain = |operators: usize| format!("a{}", " + a".repeat(operators));
    let (most, more) = (chain(MAX_OPERATORS), chain(MAX_OPERATORS + 1));
    assert!(parse(&format!("SELECT {most}, {most} FROM t WHERE {most}")).is_ok());
    let error = parse(&format!("SELECT {more} FROM t")).unwrap_err();
    assert_eq!(error.fault, Fault::Operators);
    let chains = format!("SELECT ({most}) * 2 FROM t");
    assert_eq!(parse(&chains).unwrap_err().fault, Fault::Operators);

    let select = "SELECT a FROM t";
    let longest = format!("{select}{}", " ".repeat(MAX_TEXT - select.len()));
    assert!(parse(&longest).is_ok());
    let error = parse(&(longest + " ")).unwrap_err();
    assert_eq!(error.fault, Fault::TooLong(MAX_TEXT + 1));
}
