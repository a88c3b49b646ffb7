//! What is a command, what of it is signed, and what a key file may hold.

use std::path::Path;

use command::{Action, Command, KeyRing, SignDigits, new_key_line};
use proptest::prelude::*;
use schema::Schemas;

/// The articles' lock.
const LOCK: &str = "10083618796833171";

/// The documented root key: bytes 0 to 31.
const KEYS: &str = "k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn ring(text: &str) -> Result<KeyRing, String> {
    KeyRing::parse(Path::new("keys"), text.as_bytes()).map_err(|error| error.to_string())
}

fn articles_command() -> Command<'static> {
    Command {
        process_id: "7802441525528958".into(),
        action: Action::Unlock,
        nonce_str: "u7u4p0n8".into(),
        ts: 1_574_744_434,
        sign: "".into(),
    }
}

/// Scenario: the articles' command under the documented root key. The expected digits come from
/// another implementation (Python's hmac and hashlib, by the documented rule).
/// Guarantee: canonical string, payload and both signatures are as documented, byte for byte.
#[test]
fn the_test_vector_holds() {
    let keys = ring(KEYS).unwrap();
    let command = articles_command();
    assert_eq!(
        command.canonical(LOCK),
        "v1\n10083618796833171\n7802441525528958\nunlock\nu7u4p0n8\n1574744434"
    );
    let whole = "a79197e76a3ed7a9a0c92e024031e894def818b27bcc3f7569376f99d8b0062d";
    let signed = keys.sign(LOCK, command.clone(), SignDigits::Whole).unwrap();
    assert_eq!(signed.sign, whole);
    let signed = keys.sign(LOCK, command, SignDigits::Truncated).unwrap();
    assert_eq!(
        String::from_utf8(signed.to_payload().unwrap()).unwrap(),
        r#"{"process_id":"7802441525528958","action":"unlock","nonce_str":"u7u4p0n8","ts":1574744434,"sign":"a79197e76a3ed7a9"}"#
    );
}

/// Scenario: payloads at and beyond each limit, and JSON that serde alone would take.
/// Guarantee: they are read, or refused, exactly as the schema `lock-command` says.
#[test]
fn commands_are_what_the_schema_says() {
    let schemas = Schemas::builtin().unwrap();
    let schema = schemas.get("lock-command").unwrap();
    let good = [
        r#""process_id":"1""#,
        r#""action":"lock""#,
        r#""nonce_str":"n""#,
        r#""ts":1"#,
        r#""sign":"0123456789abcdef""#,
    ];
    let with = |at: usize, field: &str| {
        let mut fields = good.map(str::to_owned);
        fields[at] = field.to_owned();
        format!("{{{}}}", fields.join(","))
    };
    let wide = "\u{95e8}".repeat(128);
    let nonce = "~".repeat(128);
    for (payload, expected) in [
        (with(0, good[0]), true),
        (format!(" \t\r\n{}\n", with(0, good[0])), true),
        (with(0, &format!("\"process_id\":\"{wide}\"")), true),
        (with(0, &format!("\"process_id\":\"{wide}1\"")), false),
        (with(0, r#""process_id":"""#), false),
        (with(0, r#""process_id":"\n\u00e9""#), true),
        (with(0, r#""process_id":"\ud800""#), false),
        (with(0, r#""process_id":1"#), false),
        (with(0, r#""process_id":null"#), false),
        (with(1, r#""action":"Lock""#), false),
        (with(1, r#""action":"""#), false),
        (with(1, r#""action":{"lock":null}"#), false),
        (with(2, &format!("\"nonce_str\":\"{nonce}\"")), true),
        (with(2, &format!("\"nonce_str\":\"{nonce}~\"")), false),
        (with(2, r#""nonce_str":"a b""#), false),
        (with(2, r#""nonce_str":"\u00e9""#), false),
        (with(2, r#""nonce_str":"""#), false),
        (with(3, r#""ts":0"#), true),
        (with(3, r#""ts":253402300799"#), true),
        (with(3, r#""ts":253402300800"#), false),
        (with(3, r#""ts":-1"#), false),
        (with(3, r#""ts":1.5"#), false),
        (with(3, r#""ts":"1""#), false),
        (with(4, r#""sign":"0123456789ABCDEF""#), false),
        (with(4, r#""sign":"0123456789abcde""#), false),
        (with(4, r#""sign":"0123456789abcdeg""#), false),
        (
            with(4, r#""sign":"0123456789abcdef0123456789abcdef""#),
            false,
        ),
        (with(4, &format!("\"sign\":\"{}\"", "0".repeat(64))), true),
        (with(4, r#""sign":"0123456789abcdef","more":1"#), false),
        (with(4, r#""sign":"0123456789abcdef","ts":1"#), false),
        (with(4, r#""other":1"#), false),
        (format!("{} {{}}", with(0, good[0])), false),
        (r#"["1","lock","n",1,"0123456789abcdef"]"#.to_owned(), false),
        ("{}".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(
            Command::parse(payload.as_bytes()).is_ok(),
            expected,
            "{payload}"
        );
        assert_eq!(
            schema.check(payload.as_bytes()).is_ok(),
            expected,
            "{payload}"
        );
    }
}

/// Scenario: a key file with comments, blank lines, both line ends and both cases.
/// Guarantee: the first key signs; whatever is shown of the ring holds no key.
#[test]
fn a_key_file_is_read() {
    let text = format!(
        "# keys\r\n\r\n  new-2026 {}  # since May\r\n{KEYS}\n",
        "AB".repeat(32)
    );
    let keys = ring(&text).unwrap();
    assert_eq!(keys.key_ids().collect::<Vec<_>>(), ["new-2026", "k1"]);
    assert_eq!(keys.signing_key_id(), "new-2026");
    let shown = format!("{keys:?}").to_lowercase();
    assert!(!shown.contains("abab") && !shown.contains("171"), "{shown}");
}

/// Scenario: a mistake of each kind, each on the second line.
/// Guarantee: the error names file and line, and quotes nothing that could be a key.
#[test]
fn mistakes_in_a_key_file_are_told_with_their_line() {
    let digits = "ab".repeat(32);
    for (line, expected) in [
        ("k2".to_owned(), "a line is a key id, a space and 64"),
        (digits.clone(), "a line is a key id, a space and 64"),
        (format!("k2 {digits} x"), "a line is a key id"),
        (format!("{digits} {digits}"), "a key id has 1 to 32"),
        (format!("k/2 {digits}"), "a key id has 1 to 32"),
        (format!("k2 {digits}ab"), "a key has 64 hexadecimal digits"),
        (
            format!("k2 {}x", &digits[1..]),
            "a key has 64 hexadecimal digits",
        ),
        (format!("k1 {digits}"), "the key id `k1` is there twice"),
    ] {
        let error = ring(&format!("{KEYS}\n{line}\n")).unwrap_err();
        assert!(
            error.starts_with("keys, line 2: ") && error.contains(expected),
            "{error}"
        );
        assert!(!error.contains("abab"), "{error}");
    }
    assert!(ring("# nothing\n").unwrap_err().contains("holds no key"));
    assert!(KeyRing::parse(Path::new("keys"), b"k\xff 00").is_err());
    let error = KeyRing::read(Path::new("/nonexistent/keys")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/keys"));
}

/// Scenario: two new lines for a key file, and an id that is none.
/// Guarantee: each line is read back, and no two keys are the same.
#[test]
fn new_keys_are_lines_of_a_key_file() {
    let (one, other) = (new_key_line("a").unwrap(), new_key_line("b").unwrap());
    let keys = ring(&format!("{}\n{}\n", *one, *other)).unwrap();
    assert_eq!(keys.key_ids().collect::<Vec<_>>(), ["a", "b"]);
    assert_ne!(one[1..], other[1..]);
    assert!(new_key_line("a b").is_err());
}

/// Scenario: a command that breaks the schema is to be signed.
/// Guarantee: it is refused: no lock would take it.
#[test]
fn only_commands_are_signed() {
    let keys = ring(KEYS).unwrap();
    for change in [
        |command: &mut Command<'_>| command.nonce_str = "a\nb".into(),
        |command: &mut Command<'_>| command.process_id = "".into(),
        |command: &mut Command<'_>| command.ts = 1_574_744_434_000,
    ] {
        let mut command = articles_command();
        change(&mut command);
        assert!(keys.sign(LOCK, command, SignDigits::Whole).is_err());
    }
}

proptest! {
    /// Scenario: any command that can be signed, escapes and foreign scripts included.
    /// Guarantee: what is written is read back as the same five values.
    #[test]
    fn payloads_are_read_back(
        process_id in "(?s).{1,128}",
        unlock: bool,
        nonce in "[!-~]{1,128}",
        ts in 0_u64..=253_402_300_799,
    ) {
        let action = if unlock { Action::Unlock } else { Action::Lock };
        let command = Command {
            process_id: process_id.into(),
            action,
            nonce_str: nonce.into(),
            ts,
            sign: "".into(),
        };
        let signed = ring(KEYS).unwrap().sign(LOCK, command, SignDigits::Truncated).unwrap();
        let payload = signed.to_payload().unwrap();
        prop_assert_eq!(Command::parse(&payload).unwrap(), signed);
    }

    /// Scenario: two commands for one lock whose process ids may hold line feeds and look like the
    /// fields that follow.
    /// Guarantee: they share a canonical string only when they share all values.
    #[test]
    fn canonical_strings_are_unambiguous(
        one in "[a\n]{1,4}(\nlock\nn\n[12])?", other in "[a\n]{1,4}(\nlock\nn\n[12])?",
        ts in 1_u64..3, other_ts in 1_u64..3,
    ) {
        let command = |process_id: &str, ts| Command {
            process_id: process_id.to_owned().into(),
            action: Action::Lock,
            nonce_str: "n".into(),
            ts,
            sign: "".into(),
        };
        let same = (&one, ts) == (&other, other_ts);
        let (left, right) = (command(&one, ts), command(&other, other_ts));
        prop_assert_eq!(left.canonical(LOCK) == right.canonical(LOCK), same);
    }
}
