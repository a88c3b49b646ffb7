mod questions;

use clap::Parser;
use serde_json::{Value as Json, json};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: TryArgs,
}

/// What a command said, and how it ended.
#[derive(Debug)]
struct Said {
    out: String,
    notes: String,
    ending: Ending,
}

fn attempt(words: &[&str]) -> anyhow::Result<Said> {
    let line = Line::try_parse_from(["try"].iter().chain(words)).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let ending = run(&line.args, &mut out, &mut notes)?;
    let [out, notes] = [out, notes].map(|text| String::from_utf8(text).unwrap());
    Ok(Said { out, notes, ending })
}

fn said(words: &[&str]) -> Said {
    attempt(words).unwrap()
}

fn report(words: &[&str]) -> Json {
    let said = said(&[words, &["--json"]].concat());
    serde_json::from_str(&said.out).unwrap()
}

const GUIDE: &str = r#"SELECT clientid, payload.temp AS temp FROM "a/+", "b/#" WHERE temp > 20"#;
const RECORD: &str = r#"kafka = { topic = "k", key = "${client_id}", value = '{"t": ${temp}}', timestamp = 5, headers = { h = "${temp}" } }"#;

/// Scenario: a statement with two filters, a condition and an action is tried on a message that
/// matches.
/// Guarantee: every step is shown with its values, the record as it would be written.
#[test]
fn every_step_is_shown() {
    let words = [
        "--sql",
        GUIDE,
        "--topic",
        "a/1",
        "--payload",
        r#"{"temp":"27.5"}"#,
    ];
    let said = said(&[&words[..], &["--action", RECORD]].concat());
    let expected = r#"event message.publish
  clientid  "test-client"
  payload   "{\"temp\":\"27.5\"}"
FROM
  a/+  yes
  b/#  no
SELECT
  clientid  "test-client"
  temp      "27.5"
WHERE true
kafka
  topic      k
  key        test-client
  value      {"t": 27.5}
  header     h = 27.5
  timestamp  5 (1970-01-01T00:00:00.005Z)
  partition  by the key
matched: 1 result
"#;
    assert_eq!(said.out, expected);
    assert_eq!((said.notes.as_str(), said.ending), ("", Ending::Yes));
}

/// Scenario: the condition is false; another topic; another event.
/// Guarantee: the answer is no, and why; what is selected is shown where it was evaluated.
#[test]
fn why_it_does_not_match() {
    let cold = said(&[
        "--sql",
        GUIDE,
        "--topic",
        "a/1",
        "--payload",
        r#"{"temp":1}"#,
    ]);
    assert!(
        cold.out.contains("  temp      1\nWHERE false\n"),
        "{}",
        cold.out
    );
    assert!(cold.out.ends_with("not matched: WHERE is not true\n"));
    let other = said(&["--sql", GUIDE, "--topic", "a/1/2"]);
    assert!(
        other
            .out
            .ends_with("not matched: FROM is about other topics\n")
    );
    assert!(!other.out.contains("SELECT"), "{}", other.out);
    let event = said(&["--sql", GUIDE, "--event", "client.connected"]);
    assert!(
        event
            .out
            .ends_with("not matched: FROM is about other events\n")
    );
    for said in [cold, other, event] {
        assert_eq!(said.ending, Ending::No);
    }
}

/// Scenario: a statement that can't be read, and one that fails with this message.
/// Guarantee: both are errors with a caret under the place.
#[test]
fn faults_have_a_caret() {
    let unread = said(&["--sql", "SELECT uper(a)\nFROM t", "--topic", "t"]);
    assert_eq!(
        unread.notes,
        "error: line 1, column 8: unknown function uper; did you mean upper?\n  \
         SELECT uper(a)\n         ^^^^\n"
    );
    let sql = "SELECT\n  1 + upper(payload.n) AS n FROM t";
    let fails = said(&["--sql", sql, "--topic", "t", "--payload", "{}"]);
    assert!(
        fails.notes.contains("error: line 2, column 7: upper: "),
        "{}",
        fails.notes
    );
    assert!(
        fails.notes.ends_with("\n        ^^^^^^^^^^^^^^^^\n"),
        "{}",
        fails.notes
    );
    assert!(fails.out.ends_with("error: the statement fails\n"));
    let action = said(&[
        "--sql",
        "SELECT 1 AS n FROM t",
        "--topic",
        "t",
        "--action",
        r#"kafka = { topic = "${x}" }"#,
    ]);
    assert!(
        action
            .out
            .contains("kafka FAILED: action 1: there is no field x"),
        "{}",
        action.out
    );
    for said in [unread, fails, action] {
        assert_eq!(said.ending, Ending::Fault, "{said:?}");
    }
}

/// Scenario: a text in double quotes, a field that the event does not have, and an optional one.
/// Guarantee: the first two are warned of, and what is right is not.
#[test]
fn names_that_trip_people_are_warned_of() {
    let warned = |sql: &str| said(&["--sql", sql, "--topic", "t"]).notes;
    let quoted = warned(r#"SELECT clientid FROM t WHERE clientid = "foo""#);
    assert!(
        quoted.contains("warning: \"foo\" is a field") && quoted.contains("'foo'"),
        "{quoted}"
    );
    let missing = warned("SELECT clientid FROM t WHERE temp = 1");
    assert!(missing.contains("no field temp"), "{missing}");
    for right in [
        "SELECT clientid AS c, client_id FROM t WHERE c = 'foo' AND is_null(username)",
        r#"SELECT ["topic", "clientid"] AS a FROM t"#,
        "FOREACH payload.x DO item FROM t",
    ] {
        let notes = warned(right);
        assert!(!notes.contains("warning"), "{right}: {notes}");
    }
}

/// Scenario: FOREACH over three members, of which INCASE keeps two; and over none.
/// Guarantee: each member is shown with its answer; without results it does not match.
#[test]
fn members_are_shown() {
    let sql = "FOREACH payload.l AS m DO m.n AS n INCASE m.n > 1 FROM t";
    let words = ["--sql", sql, "--topic", "t", "--payload"];
    let many = report(&[&words[..], &[r#"{"l":[{"n":1},{"n":2},{"n":3}]}"#]].concat());
    let kept: Vec<_> = many["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kept"])
        .collect();
    assert_eq!(kept, [false, true, true]);
    assert_eq!(many["members"][1]["member"], json!({"n":2}));
    assert_eq!(many["results"], json!([{"n":2},{"n":3}]));
    let text = said(&[&words[..], &[r#"{"l":[{"n":1},{"n":2}]}"#]].concat()).out;
    assert!(
        text.contains("FOREACH: 1 of 2 members are kept\n  no   {\"n\":1}\n  yes  {\"n\":2}\n"),
        "{text}"
    );
    let none = said(&[&words[..], &[r#"{"l":[]}"#]].concat());
    assert_eq!(none.ending, Ending::No);
}

/// Scenario: FOREACH over 9,999 members with an action; then an action that fails on the last alone.
/// Guarantee: of each list the first 20 are shown, how many more there are, and the failure; the report
/// for programs has all.
#[test]
fn long_lists_are_cut_for_people() {
    let sql = "FOREACH payload AS m DO m.n AS n FROM t";
    let list = |last: &str| {
        let members: Vec<String> = (1..9999).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
        format!("[{},{last}]", members.join(","))
    };
    let all = list(r#"{"n":9999}"#);
    let action = r#"kafka = { topic = "k${n}" }"#;
    let words = [
        "--sql",
        sql,
        "--topic",
        "t",
        "--action",
        action,
        "--payload",
    ];
    let text = said(&[&words[..], &[&all]].concat()).out;
    let count = |text: &str, line: &str| text.lines().filter(|one| *one == line).count();
    assert_eq!((count(&text, "result"), count(&text, "kafka")), (20, 20));
    for what in ["members", "results", "of what actions make"] {
        let more = format!("and 9979 more {what}; --json has all");
        assert_eq!(count(&text, &more), 1, "{more}");
    }
    assert!(text.contains("  topic      k20\n") && !text.contains("  topic      k21\n"));
    let report = report(&[&words[..], &[&all]].concat());
    for part in ["members", "results", "effects"] {
        assert_eq!(report[part].as_array().unwrap().len(), 9999, "{part}");
    }
    let fails = said(&[&words[..], &[&list("{}")]].concat());
    assert_eq!(fails.ending, Ending::Fault);
    assert_eq!(
        count(
            &fails.out,
            "and 9978 more of what actions make; --json has all"
        ),
        1
    );
    assert!(
        fails
            .out
            .contains("kafka FAILED: action 1: there is no field n")
    );
}
