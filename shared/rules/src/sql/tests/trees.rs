//! Texts and their trees.

use super::build::{
    array, at, bare, binary, boolean, call, case, expression, field, float, int, is_in, key, named,
    negate, not, path, range, select, text, unary,
};
use crate::sql::ast::{
    BinaryOperator as Op, Expression, Field, Index, Node, Path, Selection, Statement, Step,
    UnaryOperator,
};
use crate::sql::parse;

fn read(text: &str) -> Statement {
    parse(text).unwrap_or_else(|error| panic!("{}", error.caret(text)))
}

/// What `SELECT {text} FROM t` makes of its only field.
fn read_expression(text: &str) -> Expression {
    match read(&format!("SELECT {text} FROM t")).selection {
        Selection::Select(fields) => match fields.into_iter().next() {
            Some(Field::One { expression, .. }) => expression,
            other => panic!("{text}: {other:?}"),
        },
        other @ Selection::Foreach { .. } => panic!("{text}: {other:?}"),
    }
}

fn check(cases: impl IntoIterator<Item = (&'static str, Expression)>) {
    for (text, expected) in cases {
        assert_eq!(read_expression(text), expected, "{text}");
    }
}

/// Scenario: literals of each kind, at their edges.
/// Guarantee: integers are exact, backslashes stay, a doubled quote is one, `true` is no field.
#[test]
fn literals() {
    check([
        ("17", int(17)),
        ("9007199254740993", int(9_007_199_254_740_993)),
        ("18446744073709551615", int(u64::MAX.into())),
        ("0.25", float(0.25)),
        ("1e3", float(1000.0)),
        ("2.5E-3", float(0.0025)),
        ("''", text("")),
        (r"'\x41 ^\d+$'", text(r"\x41 ^\d+$")),
        (r"'\'", text(r"\")),
        ("'it''s'", text("it's")),
        ("''''", text("'")),
        ("'\u{95e8}\n--x'", text("\u{95e8}\n--x")),
        ("TRUE", boolean(true)),
        ("false", boolean(false)),
        ("[]", array([])),
        (
            "[1, 'a', [x]]",
            array([int(1), text("a"), array([field("x")])]),
        ),
        ("[-1..4]", range(-1, 4)),
        ("[+1 .. -2]", range(1, -2)),
        ("[-1, 4]", array([negate(int(1)), int(4)])),
    ]);
}

/// Scenario: paths with keys, indexes and ranges in every spelling.
/// Guarantee: each step is what it looks like; keywords and numbers are keys behind a dot.
#[test]
fn paths() {
    let start = Step::Index(Index::Start);
    let end = Step::Index(Index::End);
    let by = |name: &str| Step::Index(Index::Path(Path(vec![key(name)])));
    check([
        ("a.b.c", field("a.b.c")),
        ("_a1.$b", field("_a1.$b")),
        ("\u{95e8}.\u{9501}", field("\u{95e8}.\u{9501}")),
        ("p.'a b'.foo", path([key("p"), key("a b"), key("foo")])),
        (
            "p.'User-Property'.\"x y\"",
            path([key("p"), key("User-Property"), key("x y")]),
        ),
        ("\"topic\"", field("topic")),
        ("\"a.b\".c", path([key("a.b"), key("c")])),
        ("\"a\"\"b\"", path([key("a\"b")])),
        ("a.1.'b'", field("a.1.b")),
        (
            "a.b[1].'1'.100",
            path([key("a"), key("b"), at(1), key("1"), key("100")]),
        ),
        ("a.end.From", field("a.end.From")),
        ("a[2][-1].y", path([key("a"), at(2), at(-1), key("y")])),
        ("a[0]", path([key("a"), start])),
        ("a[-0]", path([key("a"), end])),
        ("a[i]", path([key("a"), by("i")])),
        ("a[1..-1]", path([key("a"), Step::Range(1, -1)])),
        ("a[i][0..3]", path([key("a"), by("i"), Step::Range(0, 3)])),
        ("div", field("div")),
        ("mod.x", field("mod.x")),
    ]);
}

/// Scenario: operators side by side, with and without parentheses.
/// Guarantee: OR, AND, NOT, comparisons, sums, products, signs: each binds more than the one
/// before; chains group from the left.
#[test]
fn operators() {
    let names = || (field("a"), field("b"), field("c"));
    let chain = |first, second| {
        let (a, b, c) = names();
        binary(binary(a, first, b), second, c)
    };
    let right = |first, second| {
        let (a, b, c) = names();
        binary(a, first, binary(b, second, c))
    };
    check([
        ("a - b - c", chain(Op::Subtract, Op::Subtract)),
        ("a - (b - c)", right(Op::Subtract, Op::Subtract)),
        ("a + b * c", right(Op::Add, Op::Multiply)),
        ("(a + b) * c", chain(Op::Add, Op::Multiply)),
        ("a div b mod c", chain(Op::IntegerDivide, Op::Remainder)),
        ("a / b <= c", chain(Op::Divide, Op::LessOrEqual)),
        ("a = b and c", chain(Op::Equal, Op::And)),
        ("a or b AND c", right(Op::Or, Op::And)),
        ("a <> (b != c)", right(Op::NotEqual, Op::NotEqual)),
        (
            "a =~ 't/#'",
            binary(field("a"), Op::TopicMatch, text("t/#")),
        ),
        ("NOT a = b", not(binary(field("a"), Op::Equal, field("b")))),
        ("NOT a AND b", binary(not(field("a")), Op::And, field("b"))),
        ("a OR NOT b", binary(field("a"), Op::Or, not(field("b")))),
        (
            "-a * b",
            binary(negate(field("a")), Op::Multiply, field("b")),
        ),
        ("a - -1", binary(field("a"), Op::Subtract, negate(int(1)))),
        ("+a", unary(UnaryOperator::Plus, field("a"))),
        ("1-1", binary(int(1), Op::Subtract, int(1))),
        ("a in (1, b)", is_in(field("a"), [int(1), field("b")])),
        ("NOT a IN (1)", not(is_in(field("a"), [int(1)]))),
        (
            "a + b IN (1)",
            is_in(binary(field("a"), Op::Add, field("b")), [int(1)]),
        ),
        (
            "a not in (1)",
            expression(Node::In {
                needle: Box::new(field("a")),
                members: vec![int(1)],
                negated: true,
            }),
        ),
    ]);
}

/// Scenario: calls and both forms of CASE, within each other.
/// Guarantee: names in any case find their function; `div(a, b)` is `a div b`.
#[test]
fn calls_and_cases() {
    let low = || binary(field("a"), Op::Less, int(20));
    check([
        ("upper(a)", call("upper", [field("a")])),
        ("UPPER ( a.b )", call("upper", [field("a.b")])),
        ("topic()", call("topic", [])),
        (
            "abs(-abs(-2))",
            call("abs", [negate(call("abs", [negate(int(2))]))]),
        ),
        ("DIV(7, a)", binary(int(7), Op::IntegerDivide, field("a"))),
        (
            "CASE WHEN a < 20 THEN 'low' END",
            case(None, [(low(), text("low"))], None),
        ),
        (
            "case a when 1 then 2 when b then upper(c) else -1 end",
            case(
                Some(field("a")),
                [(int(1), int(2)), (field("b"), call("upper", [field("c")]))],
                Some(negate(int(1))),
            ),
        ),
    ]);
}

/// Scenario: fields with and without names, names that are paths, comments, a last semicolon.
/// Guarantee: AS may be left out; all of it is read, in order.
#[test]
fn fields() {
    for (text, expected) in [
        ("SELECT * FROM t", select([Field::All])),
        (
            "select a As b, *, c froM 't';",
            select([named(field("a"), [key("b")]), Field::All, bare(field("c"))]),
        ),
        (
            "SELECT a -- what\n b FROM \"t\" -- which",
            select([named(field("a"), [key("b")])]),
        ),
        (
            "SELECT 1 AS c[-0], 2 c[0], 0 AS payload.x[2].y FROM t",
            select([
                named(int(1), [key("c"), Step::Index(Index::End)]),
                named(int(2), [key("c"), Step::Index(Index::Start)]),
                named(int(0), [key("payload"), key("x"), at(2), key("y")]),
            ]),
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

/// Scenario: FOREACH with all its parts, and with none.
/// Guarantee: each part lands in its place.
#[test]
fn foreach() {
    let full = read(
        "FOREACH json_decode(payload) AS p, p.l AS s DO s.x AS x, * INCASE s.x != 1 \
         FROM 't/#', \"$events/client_connected\" WHERE qos = 1",
    );
    assert_eq!(
        full,
        Statement {
            selection: Selection::Foreach {
                list: vec![
                    named(call("json_decode", [field("payload")]), [key("p")]),
                    named(field("p.l"), [key("s")]),
                ],
                each: vec![named(field("s.x"), [key("x")]), Field::All],
                condition: Some(binary(field("s.x"), Op::NotEqual, int(1))),
            },
            from: vec!["t/#".into(), "$events/client_connected".into()],
            condition: Some(binary(field("qos"), Op::Equal, int(1))),
        }
    );
    let Selection::Foreach {
        list,
        each,
        condition,
    } = read("FOREACH a FROM t").selection
    else {
        panic!("no FOREACH");
    };
    assert_eq!(list, [bare(field("a"))]);
    assert_eq!((each.len(), condition), (0, None));
}

/// Scenario: an expression in parentheses and one without, in a text with characters of more bytes.
/// Guarantee: the place of an expression is its text, parentheses and all.
#[test]
fn places_are_the_text_of_expressions() {
    let text = "SELECT '\u{95e8}', (a + b) * 2 , upper( x ) FROM t WHERE NOT a[1] IN (1)";
    let statement = read(text);
    let Selection::Select(fields) = statement.selection else {
        panic!("no SELECT");
    };
    let mut written: Vec<&str> = Vec::new();
    for field in &fields {
        let Field::One { expression, .. } = field else {
            panic!("no expression");
        };
        written.push(&text[expression.place.start..expression.place.end]);
    }
    let place = statement.condition.unwrap().place;
    written.push(&text[place.start..place.end]);
    assert_eq!(
        written,
        ["'\u{95e8}'", "(a + b) * 2", "upper( x )", "NOT a[1] IN (1)"]
    );
}
