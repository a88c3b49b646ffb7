//! Messages that a rule publishes.

use super::super::error::ImportError;
use super::super::hocon::Node;
use super::super::toml_text::TomlValue;
use super::action::leave_fallbacks_out;
use super::rule::Action;

/// Where EMQX looks for user properties when nothing is said.
const USER_PROPERTIES: &str = "${user_properties}";

/// The action `republish` of EMQX 5 and, under other names, of EMQX 4.
pub(super) fn of(arguments: &Node, node: &Node, sql: &str) -> Result<Action, ImportError> {
    let either = |new: &str, old: &str| match arguments.text_of(new)? {
        None => arguments.text_of(old),
        found => Ok(found),
    };
    let topic = either("topic", "target_topic")?;
    let topic = topic.ok_or_else(|| arguments.fault("republish has no `topic`"))?;
    let payload = match either("payload", "payload_tmpl")? {
        None => "${payload}",
        // All that was selected.
        Some("") => "${.}",
        Some(payload) => payload,
    };
    let qos = either("qos", "target_qos")?.unwrap_or("${qos}");
    let retain = either("retain", "target_retain")?.unwrap_or("${retain}");
    let mut table = vec![
        ("topic", TomlValue::Text(topic.to_owned())),
        ("payload", TomlValue::Text(payload.to_owned())),
        ("qos", quality(qos)),
        ("retain", flag(retain)),
    ];
    let properties = arguments
        .text_of("user_properties")?
        .unwrap_or(USER_PROPERTIES);
    // The default finds nothing unless the statement makes it.
    let found = properties != USER_PROPERTIES || sql.contains("user_properties");
    if found && !properties.is_empty() {
        let properties = TomlValue::Text(properties.to_owned());
        table.push(("user_properties", properties));
    }
    let mut action = Action {
        table: Some(("republish", table)),
        ..Action::default()
    };
    others(&mut action, arguments);
    leave_fallbacks_out(&mut action, node, "fallbacks");
    Ok(action)
}

fn quality(text: &str) -> TomlValue {
    match text {
        "0" => TomlValue::Number(0),
        "1" => TomlValue::Number(1),
        "2" => TomlValue::Number(2),
        // As the message that it comes from.
        "-1" => TomlValue::Text("${qos}".to_owned()),
        template => TomlValue::Text(template.to_owned()),
    }
}

fn flag(text: &str) -> TomlValue {
    match text {
        "true" => TomlValue::Bool(true),
        "false" => TomlValue::Bool(false),
        template => TomlValue::Text(template.to_owned()),
    }
}

/// Leaves out what has no counterpart.
fn others(action: &mut Action, arguments: &Node) {
    let properties = arguments.get("mqtt_properties");
    for (key, node) in properties.map(Node::members).unwrap_or_default() {
        let value = node.word().unwrap_or_default();
        let what = format!("the property {key} = {value} of the published message");
        action.leave_out(&node.place, what);
    }
    let direct = arguments.get("direct_dispatch");
    if let Some(node) = direct.filter(|node| node.word() != Some("false")) {
        let what = "direct_dispatch; what rules publish goes the way of every message";
        action.leave_out(&node.place, what);
    }
}
