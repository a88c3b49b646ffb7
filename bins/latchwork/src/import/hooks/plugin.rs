//! `emqx_plugin_kafka.hocon`: its hooks have templates, so that they become rules.

use record::TopicFilter;

use super::super::draft::{Draft, LeftOut};
use super::super::error::ImportError;
use super::super::hocon::{Node, Reader};
use super::super::input::Input;
use super::super::rules::{ABOUT_RULES, Action, Rule, RuleNames, Template};

/// Where the rules of an event come from: the plugin's hook point, and the event of rules. A filter
/// is part of `FROM` for publishes, and a condition for other messages.
const EVENTS: [(&str, &str); 9] = [
    ("client.connected", "$events/client/connected"),
    ("client.disconnected", "$events/client/disconnected"),
    ("client.connack", "$events/client/connack"),
    (
        "client.check_authz_complete",
        "$events/auth/check_authz_complete",
    ),
    ("session.subscribed", "$events/session/subscribed"),
    ("session.unsubscribed", "$events/session/unsubscribed"),
    ("message.delivered", "$events/message/delivered"),
    ("message.acked", "$events/message/acked"),
    ("message.dropped", "$events/message/dropped"),
];

/// Writes the hooks of a file as rules.
pub(super) fn import(input: &Input) -> Result<Draft, ImportError> {
    let node = Reader::read(input)?;
    let hooks = node.at(&["plugin_kafka", "hooks"]);
    let hooks = hooks.ok_or_else(|| {
        node.fault(
            "neither the Kafka bridge's file nor the plugin's: \
             the first has lines such as bridge.kafka.hook.message.publish.1 = {..}, the second plugin_kafka { hooks = [..] }",
        )
    })?;
    let mut draft = Draft::default();
    draft.comment(&format!("Hooks of the Kafka plugin, from {}.", input.name));
    draft.comment(ABOUT_RULES);
    settings(&mut draft, &node);
    let producer = node.at(&["plugin_kafka", "producer"]);
    let mut names = RuleNames::default();
    for hook in hooks.items() {
        match rule(hook, producer, &mut names)? {
            Ok(rule) => rule.write(&mut draft),
            Err(left_out) => {
                draft.line("");
                draft.leave_out(left_out);
            }
        }
    }
    Ok(draft)
}

/// What concerns the connection to Kafka.
fn settings(draft: &mut Draft, node: &Node) {
    let Some(connection) = node.at(&["plugin_kafka", "connection"]) else {
        return;
    };
    let brokers = connection.get("bootstrap_hosts");
    let brokers = brokers.map(|list| {
        let words = list.items().iter().filter_map(Node::word);
        let words: Vec<&str> = list.word().into_iter().chain(words).collect();
        words.join(",")
    });
    if let Some(brokers) = brokers {
        draft.comment(&format!(
            "The brokers were {brokers}: give them as --kafka or LATCHWORK_KAFKA."
        ));
    }
    let used = |part: &&Node| part.get("enable").and_then(Node::word) != Some("false");
    for key in ["sasl", "ssl"] {
        if let Some(part) = connection.get(key).filter(used) {
            // Its values may be secrets.
            let what = format!("connection.{key}; say it to Kafka's client: [kafka.librdkafka]");
            draft.leave_out(LeftOut::new(&part.place, what));
        }
    }
}

/// The rule of a hook, or why there is none.
fn rule(
    hook: &Node,
    producer: Option<&Node>,
    names: &mut RuleNames,
) -> Result<Result<Rule, LeftOut>, ImportError> {
    let endpoint = hook.text_of("endpoint")?;
    let endpoint = endpoint.ok_or_else(|| hook.fault("a hook has an `endpoint`"))?;
    let topic = hook.text_of("kafka_topic")?;
    let topic = topic.ok_or_else(|| hook.fault("a hook has a `kafka_topic`"))?;
    let Some(from) = from(endpoint, hook)? else {
        let what = format!("the hook {endpoint} to {topic}; the event has no records here");
        return Ok(Err(LeftOut::new(&hook.place, what)));
    };
    let encoding = producer.and_then(|node| node.get("encode_payload_type"));
    let base64 = encoding.and_then(Node::word) == Some("base64");
    let fields = if base64 && endpoint.starts_with("message.") {
        "*, base64_encode(payload) AS payload"
    } else {
        "*"
    };
    let strategy = producer.and_then(|node| node.get("partition_strategy"));
    let by_key = strategy.and_then(Node::word) == Some("first_key_dispatch");
    let mut template = Template {
        topic: topic.to_owned(),
        partition: (!by_key).then_some("random"),
        ..Template::default()
    };
    template.message(hook.get("kafka_message"))?;
    Ok(Ok(Rule {
        place: hook.place.clone(),
        name: names.of(&endpoint.replace('.', "-")),
        origin: None,
        description: String::new(),
        sql: format!("SELECT {fields} FROM {from}"),
        enabled: true,
        left_out: Vec::new(),
        actions: vec![Action {
            table: Some(("kafka", template.table())),
            ..Action::default()
        }],
    }))
}

/// `FROM` and `WHERE` of a hook; `None` for an event that has no records here.
fn from(endpoint: &str, hook: &Node) -> Result<Option<String>, ImportError> {
    let filter = hook
        .get("filter")
        .filter(|_| endpoint.starts_with("message."));
    let filter = filter.map(|node| {
        let text = node.text("filter")?;
        let filter: Result<TopicFilter, _> = text.parse();
        match filter {
            Ok(_) if text.contains(['"', '\'']) => {
                Err(node.fault("a topic filter with quotes in it"))
            }
            Ok(_) => Ok(text),
            Err(error) => Err(node.fault(error.to_string())),
        }
    });
    let filter = filter.transpose()?;
    if endpoint == "message.publish" {
        return Ok(Some(format!("\"{}\"", filter.unwrap_or("#"))));
    }
    let event = EVENTS.iter().find(|(name, _)| *name == endpoint);
    Ok(event.map(|(_, event)| match filter {
        Some(filter) => format!("\"{event}\" WHERE topic =~ '{filter}'"),
        None => format!("\"{event}\""),
    }))
}
