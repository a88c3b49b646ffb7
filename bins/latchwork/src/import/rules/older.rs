//! Kafka actions of EMQX 4.

use super::super::error::ImportError;
use super::super::hocon::Node;
use super::action::leave_fallbacks_out;
use super::kafka::Template;
use super::rule::Action;

/// The action `data_to_kafka`.
pub(super) fn kafka(arguments: &Node, node: &Node) -> Result<Action, ImportError> {
    let topic = arguments.text_of("topic")?;
    let topic = topic.ok_or_else(|| arguments.fault("data_to_kafka has no `topic`"))?;
    let value = arguments.text_of("payload_tmpl")?;
    let strategy = arguments.text_of("strategy")?.unwrap_or("random");
    let template = Template {
        topic: topic.to_owned(),
        key: Some(key(arguments.text_of("key")?.unwrap_or("none"))),
        // All that was selected, which is the default here too.
        value: value.filter(|text| !text.is_empty()).map(str::to_owned),
        partition: (!strategy.ends_with("key_dispatch")).then_some("random"),
        ..Template::default()
    };
    let mut action = Action {
        table: Some(("kafka", template.table())),
        ..Action::default()
    };
    leave_fallbacks_out(&mut action, node, "fallbacks");
    Ok(action)
}

/// EMQX 4 has names of fields where others have templates.
fn key(text: &str) -> String {
    match text {
        "none" | "" => String::new(),
        template if template.contains("${") => template.to_owned(),
        field => format!("${{{field}}}"),
    }
}
