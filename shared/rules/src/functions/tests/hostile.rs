//! Input that means harm.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::Config;

use super::super::{MAX_MEMBERS, MAX_TEXT, all};
use super::{call, message};
use crate::value::{Map, Value};

/// Calls of the usual run; `PROPTEST_CASES` asks for others.
const CASES: u32 = 20_000;

/// Texts that get far into a function.
const WORDS: &[&str] = &[
    "",
    "a",
    "/",
    "%Y-%m-%d %H:%M:%S.%3N%:z",
    "2024-02-23 15:00:00.123+08:00",
    "2024-02-23T15:00:00Z",
    "second",
    "nanosecond",
    "local",
    "+08:00",
    "leading",
    "trailing",
    "both",
    "notrim",
    "all",
    "nocrlf",
    "integer",
    "float",
    "bits",
    "signed",
    "little",
    "urlsafe",
    "no_padding",
    "sha512",
    "1.5",
    "-7",
    "{\"a\":{\"b\":1}}",
    "[1,2]",
    "a.b.c",
    "(a+)+$",
    "\\1&\\g{2}",
    "~5.2.0f ~p ~s~*c",
    "\\x41\\n",
    "门锁👨‍👩‍👧",
    "6f6e",
    "bG9jaw==",
];

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(WORDS).prop_map(Value::text),
        vec(any::<char>(), 0..12)
            .prop_map(|text| Value::text(text.into_iter().collect::<String>())),
        vec(any::<u8>(), 0..24).prop_map(|bytes| Value::Text(bytes.into())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Undefined),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3_i128..40).prop_map(Value::Int),
        any::<i128>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("finite", |float| float.is_finite())
            .prop_map(Value::Float),
        text(),
        text(),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::array),
            vec((select(&["a", "b"][..]), inner), 0..4).prop_map(|entries| {
                let entries = entries.into_iter();
                Value::map(
                    entries
                        .map(|(key, value)| (key.into(), value))
                        .collect::<Map>(),
                )
            }),
        ]
    })
}

/// Whether all floats are finite and no text or array is beyond the limits.
fn is_bounded(value: &Value) -> bool {
    match value {
        Value::Float(float) => float.is_finite(),
        Value::Text(text) => text.len() <= MAX_TEXT,
        Value::Array(members) => members.len() <= MAX_MEMBERS && members.iter().all(is_bounded),
        Value::Map(map) => map.values().all(is_bounded),
        _ => true,
    }
}

fn config() -> Config {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config::with_cases(CASES),
    }
}

proptest! {
    #![proptest_config(config())]

    /// Scenario: any function with arguments of any kind, in any number that it takes.
    /// Guarantee: it gives a value within the limits or an error that begins with its name; it never
    /// panics.
    #[test]
    fn no_call_panics(function in any::<Index>(), count in any::<Index>(), values in vec(value(), 6)) {
        let functions: Vec<_> = all().collect();
        let function = functions[function.index(functions.len())];
        let (min, max) = function.arguments;
        let count = min + count.index(max.min(values.len()) - min + 1);
        match (function.call)(&values[..count], &message()) {
            Ok(value) => prop_assert!(is_bounded(&value), "{function:?}"),
            Err(failure) => {
                let begins = failure.0.starts_with(&format!("{}: ", function.name));
                prop_assert!(begins, "{failure}");
                prop_assert!(failure.0.len() < 1_000, "{failure}");
            }
        }
    }
}

/// Scenario: results that would fill the memory, from small arguments or large ones.
/// Guarantee: each is refused as too large.
#[test]
fn results_have_a_limit() {
    let large = Value::Text(vec![b'a'; MAX_TEXT].into());
    let half = Value::Text(vec![b','; MAX_TEXT / 2 + 1].into());
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| Value::text((*text).to_owned()))
            .collect::<Vec<_>>()
    };
    let zeros = Value::Text(vec![0; MAX_TEXT / 4 + 1].into());
    let Ok(Value::Text(packed)) = call("gzip", &[zeros]) else {
        panic!("not packed");
    };
    let bomb = Value::Text(packed.repeat(4).into());
    for (name, arguments) in [
        ("gunzip", vec![bomb]),
        ("pad", [texts(&["a"]), vec![Value::Int(i128::MAX)]].concat()),
        (
            "pad",
            [
                texts(&["a"]),
                vec![Value::Int(1 << 20)],
                texts(&["both", &"x".repeat(1_000)]),
            ]
            .concat(),
        ),
        ("concat", vec![large.clone(), Value::Int(1)]),
        ("concat", vec![Value::array(vec![half.clone(); 2])]),
        (
            "join_to_string",
            vec![half.clone(), Value::array(vec![Value::Null; 3])],
        ),
        (
            "join_to_sql_values_string",
            vec![Value::array(vec![half.clone(); 2])],
        ),
        (
            "replace",
            [vec![half.clone()], texts(&[",", "abc"])].concat(),
        ),
        (
            "regex_replace",
            texts(&[&",".repeat(10_000), ",", &"abc".repeat(1_000)]),
        ),
        (
            "split",
            [vec![half.clone()], texts(&[",", "notrim"])].concat(),
        ),
        ("json_encode", vec![Value::array(vec![half.clone(); 2])]),
        ("str", vec![Value::array(vec![large.clone()])]),
        ("base64_encode", vec![large.clone()]),
        ("bin2hexstr", vec![half.clone()]),
        ("str_utf16_le", vec![half.clone()]),
        ("sprintf", texts(&["~99999999999s", "a"])),
        (
            "sprintf",
            [texts(&["~9999999999c"]), vec![Value::Int(65)]].concat(),
        ),
        (
            "sprintf",
            [texts(&["~p~p"]), vec![half.clone(), large]].concat(),
        ),
    ] {
        let message = call(name, &arguments).map(drop).unwrap_err();
        let expected = format!("{name}: the result is too large; the limit is ");
        assert!(message.starts_with(&expected), "{message}");
    }
}

/// Scenario: large texts that make quadratic code stand still: flags, joined characters, nearly matches,
/// placeholders, digits, levels, a pattern that backtracks for ever elsewhere.
/// Guarantee: each call comes back.
#[test]
fn work_is_linear() {
    const SIZE: usize = 1 << 18;
    let text = |part: &str| Value::text(part.repeat(SIZE / part.len()));
    let word = |word: &str| Value::text(word.to_owned());
    for characters in ["🇩🇪", "👩‍", "e\u{301}", "क्", "\r\n", "\u{301}"] {
        for (name, rest) in [
            ("strlen", vec![]),
            ("reverse", vec![]),
            (
                "substr",
                vec![Value::Int(1_000), Value::Int(i128::from(u32::MAX))],
            ),
            ("pad", vec![Value::Int(1 << 17)]),
            ("trim", vec![text(characters)]),
            ("tokens", vec![text(characters)]),
        ] {
            assert!(
                call(name, &[vec![text(characters)], rest].concat()).is_ok(),
                "{name}"
            );
        }
    }
    let nearly = Value::text(format!("{}b", "a".repeat(SIZE / 2)));
    for name in ["find", "split", "regex_match"] {
        let pattern = if name == "regex_match" {
            word("(a+)+$")
        } else {
            nearly.clone()
        };
        assert!(call(name, &[text("a"), pattern]).is_ok(), "{name}");
    }
    assert!(call("regex_replace", &[text("ab"), word("(a*)*b"), word("&")]).is_ok());
    assert!(call("replace", &[text("a"), nearly.clone(), word("x")]).is_ok());
    assert!(call("find", &[text("a"), nearly, word("trailing")]).is_ok());
    let nothing = [word("a"), Value::Int(i128::MAX), word("both"), word("")];
    assert_eq!(call("pad", &nothing), Ok(word("a")));
    assert!(call("sprintf", &[text("~~")]).is_ok());
    assert!(call("sprintf", &[text("~30t~")]).is_ok());
    assert!(call("unescape", &[text("\\\\")]).is_ok());
    assert!(call("int", &[text("9")]).is_err());
    assert!(call("float", &[text("9.")]).is_err());
    assert!(call("map_get", &[text("a."), Value::map(Map::new())]).is_ok());
    assert!(call("payload", &[text(".")]).is_ok());
    for (name, rest) in [
        ("format_date", vec![Value::Int(0)]),
        ("date_to_unix_ts", vec![text("1")]),
    ] {
        let arguments = [vec![word("second"), Value::Int(0), text("%Y%")], rest].concat();
        assert!(
            call(name, &arguments).is_ok() || name == "date_to_unix_ts",
            "{name}"
        );
    }
    let listed = Value::array(vec![word("+/+"); 1 << 16]);
    assert!(call("contains_topic_match", &[listed, text("a")]).is_ok());
}

/// Scenario: thousands of patterns, one that compiles to gigabytes, one of 64 KiB.
/// Guarantee: the small ones work, however many there were before; the large ones are refused.
#[test]
fn patterns_have_a_limit() {
    for number in 0..1_000 {
        let mut pattern = String::from("^a");
        write!(pattern, "{number}$").unwrap();
        let arguments = [Value::text(format!("a{number}")), Value::text(pattern)];
        assert_eq!(call("regex_match", &arguments), Ok(Value::Bool(true)));
    }
    for pattern in [
        "((a{1000}){1000}){1000}".to_owned(),
        "a".repeat(1 << 16),
        "(".repeat(4_000),
    ] {
        assert!(call("regex_match", &[Value::text("a"), Value::text(pattern)]).is_err());
    }
}
