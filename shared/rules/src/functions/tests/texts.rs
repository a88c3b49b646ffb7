//! Texts.

use super::{call, fails, gives};
use crate::value::Value;

/// Scenario: letters of several scripts, characters of several code points, ends of lines.
/// Guarantee: what people see as one character counts as one and is never torn apart.
#[test]
fn characters_are_what_people_see() {
    gives(&[
        ("upper", r#"["straße"]"#, r#""STRASSE""#),
        ("lower", r#"["ÄÖ"]"#, r#""äö""#),
        ("strlen", r#"["👨‍👩‍👧x"]"#, "2"),
        ("strlen", r#"["a\r\nb"]"#, "3"),
        ("reverse", r#"["e\u0301a\r\n"]"#, "\"\\r\\nae\u{301}\""),
        ("substr", r#"["门锁abc",1,2]"#, r#""锁a""#),
        ("substr", r#"["abc",9]"#, r#""""#),
        ("substr", r#"["abc",1,0]"#, r#""""#),
        ("ascii", r#"["aé"]"#, "97"),
        ("upper", "[true]", r#""TRUE""#),
    ]);
    fails(&[
        (
            "upper",
            r#"["UNDEFINED"]"#,
            "upper: argument 1 must be text, not undefined",
        ),
        (
            "lower",
            "[null]",
            "lower: argument 1 must be text, not null",
        ),
        (
            "strlen",
            "[1]",
            "strlen: argument 1 must be text, not integer",
        ),
        (
            "substr",
            r#"["abc",-1]"#,
            "substr: argument 2 must be from 0 to 18446744073709551615, not -1",
        ),
        (
            "ascii",
            r#"[""]"#,
            r#"ascii: argument 1 must be a text with a character, not """#,
        ),
    ]);
    let bytes = Value::Text(vec![0xff].into());
    assert_eq!(
        call("upper", &[bytes]).unwrap_err(),
        "upper: argument 1 is not UTF-8"
    );
}

/// Scenario: white space of Unicode and characters of choice at the ends.
/// Guarantee: they go, at the ends asked for only; a space that does not break lines stays.
#[test]
fn ends_are_trimmed() {
    gives(&[
        ("trim", r#"["\u2028\f a \u0085"]"#, r#""a""#),
        ("trim", r#"["\u00a0a"]"#, "\"\u{a0}a\""),
        ("ltrim", r#"[" a "]"#, r#""a ""#),
        ("rtrim", r#"[" a \r\n"]"#, r#"" a""#),
        ("trim", r#"["xyaxy","yx"]"#, r#""a""#),
        ("rm_prefix", r#"["foo/bar","xxx/"]"#, r#""foo/bar""#),
    ]);
}

/// Scenario: separators at the ends, next to each other, of several characters, empty; tokens with
/// separators that are not ASCII.
/// Guarantee: EMQX's parts.
#[test]
fn texts_are_split() {
    gives(&[
        ("split", r#"["aXXbXX","XX","notrim"]"#, r#"["a","b",""]"#),
        ("split", r#"["/a/b","/","leading_notrim"]"#, r#"["","a/b"]"#),
        ("split", r#"["abc",""]"#, r#"["abc"]"#),
        ("split", r#"["",""]"#, "[]"),
        ("split", r#"["abc","x","trailing_notrim"]"#, r#"["abc"]"#),
        (
            "tokens",
            r#"["a\rb\nc\r\nd",";","nocrlf"]"#,
            r#"["a","b","c","d"]"#,
        ),
        ("tokens", r#"["门，锁;开","，;"]"#, r#"["门","锁","开"]"#),
        ("tokens", r#"["abc",""]"#, r#"["abc"]"#),
    ]);
    fails(&[
        (
            "split",
            r#"["a","b","x"]"#,
            r#"split: argument 3 must be one of notrim, leading, leading_notrim, trailing, trailing_notrim, not "x""#,
        ),
        (
            "split",
            r#"[1,","]"#,
            "split: argument 1 must be text, not integer",
        ),
        (
            "tokens",
            r#"["a","b","x"]"#,
            r#"tokens: argument 3 must be one of nocrlf, not "x""#,
        ),
    ]);
}

/// Scenario: values of every kind joined; quotes in SQL values.
/// Guarantee: each is written as text, arrays and maps as JSON, quotes doubled.
#[test]
fn values_are_joined() {
    gives(&[
        ("concat", r#"["a","UNDEFINED"]"#, r#""aundefined""#),
        ("concat", r#"[["a",1,1.5,true,[2]]]"#, r#""a11.5true[2]""#),
        (
            "join_to_string",
            r#"[["a",null,{"b":1}]]"#,
            r#""a, null, {\"b\":1}""#,
        ),
        ("join_to_string", r#"["-",[]]"#, r#""""#),
        (
            "join_to_sql_values_string",
            r#"[["it's",1,null,true,[1,"a"]]]"#,
            r#""'it''s', 1, NULL, 'true', '[1,\"a\"]'""#,
        ),
    ]);
    fails(&[(
        "concat",
        r#"["a"]"#,
        "concat: argument 1 must be an array, not text",
    )]);
}

/// Scenario: fillings of several characters, both ends, lengths below that of the text.
/// Guarantee: a filling counts as one character, an odd one goes behind.
#[test]
fn texts_are_filled_up() {
    gives(&[
        ("pad", r#"["hello",8,"both"]"#, r#"" hello  ""#),
        ("pad", r#"["门",3,"leading","锁"]"#, r#""锁锁门""#),
        ("pad", r#"["abc",-5]"#, r#""abc""#),
    ]);
    fails(&[(
        "pad",
        r#"["a",3,"middle"]"#,
        r#"pad: argument 3 must be one of trailing, leading, both, not "middle""#,
    )]);
}

/// Scenario: texts that are there several times, nowhere, empty.
/// Guarantee: the places asked for; an empty text is found at the start and replaced nowhere.
#[test]
fn texts_are_found_and_replaced() {
    gives(&[
        ("find", r#"["a,b,c",",","trailing"]"#, r#"",c""#),
        ("find", r#"["abc",""]"#, r#""abc""#),
        ("replace", r#"["aaa","aa","b"]"#, r#""ba""#),
        ("replace", r#"["aXbX","X","-","leading"]"#, r#""a-bX""#),
        ("replace", r#"["abc","","-"]"#, r#""abc""#),
        ("replace", r#"["Xa","X",""]"#, r#""a""#),
    ]);
    fails(&[(
        "replace",
        r#"["a","b",1]"#,
        "replace: argument 3 must be text, not integer",
    )]);
}

/// Scenario: each escape, hex digits of any number, what is no character and no escape.
/// Guarantee: the character, or an error that shows the escape.
#[test]
fn escapes_become_characters() {
    gives(&[
        (
            "unescape",
            r#"["\\n\\t\\r\\b\\f\\'\\\"\\?\\\\"]"#,
            r#""\n\t\r\b\f'\"?\\""#,
        ),
        ("unescape", r#"["\\x00004E16x\\x20AC"]"#, r#""世x€""#),
        ("unescape", r#"["a\\"]"#, r#""a\\""#),
        ("unescape", r#"["\\x00"]"#, r#""\u0000""#),
    ]);
    fails(&[
        (
            "unescape",
            r#"["a\\Lb"]"#,
            r"unescape: argument 1 has an unknown escape: \Lb",
        ),
        (
            "unescape",
            r#"["\\xG"]"#,
            r"unescape: argument 1 has an unknown escape: \xG",
        ),
        (
            "unescape",
            r#"["\\x110000"]"#,
            r"unescape: argument 1 has an unknown escape: \x110000",
        ),
        (
            "unescape",
            r#"["\\xD800"]"#,
            r"unescape: argument 1 has an unknown escape: \xD800",
        ),
    ]);
}
