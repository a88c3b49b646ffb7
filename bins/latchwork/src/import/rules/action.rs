//! What a rule does, as a rule of EMQX says it.

use super::super::error::ImportError;
use super::super::hocon::{Node, Value};
use super::super::toml_text::TomlValue;
use super::export::{Export, is_kafka};
use super::rule::Action;
use super::{kafka, older, republish};

/// An action of a rule: a reference, a function, or what EMQX 4 has.
pub(super) fn of(node: &Node, sql: &str, export: &Export) -> Result<Action, ImportError> {
    if let Value::Object(_) = node.value {
        let empty = Node {
            value: Value::Object(Vec::new()),
            place: node.place.clone(),
        };
        let arguments = node.get("args").or(node.get("params")).unwrap_or(&empty);
        let named = node.text_of("function")?.or(node.text_of("name")?);
        return match named {
            Some("republish") => republish::of(arguments, node, sql),
            Some("data_to_kafka") => older::kafka(arguments, node),
            Some(function) => Ok(function_of(function, node)),
            None => {
                Err(node
                    .fault("an action has `function`, or is a text such as kafka_producer:NAME"))
            }
        };
    }
    let reference = node.text("an action")?;
    let (kind, name) = reference.split_once(':').unwrap_or((reference, ""));
    match export.action(kind, name) {
        _ if name.is_empty() => Ok(function_of(kind, node)),
        Some(definition) if is_kafka(kind) => kafka::of(definition, export),
        None if is_kafka(kind) => Ok(unknown(reference, node)),
        _ => {
            let mut action = Action::default();
            let what =
                format!("{reference}; rules write to Kafka and publish to MQTT, nothing else");
            action.leave_out(&node.place, what);
            Ok(action)
        }
    }
}

/// A function that has no counterpart.
fn function_of(function: &str, node: &Node) -> Action {
    let advice = match function {
        "console" | "inspect" => {
            "it prints what the rule makes; here `latchwork rules try` shows it"
        }
        "do_nothing" => "a rule without an action does nothing here too",
        _ => "functions of EMQX's own modules are not known here",
    };
    let mut action = Action::default();
    let what = format!("the action {function}; {advice}");
    action.leave_out(&node.place, what);
    action
}

/// A Kafka action whose definition the files don't have: EMQX's defaults, and a topic to fill in
/// that no check lets pass.
fn unknown(reference: &str, node: &Node) -> Action {
    let topic = format!("<the Kafka topic of {reference}>");
    let mut action = Action {
        table: Some((
            "kafka",
            vec![
                ("topic", TomlValue::Text(topic)),
                ("partition", TomlValue::Text("random".to_owned())),
            ],
        )),
        ..Action::default()
    };
    let what = format!(
        "what {reference} writes is not in this file; \
         fill the topic in, or import what /api/v5/actions gives along with it"
    );
    action.leave_out(&node.place, what);
    action
}

/// Leaves out what EMQX does when an action fails.
pub(super) fn leave_fallbacks_out(action: &mut Action, node: &Node, key: &str) {
    let Some(fallbacks) = node.get(key).filter(|node| !node.items().is_empty()) else {
        return;
    };
    let names: Vec<String> = fallbacks.items().iter().map(name_of).collect();
    let what = format!(
        "the fallback actions {}; \
         records wait here while Kafka is away, and what can't be written becomes a dead letter",
        names.join(", ")
    );
    action.leave_out(&fallbacks.place, what);
}

fn name_of(fallback: &Node) -> String {
    let word = |key| fallback.get(key).and_then(Node::word);
    match (word("type"), word("name"), word("kind")) {
        (Some(kind), Some(name), _) => format!("{kind}:{name}"),
        (_, Some(name), _) => name.to_owned(),
        (_, _, Some(kind)) => kind.to_owned(),
        _ => fallback.word().unwrap_or("without a name").to_owned(),
    }
}
