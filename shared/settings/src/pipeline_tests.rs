//! What a pipeline file may say.

use super::*;
use record::Kind;

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
            "pipeline.toml, line 2, column 1: unknown field `evnt`, expected",
        ),
        ("[[hook]", "pipeline.toml, line 1, column"),
        (
            "[[hook]]\nevent = \"message.pubilsh\"\nkafka_topic = \"a\"\n",
            "line 2, column 9: there is no event `message.pubilsh`; the events are client.connected",
        ),
        (
            "[[hook]]\nevent = \"message.publish\"\nfilter = \"a/#/b\"\nkafka_topic = \"a\"\n",
            "line 3, column 10: topic filter \"a/#/b\"",
        ),
        (
            "[[hook]]\nevent = \"message.publish\"\nkafka_topic = \"a b\"\n",
            "line 3, column 15: `a b` is no Kafka topic",
        ),
        (
            "[[contract]]\nfilter = \"a\"\nschema = \"lock-sate\"\n",
            "line 3, column 10: there is no schema `lock-sate`",
        ),
        (
            "[streams]\npartitions = 0\n",
            "line 2, column 14: 0 is out of range: 1 to 256",
        ),
        (
            "[streams]\nup_max_bytes = \"4GB\"\n",
            "a size is a number of bytes",
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
