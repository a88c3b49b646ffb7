//! Tree to text to tree.

use bytestring::ByteString;
use proptest::prelude::*;

use super::build::expression;
use crate::functions;
use crate::sql::ast::{
    BinaryOperator, Expression, Field, Index, Node, Path, Selection, Statement, Step, UnaryOperator,
};
use crate::sql::{RuleEvent, parse};

const BINARY: [BinaryOperator; 15] = [
    BinaryOperator::Or,
    BinaryOperator::And,
    BinaryOperator::Equal,
    BinaryOperator::NotEqual,
    BinaryOperator::Less,
    BinaryOperator::LessOrEqual,
    BinaryOperator::Greater,
    BinaryOperator::GreaterOrEqual,
    BinaryOperator::TopicMatch,
    BinaryOperator::Add,
    BinaryOperator::Subtract,
    BinaryOperator::Multiply,
    BinaryOperator::Divide,
    BinaryOperator::IntegerDivide,
    BinaryOperator::Remainder,
];

/// Plain names, reserved words, and anything that quotes must carry.
fn any_name() -> impl Strategy<Value = ByteString> {
    prop_oneof![
        "[a-z_$\u{95e8}][a-z0-9_$@]{0,6}",
        prop::sample::select(vec![
            "from", "TRUE", "div", "Mod", "end", "1", "1.5", "", "-- x"
        ])
        .prop_map(str::to_owned),
        "[ '\"\\\\.\\n-]{0,4}",
        any::<String>(),
    ]
    .prop_map(ByteString::from)
}

fn any_path(range: bool) -> impl Strategy<Value = Path> {
    let number = any::<i64>().prop_filter("0 has a name", |number| *number != 0);
    let index = prop_oneof![
        number.prop_map(Index::Number),
        Just(Index::Start),
        Just(Index::End),
        any_name()
            .prop_map(|name| Index::Path(Path(vec![Step::Key(name.clone()), Step::Key(name)]))),
    ];
    let step = prop_oneof![any_name().prop_map(Step::Key), index.prop_map(Step::Index)];
    let steps = prop::collection::vec(step, 0..4);
    let last = prop::option::of(any::<(i64, i64)>());
    (any_name(), steps, last).prop_map(move |(first, steps, last)| {
        let mut path = vec![Step::Key(first)];
        path.extend(steps);
        path.extend(
            last.filter(|_| range)
                .map(|(from, to)| Step::Range(from, to)),
        );
        Path(path)
    })
}

fn any_leaf() -> impl Strategy<Value = Expression> {
    prop_oneof![
        (0..=i128::MAX).prop_map(Node::Int),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| Node::Float(number.abs())),
        any_name().prop_map(Node::Text),
        any::<bool>().prop_map(Node::Bool),
        any_path(true).prop_map(Node::Path),
        any::<(i64, i64)>().prop_map(|(from, to)| Node::Range(from, to)),
    ]
    .prop_map(expression)
}

fn any_expression() -> impl Strategy<Value = Expression> {
    any_leaf().prop_recursive(6, 40, 4, |inner| {
        let unary = prop::sample::select(vec![
            UnaryOperator::Negate,
            UnaryOperator::Plus,
            UnaryOperator::Not,
        ]);
        let some = || prop::collection::vec(inner.clone(), 1..4);
        let boxed = || inner.clone().prop_map(Box::new);
        let branches = prop::collection::vec((inner.clone(), inner.clone()), 1..3);
        let case = (
            prop::option::of(boxed()),
            branches,
            prop::option::of(boxed()),
        );
        prop_oneof![
            (unary, boxed()).prop_map(|(operator, side)| Node::Unary(operator, side)),
            (prop::sample::select(BINARY.to_vec()), boxed(), boxed())
                .prop_map(|(operator, left, right)| Node::Binary(operator, left, right)),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Array),
            (boxed(), some(), any::<bool>()).prop_map(|(needle, members, negated)| Node::In {
                needle,
                members,
                negated
            }),
            case.prop_map(|(subject, branches, otherwise)| Node::Case {
                subject,
                branches,
                otherwise
            }),
            inner.clone().prop_map(|argument| Node::Call {
                function: functions::find("upper").unwrap(),
                arguments: vec![argument],
            }),
            (inner.clone(), inner.clone()).prop_map(|(first, second)| Node::Call {
                function: functions::find("split").unwrap(),
                arguments: vec![first, second],
            }),
        ]
        .prop_map(expression)
    })
}

fn any_field() -> impl Strategy<Value = Field> {
    (any_expression(), prop::option::of(any_path(false)))
        .prop_map(|(expression, alias)| Field::One { expression, alias })
}

fn any_selection() -> impl Strategy<Value = Selection> {
    let fields = |fewest| {
        let field = prop_oneof![1 => Just(Field::All), 4 => any_field()];
        prop::collection::vec(field, fewest..4)
    };
    let list = prop::collection::vec(any_field(), 1..3);
    prop_oneof![
        fields(1).prop_map(Selection::Select),
        (list, fields(0), prop::option::of(any_expression())).prop_map(
            |(list, each, condition)| Selection::Foreach {
                list,
                each,
                condition
            }
        ),
    ]
}

fn any_source() -> impl Strategy<Value = ByteString> {
    let events = RuleEvent::ALL.into_iter().flat_map(RuleEvent::topics);
    let known: Vec<&str> = events.chain(&["$events/#", "#", "+/x"]).copied().collect();
    prop_oneof![
        prop::sample::select(known).prop_map(ByteString::from_static),
        "[a-z'\"\\\\ \u{95e8}]{1,5}(/[+]){0,2}(/#)?".prop_map(ByteString::from),
    ]
}

pub(crate) fn any_statement() -> impl Strategy<Value = Statement> {
    let from = prop::collection::vec(any_source(), 1..3);
    (any_selection(), from, prop::option::of(any_expression())).prop_map(
        |(selection, from, condition)| Statement {
            selection,
            from,
            condition,
        },
    )
}

proptest! {
    /// Scenario: any tree that a text can give.
    /// Guarantee: its text gives the same tree, and the same text again.
    #[test]
    fn a_printed_statement_reads_as_itself(statement in any_statement()) {
        let text = statement.to_string();
        match parse(&text) {
            Ok(again) => {
                prop_assert_eq!(&again, &statement, "{}", text);
                prop_assert_eq!(again.to_string(), text);
            }
            Err(error) => prop_assert!(false, "{}", error.caret(&text)),
        }
    }
}

/// Scenario: texts with more parentheses, signs and spaces than needed.
/// Guarantee: printed in the one canonical form, with the fewest parentheses.
#[test]
fn the_canonical_form() {
    for (text, expected) in [
        ("select ((a)+(b*c)) froM t;", "SELECT a + b * c FROM \"t\""),
        (
            "SELECT (a+b)*c x FROM 't'",
            "SELECT (a + b) * c AS x FROM \"t\"",
        ),
        (
            "SELECT a-(b-c)-d FROM t",
            "SELECT a - (b - c) - d FROM \"t\"",
        ),
        ("SELECT (a=b)=c FROM t", "SELECT (a = b) = c FROM \"t\""),
        ("SELECT a<>(NOT b) FROM t", "SELECT a <> (NOT b) FROM \"t\""),
        (
            "SELECT (NOT (a and b)) FROM t",
            "SELECT NOT (a AND b) FROM \"t\"",
        ),
        (
            "SELECT -(-1), -(a*b) FROM t",
            "SELECT - -1, -(a * b) FROM \"t\"",
        ),
        (
            "SELECT 1.0, 1e3, 1e300 FROM t",
            "SELECT 1.0, 1000.0, 1e300 FROM \"t\"",
        ),
        (
            "SELECT 'it''s', \"b\", \"a b\".'c' FROM t",
            "SELECT 'it''s', b, \"a b\".c FROM \"t\"",
        ),
        ("SELECT UPPER( a )[1] FROM t", ""),
        (
            "foreach p.l as i do i.x, * incase i.x not in(1,2) from t where mod(a,2)=0",
            "FOREACH p.l AS i DO i.x, * INCASE i.x NOT IN (1, 2) FROM \"t\" WHERE a mod 2 = 0",
        ),
    ] {
        let printed = parse(text).map(|statement| statement.to_string());
        assert_eq!(printed.unwrap_or_default(), expected, "{text}");
    }
}
