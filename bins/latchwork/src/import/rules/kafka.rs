//! Kafka actions of EMQX 5 and 6.

use super::super::error::ImportError;
use super::super::hocon::Node;
use super::super::toml_text::{Table, TomlValue};
use super::action::leave_fallbacks_out;
use super::export::{Definition, Export};
use super::rule::Action;

/// How records are sent is kafka-sink's matter.
const SENDING: [&str; 11] = [
    "required_acks",
    "compression",
    "max_batch_bytes",
    "max_linger_time",
    "max_linger_bytes",
    "max_inflight",
    "buffer",
    "query_mode",
    "sync_query_timeout",
    "partition_count_refresh_interval",
    "reconnect_delay",
];

/// What becomes of a message, before it is TOML.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Template {
    /// The Kafka topic.
    pub(in super::super) topic: String,
    /// The key, where EMQX's default is not meant.
    pub(in super::super) key: Option<String>,
    /// The value, likewise.
    pub(in super::super) value: Option<String>,
    /// The timestamp, likewise.
    pub(in super::super) timestamp: Option<String>,
    /// `random`, or `None` for by key.
    pub(in super::super) partition: Option<&'static str>,
    /// Headers by name.
    pub(in super::super) headers: Vec<(String, String)>,
    /// Where more of them come from.
    pub(in super::super) headers_from: Option<String>,
}

impl Template {
    /// Key, value and timestamp as EMQX writes them; a default need not be said.
    pub(in super::super) fn message(&mut self, message: Option<&Node>) -> Result<(), ImportError> {
        let Some(message) = message else {
            return Ok(());
        };
        self.key = other_than(message, "key", "${.clientid}")?;
        self.value = other_than(message, "value", "${.}")?;
        self.timestamp = other_than(message, "timestamp", "${.timestamp}")?;
        Ok(())
    }

    /// The table of the action.
    pub(in super::super) fn table(self) -> Table {
        let text = |text: String| TomlValue::Text(text);
        let mut table = vec![("topic", text(self.topic))];
        let texts = [
            ("key", self.key),
            ("value", self.value),
            ("timestamp", self.timestamp),
            ("partition", self.partition.map(str::to_owned)),
        ];
        table.extend(
            texts
                .into_iter()
                .filter_map(|(key, value)| Some((key, text(value?)))),
        );
        if !self.headers.is_empty() {
            table.push(("headers", TomlValue::Texts(self.headers)));
        }
        table.extend(self.headers_from.map(|from| ("headers_from", text(from))));
        table
    }
}

fn other_than(message: &Node, key: &str, default: &str) -> Result<Option<String>, ImportError> {
    let text = message.text_of(key)?.filter(|text| *text != default);
    Ok(text.map(str::to_owned))
}

/// The action that a definition describes, for a rule.
pub(super) fn of(definition: &Definition, export: &Export) -> Result<Action, ImportError> {
    let node = &definition.node;
    let parameters = [
        node.get("parameters"),
        node.get("kafka"),
        node.at(&["producer", "kafka"]),
    ];
    let parameters = parameters.into_iter().flatten().next();
    let parameters = parameters.ok_or_else(|| {
        let reference = definition.reference();
        node.fault(format!("{reference} has no `parameters`"))
    })?;
    let mut action = Action {
        origin: Some(format!("In EMQX: {}", definition.reference())),
        off: node.flag_of("enable")? == Some(false),
        ..Action::default()
    };
    if action.off {
        action.origin = Some(format!("In EMQX: {}, disabled", definition.reference()));
    }
    other_brokers(&mut action, definition, export);
    let template = template(&mut action, parameters)?;
    action.table = Some(("kafka", template.table()));
    leave_fallbacks_out(&mut action, node, "fallback_actions");
    Ok(action)
}

/// There is one Kafka here: that of the first action whose brokers are known.
fn other_brokers(action: &mut Action, definition: &Definition, export: &Export) {
    let mut kafka = export
        .actions()
        .iter()
        .filter(|known| super::export::is_kafka(&known.kind));
    let first = kafka.find_map(|known| export.brokers(known));
    let brokers = export.brokers(definition);
    if let (Some(first), Some(brokers)) = (first, brokers)
        && first != brokers
    {
        let what = format!(
            "{} writes to the brokers {brokers}, others to {first}; a pipeline has one Kafka",
            definition.reference()
        );
        action.leave_out(&definition.node.place, what);
    }
}

fn template(action: &mut Action, parameters: &Node) -> Result<Template, ImportError> {
    let topic = parameters.text_of("topic")?;
    let topic = topic.ok_or_else(|| parameters.fault("the Kafka `topic` is missing"))?;
    let mut template = Template {
        topic: topic.to_owned(),
        // EMQX's own default.
        partition: Some("random"),
        ..Template::default()
    };
    for (key, node) in parameters.members() {
        match (key.as_str(), node.word()) {
            ("message", _) => template.message(Some(node))?,
            ("partition_strategy", Some("key_dispatch")) => template.partition = None,
            ("kafka_headers", Some(from)) => {
                template.headers_from = Some(from.to_owned()).filter(|from| !from.is_empty());
            }
            ("kafka_ext_headers", _) => headers(&mut template, action, node)?,
            ("topic", _)
            | ("partition_strategy", Some("random"))
            | ("kafka_header_value_encode_mode", Some("none"))
            | ("partitions_limit", Some("all_partitions"))
            | ("max_batch_age" | "max_retries", Some("infinity")) => {}
            // Without headers, how to write them does not matter.
            (key, _)
                if SENDING.contains(&key)
                    || (key == "kafka_header_value_encode_mode" && !has_headers(parameters)) => {}
            (key, word) => action.leave_out(&node.place, no_such_thing(key, word)),
        }
    }
    Ok(template)
}

fn has_headers(parameters: &Node) -> bool {
    let more = parameters.get("kafka_ext_headers");
    let from = parameters.get("kafka_headers").and_then(Node::word);
    more.is_some_and(|list| !list.items().is_empty()) || from.is_some_and(|text| !text.is_empty())
}

/// Why a parameter has no counterpart.
fn no_such_thing(key: &str, word: Option<&str>) -> String {
    let advice = match key {
        "partition_strategy" => "records are spread at random",
        "kafka_header_value_encode_mode" => {
            "headers hold what their templates give, without quotes around texts"
        }
        "partitions_limit" => "records go to all partitions",
        "max_batch_age" | "max_retries" => "records wait until Kafka takes them",
        _ => "there is no such setting here",
    };
    match word {
        Some(word) => format!("{key} = {word}; {advice}"),
        None => format!("{key}; {advice}"),
    }
}

fn headers(template: &mut Template, action: &mut Action, list: &Node) -> Result<(), ImportError> {
    for item in list.items() {
        let name = item.text_of("kafka_ext_header_key")?;
        let value = item.text_of("kafka_ext_header_value")?;
        let (Some(name), Some(value)) = (name, value) else {
            return Err(item.fault("a header has kafka_ext_header_key and kafka_ext_header_value"));
        };
        let why = if name.contains("${") {
            "the name of a header is no template here"
        } else if template.headers.iter().any(|(known, _)| known == name) {
            "a rule writes a header once"
        } else {
            template.headers.push((name.to_owned(), value.to_owned()));
            continue;
        };
        action.leave_out(&item.place, format!("the header {name} = {value}; {why}"));
    }
    Ok(())
}
