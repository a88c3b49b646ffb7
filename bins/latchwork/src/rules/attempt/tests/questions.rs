//! What is asked for: options, files, and wrong questions.

use super::*;

/// Scenario: every option about the message; an event of a client.
/// Guarantee: the statement sees what the options say, and the fields that such an event has.
#[test]
fn options_make_the_message() {
    let all = report(&[
        "--sql",
        "SELECT * FROM t",
        "--topic",
        "t",
        "--client-id",
        "c",
        "--username",
        "u",
        "--qos",
        "2",
        "--retain",
        "--user-property",
        "a=1",
        "--field",
        "timestamp=18446744073709551615",
        "--field",
        "x={\"y\":[1]}",
        "--field",
        "z=no json",
    ]);
    let result = &all["results"][0];
    for (name, expected) in [
        ("clientid", json!("c")),
        ("username", json!("u")),
        ("qos", json!(2)),
        ("flags", json!({"retain":true,"dup":false})),
        (
            "pub_props",
            json!({"User-Property":{"a":"1"},"User-Property-Pairs":[{"key":"a","value":"1"}]}),
        ),
        ("timestamp", json!(u64::MAX)),
        ("node", json!("latchwork")),
        ("x", json!({"y":[1]})),
        ("z", json!("no json")),
        ("payload", json!("")),
    ] {
        assert_eq!(result[name], expected, "{name}");
    }
    let sql = r#"SELECT event, keepalive, topic FROM "$events/client_connected""#;
    for event in [
        "client.connected",
        "$events/client/connected",
        "$events/client_connected",
    ] {
        let connected = report(&["--sql", sql, "--event", event]);
        assert_eq!(connected["results"][0]["event"], "client.connected");
        assert_eq!(connected["results"][0]["keepalive"], 60);
        assert_eq!(connected["ending"], "matched");
    }
}

/// Scenario: statement and payload in files; a rule of a file with its actions.
/// Guarantee: both are tried like texts; the report has each effect.
#[test]
fn files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let sql = format!(
        "@{}",
        file("rule.sql", b"\xef\xbb\xbfSELECT payload FROM t")
    );
    let payload = format!("@{}", file("payload", b"\xff\x00"));
    let raw = said(&[
        "--sql",
        &sql,
        "--topic",
        "t",
        "--payload",
        &payload,
        "--action",
        r#"kafka = { topic = "k", value = "${payload}" }"#,
    ]);
    assert!(raw.out.contains("value      \\xff\\u{0}"), "{}", raw.out);
    let config = file(
        "pipeline.toml",
        br#"
[[rule]]
name = "all"
sql = 'SELECT 5 AS n FROM t'
[[rule.action]]
kafka = { topic = "k", key = "", partition = 3, headers = { a = "b" } }
[[rule.action]]
republish = { topic = "o/${n}", payload = "p" }
[[rule.action]]
dead_letter = { detail = "n = ${n}" }
[[rule.action]]
drop = {}
"#,
    );
    let words = ["--rule", "all", "--config", &config, "--topic", "t"];
    let effects = &report(&words)["effects"];
    assert_eq!(effects[0]["value"], "{\"n\":5}");
    assert_eq!(
        (&effects[0]["key"], &effects[0]["partition"]),
        (&json!(null), &json!(3))
    );
    assert_eq!(effects[0]["headers"], json!([{"key":"a","value":"b"}]));
    assert_eq!(
        (&effects[1]["topic"], &effects[1]["qos"]),
        (&json!("o/5"), &json!(0))
    );
    assert_eq!(effects[2]["detail"], "n = 5");
    assert_eq!(effects[3]["action"], "drop");
}

/// Scenario: questions without an answer.
/// Guarantee: each is refused in a line that says what to do.
#[test]
fn wrong_questions_have_no_answer() {
    for (words, expected) in [
        (&["--sql", GUIDE][..], "--topic is missing"),
        (
            &["--sql", GUIDE, "--topic", "a/#"],
            "use one without +, # and null",
        ),
        (
            &["--sql", GUIDE, "--event", "client.gone"],
            "client.connected, client.disconnected",
        ),
        (
            &["--sql", "@/nowhere/x.sql", "--topic", "t"],
            "cannot read /nowhere/x.sql",
        ),
        (
            &[
                "--sql",
                GUIDE,
                "--topic",
                "a",
                "--action",
                "kafka = { tpic = 1 }",
            ],
            "tpic",
        ),
        (
            &["--rule", "none", "--config", "/nowhere/pipeline.toml"],
            "/nowhere/pipeline.toml",
        ),
    ] {
        let error = attempt(words).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
    Line::try_parse_from(["try", "--topic", "t"]).unwrap_err();
    Line::try_parse_from(["try", "--sql", "x", "--rule", "y"]).unwrap_err();
}
