//! Calculations, bits and conversions.

use super::{call, fails, gives};
use crate::value::Value;

/// Scenario: integers and floats into calculations.
/// Guarantee: integers stay exact, rounding gives integers, halves go away from zero.
#[test]
fn calculations_keep_their_kinds() {
    gives(&[
        ("abs", "[-9223372036854775808]", "9223372036854775808"),
        ("abs", "[-1.5]", "1.5"),
        ("ceil", "[1.2]", "2"),
        ("floor", "[-1.2]", "-2"),
        ("round", "[-2.5]", "-3"),
        ("round", "[9007199254740993]", "9007199254740993"),
        ("fmod", "[6.5,2.5]", "1.5"),
        ("fmod", "[-32,5]", "-2.0"),
        ("power", "[2,-1]", "0.5"),
        ("log", "[1]", "0.0"),
        ("div", "[-7,2]", "-3"),
        ("mod", "[-7,2]", "-1"),
        ("eq", "[1,1.0]", "true"),
        ("eq", "[1,1.5]", "false"),
        ("eq", r#"["1",1]"#, "false"),
    ]);
}

/// Scenario: calculations without a result: roots and logarithms of what has none, division by zero,
/// overflow, texts.
/// Guarantee: each fails; no infinity and no NaN comes out.
#[test]
fn calculations_without_a_result_fail() {
    for (name, arguments) in [
        ("log", "[-1]"),
        ("log", "[0]"),
        ("log2", "[0]"),
        ("sqrt", "[-1]"),
        ("acos", "[1.1]"),
        ("acosh", "[0.5]"),
        ("atanh", "[1]"),
        ("exp", "[1000]"),
        ("power", "[10,400]"),
        ("power", "[0,-1]"),
        ("fmod", "[1,0]"),
        ("div", "[1,0]"),
        ("mod", "[1,0]"),
    ] {
        fails(&[(
            name,
            arguments,
            &format!("{name}: there is no finite result"),
        )]);
    }
    fails(&[
        (
            "round",
            "[1e300]",
            "round: argument 1 must be within 128 bits, not 1e300",
        ),
        (
            "sin",
            r#"["1"]"#,
            "sin: argument 1 must be a number, not text",
        ),
        (
            "div",
            "[1.0,1]",
            "div: argument 1 must be an integer, not float",
        ),
    ]);
    let least = Value::Int(i128::MIN);
    assert!(call("abs", std::slice::from_ref(&least)).is_err());
    assert!(call("div", &[least.clone(), Value::Int(-1)]).is_err());
    assert!(call("mod", &[least, Value::Int(-1)]).is_err());
}

/// Scenario: shifts both ways, by more bits than there are, by a negative number.
/// Guarantee: bits that leave to the right are gone, to the left none is lost: that fails.
#[test]
fn shifts_lose_nothing_to_the_left() {
    gives(&[
        ("bitnot", "[10]", "-11"),
        ("bitsl", "[1,100]", "1267650600228229401496703205376"),
        ("bitsl", "[8,-2]", "2"),
        ("bitsl", "[0,1000]", "0"),
        ("bitsr", "[-8,1000]", "-1"),
        ("bitsr", "[8,1000]", "0"),
        ("bitsr", "[8,-2]", "32"),
        ("bytesize", r#"["门"]"#, "3"),
    ]);
    for (value, by) in [
        (1, 127),
        (1, 1_000),
        (-1, 128),
        (2, 126),
        (3, i128::MAX),
        (3, i128::MIN + 1),
    ] {
        let shifted = call("bitsl", &[Value::Int(value), Value::Int(by)]);
        assert_eq!(shifted.is_err(), by > 0, "{value} {by}");
    }
}

/// Calls `subbits` with bytes and the rest of its arguments as JSON.
fn subbits(bytes: &[u8], rest: &str) -> Result<Value, String> {
    let Ok(Value::Array(rest)) = Value::from_json(rest.as_bytes()) else {
        panic!("{rest} is no array");
    };
    let bytes = Value::Text(bytes.to_vec().into());
    call("subbits", &[&[bytes], &rest[..]].concat())
}

/// Scenario: bits from the middle and the end of bytes, signed, little-endian, odd numbers of bits, as
/// many as fit an integer and more.
/// Guarantee: the number that these bits are; less at the end, undefined beyond it.
#[test]
fn bits_are_integers() {
    let bytes = [0x9f, 0x4e, 0x58];
    for (rest, expected) in [
        ("[9,4]", 4),
        ("[17,100]", 0x58),
        (r#"[1,12,"integer","unsigned","little"]"#, 0x49f),
        (r#"[1,12,"integer","signed","big"]"#, 0x9f4 - 0x1000),
        (r#"[9,16,"integer","unsigned","little"]"#, 0x584e),
        ("[0]", 0),
    ] {
        assert_eq!(subbits(&bytes, rest), Ok(Value::Int(expected)), "{rest}");
    }
    for beyond in ["[25,8]", "[0,8]", "[-1,8]"] {
        assert_eq!(subbits(&bytes, beyond), Ok(Value::Undefined), "{beyond}");
    }
    let message = subbits(&bytes, "[-1]").unwrap_err();
    assert_eq!(
        message,
        "subbits: argument 2 must be from 0 to 134217728, not -1"
    );
    assert!(subbits(&bytes, r#"[1,8,"text"]"#).is_err());
    let ones = [0xff; 17];
    let wide = |bits: u8, sign: &str| subbits(&ones, &format!(r#"[1,{bits},"integer","{sign}"]"#));
    assert_eq!(wide(127, "unsigned"), Ok(Value::Int(i128::MAX)));
    assert_eq!(wide(128, "signed"), Ok(Value::Int(-1)));
    assert!(wide(128, "unsigned").is_err());
    assert!(wide(129, "signed").is_err());
}

/// Scenario: bits as bytes, in whole numbers of them and not; floats of each size, what is no float.
/// Guarantee: zeros stand before what fills no byte; infinity and NaN fail.
#[test]
fn bits_are_bytes_and_floats() {
    for (bits, expected) in [
        (6, vec![0x27]),
        (12, vec![0x9, 0xf4]),
        (16, vec![0x9f, 0x4e]),
    ] {
        let bits = subbits(&[0x9f, 0x4e, 0x58], &format!(r#"[1,{bits},"bits"]"#));
        assert_eq!(bits, Ok(Value::Text(expected.into())));
    }
    let no_float = || Err("subbits: the bits are no finite float".to_owned());
    for (bytes, expected) in [
        (&5.25_f64.to_be_bytes()[..], Ok(5.25)),
        (&5.25_f32.to_be_bytes(), Ok(5.25)),
        (&[0x45, 0x40], Ok(5.25)),
        (&[0x80, 0x01], Ok(-(2.0_f64.powi(-24)))),
        (&[0x7c, 0x00], no_float()),
        (&f64::NAN.to_be_bytes(), no_float()),
        (
            &[1, 2, 3],
            Err("subbits: a float has 16, 32 or 64 bits, not 24".to_owned()),
        ),
    ] {
        let rest = format!(r#"[1,{},"float"]"#, bytes.len() * 8);
        assert_eq!(subbits(bytes, &rest), expected.map(Value::Float));
    }
    let little = subbits(
        &5.25_f64.to_le_bytes(),
        r#"[1,64,"float","signed","little"]"#,
    );
    assert_eq!(little, Ok(Value::Float(5.25)));
}

/// Scenario: every kind into every conversion.
/// Guarantee: what means the same, or an error that says what was expected.
#[test]
fn conversions_take_what_emqx_takes() {
    gives(&[
        ("bool", "[1.0]", "true"),
        ("bool", r#"["false"]"#, "false"),
        ("int", "[true]", "1"),
        ("int", r#"["-7.5"]"#, "-8"),
        ("int", r#"["18446744073709551617"]"#, "18446744073709551617"),
        ("float", r#"["20"]"#, "20.0"),
        ("float", r#"["3.1415926",3]"#, "3.142"),
        ("float", "[2.5,1]", "2.5"),
        ("float2str", "[0.1,20]", r#""0.10000000000000000555""#),
        ("float2str", "[0.100001,5]", r#""0.1""#),
        ("float2str", "[20.0,0]", r#""20""#),
        ("str", r#"["UNDEFINED"]"#, r#""undefined""#),
        ("str", "[null]", r#""null""#),
        ("str", "[0.30000000004]", r#""0.3""#),
        ("str", r#"[{"a":[1,"b"]}]"#, r#""{\"a\":[1,\"b\"]}""#),
        ("str_utf8", r#"["门"]"#, r#""门""#),
        ("str_utf16_le", r#"["h"]"#, r#""h\u0000""#),
        ("map", r#"["{\"a\":1}"]"#, r#"{"a":1}"#),
        ("map", "[[]]", "{}"),
    ]);
    fails(&[
        (
            "bool",
            r#"["True"]"#,
            r#"bool: argument 1 must be true, false, 1 or 0, not "True""#,
        ),
        (
            "int",
            r#"["-100+200"]"#,
            r#"int: argument 1 must be a number within 128 bits, as 12 or -1.5e3, not "-100+200""#,
        ),
        (
            "int",
            r#"["UNDEFINED"]"#,
            "int: argument 1 must be a number, boolean or text, not undefined",
        ),
        (
            "float",
            "[true]",
            "float: argument 1 must be a number, not boolean",
        ),
        (
            "float",
            "[1.5,0]",
            "float: argument 2 must be from 1 to 253, not 0",
        ),
        (
            "float2str",
            "[1,2]",
            "float2str: argument 1 must be a float, not integer",
        ),
        (
            "float2str",
            "[1.5,254]",
            "float2str: argument 2 must be from 0 to 253, not 254",
        ),
        (
            "map",
            r#"["[1]"]"#,
            "map: argument 1 must be a map, not JSON of kind array",
        ),
    ]);
    let bytes = Value::Text(vec![0xff].into());
    assert!(call("str_utf8", std::slice::from_ref(&bytes)).is_err());
    assert_eq!(call("str", std::slice::from_ref(&bytes)), Ok(bytes));
}
