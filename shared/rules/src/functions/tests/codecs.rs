//! Hashes, compression, encodings, what is random.

use bytes::Bytes;

use super::{call, fails, gives, with_json};
use crate::value::Value;

/// Scenario: `abc`, whose hashes the standards print, through each hash.
/// Guarantee: those hashes, in small letters.
#[test]
fn hashes_are_those_of_the_standards() {
    gives(&[
        ("md5", r#"["abc"]"#, r#""900150983cd24fb0d6963f7d28e17f72""#),
        (
            "sha",
            r#"["abc"]"#,
            r#""a9993e364706816aba3e25717850c26c9cd0d89d""#,
        ),
        (
            "hash",
            r#"["sha1","abc"]"#,
            r#""a9993e364706816aba3e25717850c26c9cd0d89d""#,
        ),
        (
            "sha256",
            r#"["abc"]"#,
            r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        ),
        (
            "hash",
            r#"["sha224","abc"]"#,
            r#""23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7""#,
        ),
    ]);
    assert_eq!(
        with_json("hash", r#"["sha512","abc"]"#)
            .unwrap()
            .to_json()
            .len(),
        130
    );
    fails(&[
        (
            "hash",
            r#"["crc","a"]"#,
            r#"hash: argument 1 must be one of md5, sha, sha1, sha224, sha256, sha384, sha512, not "crc""#,
        ),
        ("md5", "[1]", "md5: argument 1 must be text, not integer"),
    ]);
}

/// Scenario: `hello` compressed in each way, as EMQX documents it.
/// Guarantee: the same bytes, which come back as they were; other bytes fail.
#[test]
fn compressed_texts_come_back() {
    let hex = |value: Value| call("bin2hexstr", &[value]).unwrap();
    for (pack, unpack, expected) in [
        (
            "gzip",
            "gunzip",
            "1F8B0800000000000003CB48CDC9C9070086A6103605000000",
        ),
        ("zip", "unzip", "CB48CDC9C90700"),
        (
            "zip_compress",
            "zip_uncompress",
            "789CCB48CDC9C90700062C0215",
        ),
    ] {
        let packed = with_json(pack, r#"["hello"]"#).unwrap();
        assert_eq!(hex(packed.clone()), Value::text(expected), "{pack}");
        assert_eq!(call(unpack, &[packed]), Ok(Value::text("hello")));
        let message = with_json(unpack, r#"["hello"]"#).unwrap_err();
        assert!(
            message.starts_with(&format!("{unpack}: argument 1 is no ")),
            "{message}"
        );
    }
}

/// Scenario: base64 with and without padding, of both alphabets, with spaces; hex digits of odd number
/// and with a prefix; what is neither.
/// Guarantee: padding is wanted unless told otherwise; what is not right fails.
#[test]
fn encodings_are_checked() {
    gives(&[
        (
            "base64_encode",
            r#"["a","urlsafe","no_padding"]"#,
            r#""YQ""#,
        ),
        ("base64_decode", r#"["Y Q=\r\n="]"#, r#""a""#),
        ("base64_decode", r#"["YR=="]"#, r#""a""#),
        ("base64_decode", r#"["YQ==","no_padding"]"#, r#""a""#),
        ("base64_decode", r#"["Pz8_","urlsafe"]"#, r#""???""#),
        ("bin2hexstr", r#"["on","0x"]"#, r#""0x6F6E""#),
        ("hexstr2bin", r#"["0x6f6E","0x"]"#, r#""on""#),
        ("hexstr2bin", r#"["a"]"#, r#""\n""#),
        (
            "json_encode",
            r#"[{"a":["b",null,1.5]}]"#,
            r#""{\"a\":[\"b\",null,1.5]}""#,
        ),
        (
            "json_decode",
            r#"["18446744073709551615"]"#,
            "18446744073709551615",
        ),
    ]);
    fails(&[
        (
            "base64_decode",
            r#"["YQ"]"#,
            "base64_decode: argument 1 is no base64: Invalid padding",
        ),
        (
            "hexstr2bin",
            r#"["xy"]"#,
            r#"hexstr2bin: argument 1 must be hex digits, not "xy""#,
        ),
        (
            "hexstr2bin",
            r#"["6f","0x"]"#,
            r#"hexstr2bin: argument 1 must be a text that begins with argument 2, not "6f""#,
        ),
        (
            "json_decode",
            "[1]",
            "json_decode: argument 1 must be text, not integer",
        ),
    ]);
}

/// Scenario: random numbers and UUIDs, a thousand times.
/// Guarantee: numbers from 0 to 1, UUIDs of version 4 and its variant, no two the same.
#[test]
fn random_values_differ() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1_000 {
        let Ok(Value::Text(uuid)) = call("uuid_v4", &[]) else {
            panic!("no UUID");
        };
        assert_eq!((uuid.len(), uuid[14]), (36, b'4'));
        assert!(b"89ab".contains(&uuid[19]));
        assert!([8, 13, 18, 23].iter().all(|place| uuid[*place] == b'-'));
        assert!(seen.insert(uuid));
        assert!(matches!(call("random", &[]), Ok(Value::Float(0.0..1.0))));
    }
    let Ok(Value::Text(bare)) = call("uuid_v4_no_hyphen", &[]) else {
        panic!("no UUID");
    };
    assert!(bare.len() == 32 && bare.iter().all(u8::is_ascii_hexdigit));
}

/// Scenario: a variable of the process that does not begin with `EMQXVAR_`.
/// Guarantee: it is empty, as one that is not there.
#[test]
fn other_variables_are_not_read() {
    assert!(std::env::var_os("PATH").is_some());
    for name in ["PATH", "NOT_THERE", ""] {
        let value = call("getenv", &[Value::text(name)]);
        assert_eq!(value, Ok(Value::Text(Bytes::new())));
    }
}
