use std::fs;
use std::path::Path;

use crate::Pipeline;

const RULE: &str = "[[rule]]\nname = \"a\"\nsql = 'SELECT * FROM \"t/#\"'\n";
const ACTION: &str = "[[rule.action]]\nkafka = { topic = \"k\" }\n";

fn read(text: &str) -> Result<Pipeline, String> {
    Pipeline::read(Path::new("pipeline.toml"), text).map_err(|error| error.to_string())
}

/// Scenario: a pipeline file with a rule, and a folder of further rules beside it.
/// Guarantee: all are read, the file's own first, those of the folder by its files' names; their
/// Kafka topics are known, those that depend on the message are not; what is not enabled is left
/// out. Another content is another version.
#[test]
fn rules_come_from_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.toml");
    fs::write(&file, format!("hook = []\n{RULE}{ACTION}")).unwrap();
    let alone = Pipeline::load(Some(&file)).unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    let rule = |file: &str, name: &str, rest: &str| {
        let text = RULE.replace("\"a\"", &format!("\"{name}\""));
        fs::write(folder.path().join("rules").join(file), text + rest).unwrap();
    };
    rule("20.toml", "late", "[[rule.action]]\ndrop = {}\n");
    rule(
        "10.toml",
        "early",
        "[[rule.action]]\nkafka = { topic = \"x-${topic}\" }\n",
    );
    rule("30.toml", "off", &format!("enabled = false\n{ACTION}"));
    rule("notes.txt", "none", "is not read");
    rule(".draft.toml", "none", "is hidden");
    let pipeline = Pipeline::load(Some(&file)).unwrap();
    let names: Vec<_> = pipeline.rules().iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["a", "early", "late"]);
    assert_eq!(pipeline.kafka_topics(), ["k"]);
    assert_eq!(pipeline.hooks(), []);
    assert_ne!(pipeline.version(), alone.version());
    assert_eq!(
        alone.version(),
        Pipeline::read(&file, &format!("hook = []\n{RULE}{ACTION}"))
            .unwrap()
            .version()
    );
}

fn republish(parts: &str) -> String {
    format!("{RULE}{ACTION}[[rule.action]]\nrepublish = {{ {parts} }}\n")
}

/// Scenario: messages for MQTT whose parts are of every kind that can be done, and such that only
/// a message can tell.
/// Guarantee: they are taken.
#[test]
fn what_may_be_republished_is_taken() {
    for parts in [
        "topic = \"a/b\"",
        "topic = \"a\", qos = 2, retain = true",
        "topic = \"a/$b\", qos = \"1\", retain = \"false\"",
        "topic = \"$${x}/${topic}\", qos = \"${qos}\", retain = \"${flags.retain}\"",
    ] {
        let pipeline = read(&republish(parts));
        assert_eq!(pipeline.map(|pipeline| pipeline.rules().len()), Ok(1));
    }
}

/// Scenario: a folder has the name of a rules file; the folder of rules is a file.
/// Guarantee: either is refused as a rules file, with its name, and not as the pipeline file.
#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.toml");
    fs::write(&file, "").unwrap();
    let rules = folder.path().join("rules");
    let refused = |name: &Path| {
        let error = Pipeline::load(Some(&file)).err().unwrap().to_string();
        let beginning = format!("cannot read the rules file {}: ", name.display());
        assert!(error.starts_with(&beginning), "{error}");
        assert!(!error.contains("--config"), "{error}");
    };
    let unreadable = rules.join("a.toml");
    fs::create_dir_all(&unreadable).unwrap();
    refused(&unreadable);
    fs::remove_dir_all(&rules).unwrap();
    fs::write(&rules, "").unwrap();
    refused(&rules);
}

/// Scenario: rules that can't be meant.
/// Guarantee: each is refused with its place and what to do.
#[test]
fn faults_are_told_with_their_place() {
    for (text, expected) in [
        (
            RULE.to_owned(),
            "line 2, column 8: the rule `a` has no [[rule.action]]",
        ),
        (
            format!("{RULE}{ACTION}").repeat(2),
            "line 7, column 8: the rule `a` is there twice",
        ),
        (
            format!("[[rule]]\nname = \"a b\"\nsql = ''\n{ACTION}"),
            "line 2, column 8: \"a b\" is no name of a rule",
        ),
        (
            format!("[[rule]]\nname = \"a\"\nsql = 'SELEC'\n{ACTION}"),
            "line 3, column 7: the sql of the rule `a` at its line 1, column 1: expected SELECT",
        ),
        (
            format!("[[rule]]\nname = \"a\"\nsql = 'SELECT uper(a) FROM t'\n{ACTION}"),
            "did you mean upper",
        ),
        (
            format!("{RULE}[[rule.action]]\nkafka = {{ topic = \"k\", kee = 1 }}\n"),
            "did you mean `key`?",
        ),
        (
            format!("{RULE}[[rule.action]]\nkafka = {{ topic = \"k\", partition = \"x\" }}\n"),
            "partition is \"key\", \"random\"",
        ),
        (
            format!("{RULE}[[rule.action]]\nkafka = {{ topic = \"<topic>\" }}\n"),
            "line 2, column 8: \"<topic>\" is no Kafka topic",
        ),
        (
            republish("topic = \"a/+\""),
            "line 6, column 1: the action 2 of the rule `a`: topic can't be \"a/+\": \
             an MQTT topic is not empty and has no +, # or null, and no $ in front",
        ),
        (republish("topic = \"\""), "topic can't be \"\": "),
        (
            republish("topic = \"$SYS/a\""),
            "topic can't be \"$SYS/a\": ",
        ),
        (
            republish("topic = \"a\", qos = 3"),
            "line 6, column 1: the action 2 of the rule `a`: qos can't be \"3\": it is 0, 1 or 2",
        ),
        (
            republish("topic = \"${x}\", qos = \"1 \""),
            "qos can't be \"1 \": it is 0, 1 or 2",
        ),
        (
            republish("topic = \"a\", retain = \"yes\""),
            "retain can't be \"yes\": it is true or false",
        ),
        (
            format!("{RULE}[[rule.action]]\nkafca = {{}}\n"),
            "unknown value `kafca`",
        ),
    ] {
        let error = read(&text).err().unwrap();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
