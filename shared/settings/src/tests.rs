//! What a pipeline file may say.

use std::path::Path;
use std::time::Duration;

use record::Kind;

use crate::{Pipeline, SessionSettings, UnknownTopic};

fn read(text: &str) -> Result<Pipeline, String> {
    Pipeline::read(Path::new("pipeline.toml"), text).map_err(|error| error.to_string())
}

/// Scenario: no file.
/// Guarantee: the articles' own set-up is in force.
#[test]
fn without_a_file_the_articles_set_up_is_in_force() {
    let pipeline = Pipeline::load(None).unwrap();
    let names: Vec<_> = pipeline
        .topics()
        .iter()
        .map(|topic| topic.name.as_str())
        .collect();
    assert_eq!(names, ["message_state", "message_command"]);
    assert!(pipeline.topics().iter().all(|topic| topic.schema.is_some()));
    let contract = pipeline.contracts().find("devices/1/command").unwrap();
    assert_eq!(contract.schema().name(), "lock-command");
    let wanted = pipeline.wanted_events();
    assert!(wanted.wants(Kind::Acked, "devices/1/command"));
    assert!(!wanted.wants(Kind::Acked, "devices/1/state"));
    assert!(!wanted.wants(Kind::Connected, ""));
}

/// Scenario: a mistake of each kind.
/// Guarantee: one line names the file, line, column, and what is wrong.
#[test]
fn mistakes_are_told_with_their_place() {
    for (text, expected) in [
        (
            "[[hook]]\nevnt = 1\n",
            "pipeline.toml, line 2, column 1: unknown key `evnt`; did you mean `event`?",
        ),
        ("[[hook]", "pipeline.toml, line 1, column"),
        (
            "[[hook]]\nevent = \"message.pubilsh\"\nkafka_topic = \"a\"\n",
            "line 2, column 9: unknown event `message.pubilsh`; did you mean `message.publish`?",
        ),
        (
            "[[hook]]\nevent = \"message.publish\"\nfilter = \"a/#/b\"\nkafka_topic = \"a\"\n",
            "line 3, column 10: topic filter \"a/#/b\"",
        ),
        (
            "[[hook]]\nevent = \"message.publish\"\nkafka_topic = \"a b\"\n",
            "line 3, column 15: \"a b\" is no Kafka topic",
        ),
        (
            "[[contract]]\nfilter = \"a\"\nschema = \"lock-sate\"\n",
            "line 3, column 10: there is no schema `lock-sate`",
        ),
        (
            "[streams]\npartitions = 0\n",
            "line 2, column 14: 0 is out of range; use 1 to 256",
        ),
        (
            "[streams]\nup_max_bytes = \"4GB\"\n",
            "a size is a number of bytes",
        ),
        (
            "[[regel]]\n",
            "line 1, column 3: unknown key `regel`; known are contract, hook, rule, topic",
        ),
        (
            "[kafka]\nunkown_topic = 1\n",
            "line 2, column 1: unknown key `unkown_topic`; did you mean",
        ),
        (
            "[kafka]\nunknown_topic = \"weit\"\n",
            "unknown value `weit`; did you mean `wait`?",
        ),
        (
            "[[contract]]\nfilter = \"a\"\n",
            "line 1, column 1: the key `schema` is missing",
        ),
        (
            "[[hook]]\nevent = 7\n",
            "line 2, column 9: invalid type: integer `7`",
        ),
        (
            "# \u{95e8}\u{9501}\na = \"\u{95e8}\" oops\n",
            "line 2, column 9",
        ),
        (
            "[sessions]\nqueue = 0\n",
            "line 2, column 9: 0 is out of range; use 1 to 1000000 entries",
        ),
        (
            "[sessions]\nqueue_max_age_s = -1\n",
            "line 2, column 19: -1 is out of range; use 1 to 31622400 seconds",
        ),
        (
            "[sessions]\nretained = 10000001\n",
            "10000001 is out of range; use 0 to 10000000 topics",
        ),
        (
            "[sessions]\nretained_max_bytes = \"1GB\"\n",
            "a size is a number of bytes",
        ),
        (
            "[streams]\nreplicas = 6\n",
            "line 2, column 12: 6 is out of range; use 1 to 5",
        ),
        (
            "[[topic]]\nname = \"a\"\n[[topic]]\nname = \"a\"\n",
            "line 4, column 8: the topic `a` is there twice",
        ),
        (
            "[kafka.librdkafka]\nssl.ca.location = [\"a\"]\n",
            "`ssl.ca.location` must be a text, a number",
        ),
        (
            "[[topic]]\nname = \"a\"\npartitions = 0\n",
            "line 3, column 14: 0 is out of range",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

/// Scenario: a schema file beside the pipeline file that is no schema, and one that is.
/// Guarantee: the first is told with its file, the second is used.
#[test]
fn schema_files_are_looked_for_beside_the_pipeline_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.toml");
    let text = "[[contract]]\nfilter = \"a\"\nschema = \"own.json\"\n";
    std::fs::write(folder.path().join("own.json"), r#"{"type": "strng"}"#).unwrap();
    let error = Pipeline::read(&file, text).unwrap_err().to_string();
    assert!(
        error.contains("own.json") && error.contains("line 3"),
        "{error}"
    );
    std::fs::write(folder.path().join("own.json"), r#"{"type": "string"}"#).unwrap();
    let pipeline = Pipeline::read(&file, text).unwrap();
    assert!(pipeline.contracts().check("a", b"1").is_err());
    assert!(pipeline.contracts().check("a", b"\"1\"").is_ok());
}

/// Scenario: Kafka settings as people write them.
/// Guarantee: numbers and switches become librdkafka's text.
#[test]
fn librdkafka_settings_are_text() {
    let pipeline = read(
        "[kafka]\nunknown_topic = \"dead-letter\"\n[kafka.librdkafka]\n\"linger.ms\" = 5\n\
         \"enable.idempotence\" = true\n\"compression.type\" = \"zstd\"\n",
    )
    .unwrap();
    let table = pipeline.librdkafka();
    assert_eq!(table.get("linger.ms").map(String::as_str), Some("5"));
    assert_eq!(
        table.get("enable.idempotence").map(String::as_str),
        Some("true")
    );
    assert_eq!(pipeline.unknown_topic(), UnknownTopic::DeadLetter);
}

/// Scenario: names of librdkafka with and without quotes, which TOML tells apart; a password.
/// Guarantee: both mean the setting of that name; the same one in both ways is refused; neither
/// the summary nor the debug text shows a value.
#[test]
fn librdkafka_names_need_no_quotes() {
    let pipeline = read(
        "[kafka.librdkafka]\nsecurity.protocol = \"SASL_SSL\"\nsasl.password = \"s3cret\"\n\
         \"sasl.username\" = \"lock\"\n",
    )
    .unwrap();
    let names: Vec<_> = pipeline.librdkafka().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["sasl.password", "sasl.username", "security.protocol"]
    );
    for shown in [pipeline.to_string(), format!("{pipeline:?}")] {
        assert!(
            shown.contains("sasl.password") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
    let twice = "[kafka.librdkafka]\nlinger.ms = 1\n\"linger.ms\" = 2\n";
    let error = read(twice).unwrap_err();
    assert!(error.contains("`linger.ms` is there twice"), "{error}");
}

/// The schema of a Kafka topic's values.
fn schema_of(pipeline: &Pipeline, name: &str) -> Option<String> {
    let topic = pipeline
        .topics()
        .iter()
        .find(|topic| topic.name == name)
        .unwrap();
    topic.schema.as_ref().map(|schema| schema.name().to_owned())
}

fn hook(event: &str, kafka_topic: &str) -> String {
    format!("[[hook]]\nevent = \"{event}\"\nkafka_topic = \"{kafka_topic}\"\n")
}

/// Scenario: Kafka topics with one kind of envelope, with several, with none, and with a schema
/// of their own.
/// Guarantee: values are checked against what every hook of the topic writes, or what is asked
/// for; a topic of several kinds is not checked against one of them.
#[test]
fn a_topic_is_checked_for_what_its_hooks_write() {
    let text = [
        hook("message.publish", "published"),
        hook("message.delivered", "received"),
        hook("message.acked", "received"),
        hook("message.publish", "mixed"),
        hook("message.acked", "mixed"),
        hook("client.connected", "presence"),
        hook("message.publish", "presence"),
        "[[topic]]\nname = \"presence\"\npartitions = 3\n".into(),
        "[[topic]]\nname = \"mixed\"\nschema = \"envelope-acked\"\n".into(),
        "[[topic]]\nname = \"further\"\nreplication = 2\n".into(),
    ]
    .concat();
    let pipeline = read(&text).unwrap();
    assert_eq!(
        pipeline.kafka_topics(),
        ["published", "received", "mixed", "presence", "further"]
    );
    assert_eq!(
        schema_of(&pipeline, "published").as_deref(),
        Some("envelope-publish")
    );
    assert_eq!(
        schema_of(&pipeline, "received").as_deref(),
        Some("envelope-acked")
    );
    assert_eq!(
        schema_of(&pipeline, "mixed").as_deref(),
        Some("envelope-acked")
    );
    assert_eq!(schema_of(&pipeline, "presence"), None);
    assert_eq!(schema_of(&pipeline, "further"), None);
    assert_eq!(pipeline.topics()[3].partitions, Some(3));
    assert_eq!(pipeline.topics()[4].replication, Some(2));
    let mixed = [
        hook("message.publish", "mixed"),
        hook("message.acked", "mixed"),
    ]
    .concat();
    assert_eq!(schema_of(&read(&mixed).unwrap(), "mixed"), None);
}

/// Scenario: hooks with a filter, without one, and on connections, which have no topic.
/// Guarantee: the edge stores what some hook wants, and every publish.
#[test]
fn only_wanted_events_are_stored() {
    let connected =
        "[[hook]]\nevent = \"client.connected\"\nfilter = \"a/b\"\nkafka_topic = \"t\"\n";
    let delivered =
        "[[hook]]\nevent = \"message.deliver\"\nfilter = \"a/+\"\nkafka_topic = \"t\"\n";
    let text = [connected, delivered, &hook("session.subscribed", "t")].concat();
    let wanted = read(&text).unwrap().wanted_events();
    assert!(wanted.wants(Kind::Connected, ""));
    assert!(!wanted.wants(Kind::Disconnected, ""));
    assert!(wanted.wants(Kind::Delivered, "a/b"));
    assert!(!wanted.wants(Kind::Delivered, "b/b"));
    assert!(!wanted.wants(Kind::Acked, "a/b"));
    assert!(wanted.wants(Kind::Subscribed, "devices/+/command"));
    assert!(!wanted.wants(Kind::Unsubscribed, "devices/+/command"));
    assert!(wanted.wants(Kind::Publish, "anything"));
}

/// Scenario: hooks and rules about the same and about other events, with filters that overlap, and one
/// that a subscription's own wildcards meet.
/// Guarantee: an event is stored when any of them wants it, whoever it is, and no other is.
#[test]
fn what_hooks_and_rules_want_is_stored() {
    let acked = |filter| {
        format!("[[hook]]\nevent = \"message.acked\"\nfilter = \"{filter}\"\nkafka_topic = \"t\"\n")
    };
    let subscribed =
        "[[hook]]\nevent = \"session.subscribed\"\nfilter = \"a/+/c\"\nkafka_topic = \"t\"\n";
    let rule = "[[rule]]\nname = \"r\"\nsql = 'SELECT * FROM \"$events/message_delivered\", \"b/#\"'\n[[rule.action]]\ndrop = {}\n";
    let text = [
        &acked("a/#"),
        &acked("a/b"),
        &acked("+/x"),
        subscribed,
        rule,
    ]
    .concat();
    let wanted = read(&text).unwrap().wanted_events();
    for (kind, topic, expected) in [
        (Kind::Acked, "a", true),
        (Kind::Acked, "a/b", true),
        (Kind::Acked, "z/x", true),
        (Kind::Acked, "$z/x", false),
        (Kind::Acked, "b/b", false),
        (Kind::Subscribed, "a/+/c", true),
        (Kind::Subscribed, "a/#", false),
        (Kind::Delivered, "anything", true),
        (Kind::Dropped, "b/b", false),
        (Kind::Operator, "a/b", false),
    ] {
        assert_eq!(wanted.wants(kind, topic), expected, "{kind:?} {topic}");
    }
}

/// Scenario: a contract whose filter's first `+` is no client id, and that says so.
/// Guarantee: payloads may name any client.
#[test]
fn a_contract_may_leave_the_client_id_alone() {
    let contract = "[[contract]]\nfilter = \"home/+/state\"\nschema = \"lock-state\"\n";
    let state = br#"{"process_id":"1","action":"lock","battery":5,"lock_state":0,"version":1,"client_id":"7"}"#;
    let check = |text: &str| read(text).unwrap().contracts().check("home/8/state", state);
    assert_eq!(check(contract).unwrap_err().code, "client-id");
    assert_eq!(
        check(&format!("{contract}client_id_from_topic = false\n")),
        Ok(())
    );
}

/// Scenario: a file that can't be read; one with contracts alone; one that only sets streams.
/// Guarantee: one line names the file; the summary says that nothing goes to Kafka; the last keeps
/// the built-in pipeline.
#[test]
fn what_is_missing_is_told() {
    let error = Pipeline::load(Some(Path::new("/nowhere/pipeline.toml")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/nowhere/pipeline.toml") && !error.contains('\n'),
        "{error}"
    );
    let contract = "[[contract]]\nfilter = \"a\"\nschema = \"lock-state\"\n";
    let pipeline = read(contract).unwrap();
    assert!(
        pipeline.to_string().contains("nothing is written to Kafka"),
        "{pipeline}"
    );
    let pipeline = read("[streams]\npartitions = 8\nup_max_bytes = \"64MiB\"\n").unwrap();
    assert_eq!(pipeline.hooks().len(), 2);
    assert_eq!(pipeline.streams().partitions, Some(8));
    assert_eq!(pipeline.streams().up_max_bytes, Some(64 << 20));
    assert_eq!(pipeline.streams().rec_max_bytes, None);
}

/// Scenario: the example file that is shipped.
/// Guarantee: it is right, and means the same as no file.
#[test]
fn the_example_file_is_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/pipeline.toml");
    let example = Pipeline::load(Some(&path)).unwrap();
    assert_eq!(
        example.to_string(),
        Pipeline::load(None).unwrap().to_string()
    );
}

/// Scenario: somebody takes the comment signs off the example's further keys.
/// Guarantee: every key it shows exists, with a value that is taken.
#[test]
fn the_examples_comments_are_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/pipeline.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(setting) if setting.starts_with('[') || setting.contains(" = ") => setting.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = text.lines().map(uncommented).collect();
    let pipeline = Pipeline::read(&path, &text.join("\n")).unwrap();
    assert_eq!(pipeline.streams().replicas, Some(3));
    assert_eq!(pipeline.topics()[0].partitions, Some(12));
    assert_eq!(pipeline.librdkafka().len(), 3);
    let [rule] = pipeline.rules() else {
        panic!("one rule");
    };
    assert_eq!(rule.cases[0].check(rule), []);
    assert!(
        !pipeline
            .contracts()
            .iter()
            .next()
            .unwrap()
            .checks_client_id()
    );
}

/// Scenario: a pipeline with all three businesses; one that tells people of nothing; a misspelt
/// threshold.
/// Guarantee: the summary says what is on, and what is missing; the misspelt key is named with its
/// place and the right one.
#[test]
fn the_businesses_are_read_and_told() {
    let text = "[commands]\nmode = \"enforce\"\n[audit]\nbattery_low = 30\n[audit.rules.unlocked]\n\
                severity = \"warning\"\n[notify.webhook]\nsecret_file = \"secret\"\n";
    let pipeline = Pipeline::read(Path::new("pipeline.toml"), text).unwrap();
    let told = pipeline.to_string();
    for line in [
        "commands  devices/+/command must be signed",
        "audit     devices/+/state and devices/+/command; checkpoints are not signed",
        "notify    webhook",
        "topic     lock_status must be lock-status",
    ] {
        assert!(told.contains(line), "{line:?} is not in:\n{told}");
    }
    let alone = Pipeline::read(Path::new("pipeline.toml"), "[notify]\n").unwrap();
    assert!(alone.to_string().contains("needs an [audit] table"));

    let wrong = Pipeline::read(Path::new("pipeline.toml"), "[audit]\nbattery_lo = 30\n");
    let error = wrong.unwrap_err().to_string();
    assert!(
        error.contains("line 2") && error.contains("`battery_low`"),
        "{error}"
    );
}

/// Scenario: a file without `[sessions]`, and one that sets every key of it and the size of DOWN.
/// Guarantee: the documented defaults; what is written.
#[test]
fn sessions_have_limits() {
    let unset = read("").unwrap().sessions();
    assert_eq!(unset, SessionSettings::default());
    assert_eq!((unset.queue, unset.retained), (None, 100_000));
    let text = "[streams]\ndown_max_bytes = \"8MiB\"\n\
                [sessions]\nqueue = 64\nqueue_max_age_s = 3600\nretained = 10\n\
                retained_max_bytes = \"1MiB\"\n";
    let pipeline = read(text).unwrap();
    assert_eq!(pipeline.streams().down_max_bytes, Some(8 << 20));
    let expected = SessionSettings {
        queue: Some(64),
        queue_max_age: Some(Duration::from_hours(1)),
        retained: 10,
        retained_max_bytes: 1 << 20,
    };
    assert_eq!(pipeline.sessions(), expected);
}
