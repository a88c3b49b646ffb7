use std::collections::BTreeMap;
use std::path::Path;

use clap::Parser;
use serde::Deserialize;

use super::draft::Draft;
use super::input::Input;
use super::*;

/// A file of EMQX: its name and its text.
type Given = (&'static str, &'static str);

const RULES: Given = ("rules.json", include_str!("tests/rules.json"));
const ACTIONS: Given = ("actions.json", include_str!("tests/actions.json"));
const CONNECTORS: Given = ("connectors.json", include_str!("tests/connectors.json"));
const CLUSTER: Given = ("cluster.hocon", include_str!("tests/cluster.hocon"));
const EMQX_4: Given = ("emqx4.json", include_str!("tests/emqx4.json"));
const BRIDGE: Given = (
    "emqx_bridge_kafka.conf",
    include_str!("tests/emqx_bridge_kafka.conf"),
);
const PLUGIN: Given = (
    "emqx_plugin_kafka.hocon",
    include_str!("tests/emqx_plugin_kafka.hocon"),
);

/// What a pipeline file may say of rules, and nothing more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    #[serde(default)]
    description: String,
    sql: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    action: Vec<Action>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Action {
    Kafka(Kafka),
    Republish(Republish),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kafka {
    topic: String,
    key: Option<String>,
    value: Option<String>,
    timestamp: Option<String>,
    partition: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    headers_from: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Republish {
    topic: String,
    payload: String,
    qos: toml::Value,
    retain: toml::Value,
    user_properties: Option<String>,
}

impl Rule {
    fn kafka(&self, index: usize) -> &Kafka {
        match &self.action[index] {
            Action::Kafka(kafka) => kafka,
            Action::Republish(other) => panic!("{other:?}"),
        }
    }

    fn republish(&self, index: usize) -> &Republish {
        match &self.action[index] {
            Action::Republish(republish) => republish,
            Action::Kafka(other) => panic!("{other:?}"),
        }
    }
}

pub(super) fn input((name, text): (&str, &str)) -> Input {
    Input {
        name: name.into(),
        text: text.to_owned(),
    }
}

fn rules_of(files: &[Given]) -> (File, Draft) {
    let inputs: Vec<Input> = files.iter().copied().map(input).collect();
    let draft = rules::import(&inputs).unwrap();
    (toml::from_str(&draft.toml).unwrap(), draft)
}

/// Reads what was written as the stages do.
fn pipeline(toml: &str) -> Result<settings::Pipeline, settings::SettingsError> {
    settings::Pipeline::read(Path::new("pipeline.toml"), toml)
}

fn left_out(draft: &Draft) -> Vec<String> {
    draft.left_out.iter().map(ToString::to_string).collect()
}

/// Scenario: the guide's rule, as `GET /rules` and `GET /actions` give it.
/// Guarantee: statement, key and value are carried over as they are, and defaults are not written.
#[test]
fn a_rule_and_its_action_come_from_two_files() {
    let (file, draft) = rules_of(&[RULES, ACTIONS, CONNECTORS]);
    let rule = &file.rule[0];
    assert_eq!(
        (&*rule.name, rule.enabled, rule.action.len()),
        ("temperature", true, 1)
    );
    assert_eq!(rule.description, "Temperature and humidity of the halls");
    assert_eq!(
        rule.sql,
        r#"SELECT timestamp, clientid, payload.temp as temp, payload.hum as hum FROM "temp_hum/emqx""#
    );
    let kafka = rule.kafka(0);
    assert_eq!(
        (&*kafka.topic, kafka.key.as_deref()),
        ("emqx", Some("${client_id}"))
    );
    assert_eq!(
        kafka.value.as_deref(),
        Some(r#"{"temp": ${temp}, "hum": ${hum}}"#)
    );
    assert_eq!((&kafka.timestamp, &kafka.partition), (&None, &None));
    let line = r#"kafka = { topic = "emqx", key = "${client_id}", value = '{"temp": ${temp}, "hum": ${hum}}' }"#;
    assert!(draft.toml.contains(line), "{}", draft.toml);
}

/// Scenario: an action with headers, a value of two lines, and much that has no counterpart.
/// Guarantee: what can be said is said exactly; the rest is a comment there, and a warning with its
/// place in the file.
#[test]
fn what_has_no_counterpart_is_told() {
    let (file, draft) = rules_of(&[RULES, ACTIONS, CONNECTORS]);
    let rule = &file.rule[1];
    assert_eq!(rule.name, "Alarms-of-machines-hall-2");
    assert!(
        draft
            .toml
            .contains("# In EMQX: Alarms of machines (hall 2), id rule_m8q2\n")
    );
    assert!(
        rule.sql
            .trim()
            .starts_with("FOREACH\n  payload.alarms AS alarm\nDO")
    );
    let kafka = rule.kafka(0);
    assert_eq!(
        kafka.value.as_deref(),
        Some("It's ${code}\nof \"${clientid}\"")
    );
    assert_eq!(kafka.partition.as_deref(), Some("random"));
    let headers = [("plant site", "north"), ("source", "${topic}")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(kafka.headers, headers.into());
    assert_eq!(kafka.headers_from.as_deref(), Some("${pub_props}"));

    let told = left_out(&draft);
    let whose = "rule Alarms-of-machines-hall-2";
    for what in [
        format!("actions.json, line 24, column 59: {whose}: partitions_limit = 3;"),
        format!("actions.json, line 24, column 77: {whose}: max_retries = 5;"),
        format!(
            "actions.json, line 25, column 74: {whose}: kafka_header_value_encode_mode = json;"
        ),
        format!("actions.json, line 29, column 9: {whose}: the header source = again;"),
        format!("actions.json, line 30, column 9: {whose}: the header ${{code}} = x;"),
        format!(
            "actions.json, line 17, column 25: {whose}: the fallback actions kafka_producer:archive, republish;"
        ),
        format!(
            "actions.json, line 15, column 3: {whose}: kafka_producer:alarms writes to the brokers old-kafka:9092,"
        ),
        format!(
            "rules.json, line 26, column 58: {whose}: the property Message-Expiry-Interval = 3600"
        ),
        format!("rules.json, line 26, column 86: {whose}: direct_dispatch;"),
        format!("rules.json, line 28, column 9: {whose}: the action console;"),
    ] {
        assert!(
            told.iter().any(|told| told.starts_with(&what)),
            "{what} in {told:#?}"
        );
    }
    assert_eq!(draft.toml.matches("# left out: ").count(), told.len());
}

/// Scenario: a rule that publishes.
/// Guarantee: topic, payload, QoS, retain and user properties are carried over; an empty payload is
/// all that was selected, as in EMQX.
#[test]
fn a_published_message_is_carried_over() {
    let (file, _) = rules_of(&[RULES, ACTIONS, CONNECTORS]);
    let republish = file.rule[1].republish(1);
    assert_eq!(republish.topic, "alarms/${clientid}/${code}");
    assert_eq!(republish.payload, "${.}");
    assert_eq!(republish.qos, toml::Value::Integer(1));
    assert_eq!(republish.retain.as_str(), Some("${flags.retain}"));
    assert_eq!(
        republish.user_properties.as_deref(),
        Some("${pub_props.'User-Property'}")
    );
}

/// Scenario: rules that are disabled, have no name of their own, name actions that no file defines
/// or that are no Kafka actions, or take messages from another system.
/// Guarantee: a disabled rule stays disabled, names are unlike, a missing topic is one that no check
/// lets pass, and a disabled action is only a comment, as is a rule without any other.
#[test]
fn rules_that_need_a_hand_are_marked() {
    let (file, draft) = rules_of(&[RULES, ACTIONS]);
    let names: Vec<&str> = file.rule.iter().map(|rule| &*rule.name).collect();
    assert_eq!(
        names,
        ["temperature", "Alarms-of-machines-hall-2", "presence"]
    );
    assert!(draft.toml.contains(
        "# [[rule]]
# name = \"presence-2\"
"
    ));
    let presence = &file.rule[2];
    assert!(!presence.enabled);
    assert_eq!(presence.action.len(), 1);
    let topic = &presence.kafka(0).topic;
    assert_eq!(topic, "<the Kafka topic of kafka_producer:elsewhere>");
    let hook = format!("[[hook]]\nevent = \"message.publish\"\nkafka_topic = {topic:?}\n");
    settings::Pipeline::read(Path::new("p"), &hook)
        .map(drop)
        .expect_err("this topic must not pass");
    let archive = "# [[rule.action]]\n# kafka = { topic = \"archive\", partition = \"random\" }\n";
    assert!(draft.toml.contains(archive), "{}", draft.toml);
    let told = left_out(&draft).join("\n");
    for what in [
        "rules.json, line 36, column 19: rule presence: http:registry;",
        "rules.json, line 36, column 36: rule presence: what kafka_producer:elsewhere writes",
        "rules.json, line 36, column 64: rule presence: the action my_module:my_function;",
        "rules.json, line 38, column 5: rule presence-2: no action of this rule is left",
        "rules.json, line 40, column 14: rule presence-2: what EMQX takes from other systems",
        "rules.json, line 41, column 45: rule presence-2: mqtt:plant;",
    ] {
        assert!(told.contains(what), "{what} in\n{told}");
    }
}

/// Scenario: what `emqx ctl conf show` prints and an export holds: HOCON with maps by id, type and
/// name, a bridge with a topic filter of its own, and keys that are no concern of rules.
/// Guarantee: all of it is carried over, with nothing to warn of.
#[test]
fn an_export_in_hocon_is_understood() {
    let (file, draft) = rules_of(&[CLUSTER]);
    assert_eq!(left_out(&draft), Vec::<String>::new());
    let [states, copy, doors] = &file.rule[..] else {
        panic!("{:?}", file.rule);
    };
    assert_eq!(
        states.sql.trim(),
        "SELECT\n  *\nFROM\n  \"devices/+/state\"\nWHERE\n  payload.battery < 20 AND username = 'home'"
    );
    let kafka = states.kafka(0);
    assert_eq!((&*kafka.topic, &kafka.partition), ("lock_states", &None));
    let copy = copy.republish(0);
    assert_eq!((&*copy.topic, &*copy.payload), ("b/${topic}", "${payload}"));
    assert_eq!(copy.qos.as_str(), Some("${qos}"));
    assert_eq!(copy.retain.as_str(), Some("${retain}"));
    assert_eq!(copy.user_properties, None);
    assert_eq!(
        (&*doors.name, &*doors.sql),
        ("all_doors", "SELECT * FROM \"doors/#\"")
    );
    let kafka = doors.kafka(0);
    assert_eq!(kafka.value.as_deref(), Some("${payload}"));
    assert_eq!(kafka.partition.as_deref(), Some("random"));
}

/// Scenario: the export of EMQX 4.
/// Guarantee: its own names for statement, topics, keys, values and strategies are understood.
#[test]
fn an_export_of_emqx_4_is_understood() {
    let (file, draft) = rules_of(&[EMQX_4]);
    let rule = &file.rule[0];
    assert_eq!((&*rule.name, rule.action.len()), ("rule-305470", 3));
    let by_key = rule.kafka(0);
    assert_eq!(by_key.key.as_deref(), Some("${clientid}"));
    assert_eq!((&by_key.value, &by_key.partition), (&None, &None));
    let plain = rule.kafka(1);
    assert_eq!(plain.key.as_deref(), Some(""));
    assert_eq!(plain.value.as_deref(), Some("${msg}"));
    assert_eq!(plain.partition.as_deref(), Some("random"));
    let republish = rule.republish(2);
    assert_eq!(republish.topic, "repub/${clientid}");
    assert_eq!(republish.qos.as_str(), Some("${qos}"));
    assert_eq!(
        republish.user_properties.as_deref(),
        Some("${user_properties}")
    );
    assert_eq!(left_out(&draft).len(), 2);
}

/// Scenario: what was made of every file, as a pipeline file.
/// Guarantee: the stages read it, with every rule that runs, once the topic that no file has is
/// filled in.
#[test]
fn the_pipeline_reads_what_is_written() {
    let (_, draft) = rules_of(&[RULES, ACTIONS, CONNECTORS]);
    let filled = draft
        .toml
        .replace("<the Kafka topic of kafka_producer:elsewhere>", "gone");
    let rules = pipeline(&filled).unwrap().rules().len();
    // One is disabled, one has no action left.
    assert_eq!(rules, 2, "{filled}");
    assert_eq!(
        pipeline(&rules_of(&[CLUSTER]).1.toml)
            .unwrap()
            .rules()
            .len(),
        3
    );
    assert_eq!(
        pipeline(&rules_of(&[EMQX_4]).1.toml).unwrap().rules().len(),
        1
    );
    let plugin = hooks::import(&input(PLUGIN)).unwrap();
    assert_eq!(pipeline(&plugin.toml).unwrap().rules().len(), 3);
}

/// Scenario: files with user names and passwords.
/// Guarantee: neither the TOML nor a warning shows them.
#[test]
fn secrets_stay_where_they_are() {
    let drafts = [
        hooks::import(&input(BRIDGE)).unwrap(),
        hooks::import(&input(PLUGIN)).unwrap(),
        rules_of(&[EMQX_4]).1,
    ];
    for draft in drafts {
        let all = format!("{}{}", draft.toml, left_out(&draft).join("\n"));
        assert!(!all.contains("hunter2") && !all.contains("secret"), "{all}");
    }
}

/// Scenario: every beginning of every file, and every file without one of its characters.
/// Guarantee: an answer or an error, never a panic; and what is answered is TOML.
#[test]
fn broken_files_never_panic() {
    let files = [RULES, ACTIONS, CONNECTORS, CLUSTER, EMQX_4, BRIDGE, PLUGIN];
    for (name, text) in files {
        for (at, character) in text.char_indices() {
            let rest = &text[at + character.len_utf8()..];
            for broken in [text[..at].to_owned(), format!("{}{rest}", &text[..at])] {
                let broken = input((name, &broken));
                let drafts = [
                    rules::import(std::slice::from_ref(&broken)),
                    hooks::import(&broken),
                ];
                for draft in drafts.into_iter().flatten() {
                    toml::from_str::<toml::Table>(&draft.toml).unwrap();
                }
            }
        }
    }
}

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: ImportArgs,
}

fn command(words: &[&str]) -> (String, String, anyhow::Result<bool>) {
    let line = Line::try_parse_from([&["import"], words].concat()).unwrap();
    let (mut out, mut warnings) = (Vec::new(), Vec::new());
    let complete = run(&line.args, &mut out, &mut warnings);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(out), text(warnings), complete)
}

/// Scenario: the command on a file that is carried over, on one that is so in part, on one that is
/// wrong, on an archive and on none.
/// Guarantee: TOML and warnings go to their own outputs, the answer tells whether all was carried
/// over, and a wrong file prints nothing but its fault.
#[test]
fn the_command_tells_complete_from_incomplete_from_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let cluster = path("cluster.hocon", format!("\u{feff}{}", CLUSTER.1).as_bytes());
    let (out, warnings, complete) = command(&["emqx-rules", &cluster]);
    assert!(complete.unwrap() && warnings.is_empty(), "{warnings}");
    assert!(out.contains("name = \"states\""), "{out}");

    let bridge = path("bridge.conf", BRIDGE.1.as_bytes());
    let (out, warnings, complete) = command(&["emqx-hooks", &bridge]);
    assert!(!complete.unwrap() && out.contains("[[hook]]"), "{out}");
    assert!(
        warnings.lines().all(|line| line.starts_with("warning: ")),
        "{warnings}"
    );

    let faults: [(&[u8], &str); 3] = [
        (b"[{\"sql\": 1,}", "line 1, column 13: expected"),
        (b"\x1f\x8b\x08\x00\xff", "unpack the export"),
        (b"\xff\xfe", "save it as UTF-8"),
    ];
    for (bytes, fault) in faults {
        let wrong = path("wrong", bytes);
        let (out, warnings, complete) = command(&["emqx-rules", &cluster, &wrong]);
        let error = complete.unwrap_err().to_string();
        assert!(error.contains(fault), "{error}");
        assert_eq!((&*out, &*warnings), ("", ""));
    }
    let (_, _, complete) = command(&["emqx-hooks", "/nowhere/at/all"]);
    assert!(
        complete
            .unwrap_err()
            .to_string()
            .contains("cannot read /nowhere/at/all")
    );
}
