use std::path::Path;

use record::EventKind;
use settings::Pipeline;

use super::super::draft::Draft;
use super::super::tests::input;

const BRIDGE: &str = include_str!("../tests/emqx_bridge_kafka.conf");
const PLUGIN: &str = include_str!("../tests/emqx_plugin_kafka.hocon");

fn import(text: &str) -> Draft {
    super::import(&input(("kafka.conf", text))).unwrap()
}

fn left_out(draft: &Draft) -> Vec<String> {
    draft.left_out.iter().map(ToString::to_string).collect()
}

/// Scenario: a bridge's file with every event, numbers, comments, a key twice and default topics.
/// Guarantee: the pipeline reads the hooks of it as EMQX does.
#[test]
fn hooks_become_hooks_of_the_pipeline() {
    let draft = import(BRIDGE);
    let pipeline = Pipeline::read(Path::new("pipeline.toml"), &draft.toml).unwrap();
    let hooks: Vec<_> = pipeline
        .hooks()
        .iter()
        .map(|hook| {
            let filter = hook.filter.as_ref().map(record::TopicFilter::as_str);
            (hook.event, filter, &*hook.kafka_topic)
        })
        .collect();
    let expected = [
        (EventKind::ClientConnected, None, "client_connected"),
        (EventKind::ClientDisconnected, None, "client_disconnected"),
        (
            EventKind::SessionSubscribed,
            Some("#"),
            "session_subscribed",
        ),
        (
            EventKind::SessionUnsubscribed,
            Some("#"),
            "session_unsubscribed",
        ),
        (
            EventKind::MessagePublish,
            Some("devices/+/state"),
            "message_state",
        ),
        (EventKind::MessagePublish, Some("a/#"), "a"),
        (EventKind::MessageDelivered, Some("#"), "message_deliver"),
        (
            EventKind::MessageAcked,
            Some("devices/+/command"),
            "message_command",
        ),
    ];
    assert_eq!(hooks, expected);
}

/// Scenario: settings and hooks of a bridge that mean something else here, or nothing.
/// Guarantee: each is a warning with its place and a comment; the brokers are told.
#[test]
fn what_hooks_do_otherwise_is_told() {
    let draft = import(BRIDGE);
    let expected = [
        "kafka.conf, line 8, column 1: bridge.kafka.encode_payload_type = plain;",
        "kafka.conf, line 9, column 1: bridge.kafka.sasl.username;",
        "kafka.conf, line 10, column 1: bridge.kafka.sasl.password;",
        "kafka.conf, line 11, column 1: bridge.kafka.partition_strategy = random;",
        "kafka.conf, line 20, column 80: bridge.kafka.hook.message.publish.2: strategy = random;",
        "kafka.conf, line 20, column 96: bridge.kafka.hook.message.publish.2: key = ${username};",
        "kafka.conf, line 22, column 110: bridge.kafka.hook.message.acked.1: pool = pool2;",
        "kafka.conf, line 23, column 1: bridge.kafka.hook.client.subscribe.1;",
    ];
    let told = left_out(&draft);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    assert_eq!(draft.toml.matches("# left out: ").count(), told.len());
    let brokers = "# The brokers were 127.0.0.1:9092,127.0.0.2:9092: give them as --kafka";
    assert!(draft.toml.contains(brokers), "{}", draft.toml);
}

/// Scenario: the article's two hooks, and nothing else.
/// Guarantee: they are those of the built-in pipeline, and nothing is left out.
#[test]
fn the_articles_hooks_are_the_built_in_ones() {
    let text = "bridge.kafka.hook.message.publish.1 = {\"filter\": \"devices/+/state\", \"topic\": \"message_state\"}\n\
                bridge.kafka.hook.message.acked.1 = {\"filter\": \"devices/+/command\", \"topic\": \"message_command\"}\n";
    let draft = import(text);
    assert!(draft.left_out.is_empty(), "{draft:?}");
    let imported = Pipeline::read(Path::new("pipeline.toml"), &draft.toml).unwrap();
    let built_in = Pipeline::load(None).unwrap();
    assert_eq!(imported.hooks(), built_in.hooks());
}

/// Scenario: hooks of the plugin, with templates and conditions.
/// Guarantee: they become rules that select and write the same; brokers and secrets are told apart.
#[test]
fn hooks_of_the_plugin_become_rules() {
    let draft = import(PLUGIN);
    let table: toml::Table = toml::from_str(&draft.toml).unwrap();
    let rules: Vec<_> = table["rule"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            let kafka = &rule["action"][0]["kafka"];
            let text = |key: &str| kafka.get(key).and_then(toml::Value::as_str);
            (
                rule["sql"].as_str().unwrap().trim(),
                text("topic"),
                text("key"),
                text("value"),
            )
        })
        .collect();
    let expected = [
        (
            "SELECT *, base64_encode(payload) AS payload FROM \"test/#\"",
            Some("emqx_test"),
            Some("${.topic}"),
            None,
        ),
        (
            "SELECT *, base64_encode(payload) AS payload FROM \"$events/message/acked\" WHERE topic =~ 'devices/+/command'",
            Some("acks"),
            None,
            None,
        ),
        (
            "SELECT * FROM \"$events/client/disconnected\"",
            Some("gone"),
            None,
            Some("{\"id\":\"${clientid}\"}"),
        ),
    ];
    assert_eq!(rules, expected);
    let told = left_out(&draft);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("line 7, column 10: connection.sasl;"),
        "{told:?}"
    );
    assert!(
        told[1].contains("line 24, column 5: the hook session.created to sessions;"),
        "{told:?}"
    );
}

/// Scenario: hooks without a number, with a filter that is none, with broken JSON, and a file of
/// something else.
/// Guarantee: an error with line and column.
#[test]
fn wrong_hooks_have_places() {
    let texts = [
        (
            "bridge.kafka.hook.message.publish = {}",
            "line 1, column 1: a hook's key ends with a number",
        ),
        (
            "bridge.kafka.hook.x = {}",
            "line 1, column 1: a hook's key ends with",
        ),
        (
            "# é\n bridge.kafka.hook.message.publish.1 = {\"filter\": \"a/#/b\"}",
            "line 2, column 51: ",
        ),
        (
            "bridge.kafka.hook.message.publish.1 = {\"topic\": ",
            "line 1, column 48: expected",
        ),
        (
            "bridge.kafka.hook.message.publish.1 = {} {}",
            "line 1, column 42: expected the end",
        ),
        (
            "plugin_kafka { hooks = [ { endpoint = message.publish } ] }",
            "line 1, column 26: a hook has a `kafka_topic`",
        ),
        (
            "plugin_kafka { hooks = [ { kafka_topic = x } ] }",
            "line 1, column 26: a hook has an `endpoint`",
        ),
        (
            "something = else",
            "line 1, column 1: neither the Kafka bridge's file nor the plugin's",
        ),
    ];
    for (text, fault) in texts {
        let error = super::import(&input(("f", text))).unwrap_err().to_string();
        assert!(error.starts_with(&format!("f, {fault}")), "{error}");
    }
}
