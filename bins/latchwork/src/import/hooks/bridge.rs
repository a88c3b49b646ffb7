//! `emqx_bridge_kafka.conf`: `bridge.kafka.hook.message.publish.1 = {"filter": "#", "topic": "x"}`.

use record::{EventKind, TopicFilter};

use super::super::draft::{Draft, LeftOut};
use super::super::error::ImportError;
use super::super::hocon::{Node, Reader};
use super::super::input::Input;
use super::super::toml_text::quoted;
use super::conf::Line;

/// How the keys of the bridge begin.
pub(super) const KEYS: &str = "bridge.kafka.";

const ABOUT_HOOKS: &str = "\
Put this into the pipeline file, and see that it is understood: latchwork check --config FILE
Records have the client id as their key, and the payload as base64. Acknowledgements, batches,
buffers and compression are not carried over: kafka-sink sees to them.";

/// Writes the hooks of a file.
pub(super) fn import(input: &Input, lines: &[Line<'_>]) -> Result<Draft, ImportError> {
    let mut draft = Draft::default();
    draft.comment(&format!(
        "Hooks of EMQX's Kafka bridge, from {}.",
        input.name
    ));
    draft.comment(ABOUT_HOOKS);
    let mut first_pool = None;
    for line in lines {
        let Some(key) = line.key.strip_prefix(KEYS) else {
            continue;
        };
        // Of two lines with one key the later counts.
        if lines.iter().rev().find(|other| other.key == line.key) != Some(line) {
            continue;
        }
        match key.strip_prefix("hook.").or(key.strip_prefix("rule.")) {
            Some(event) => hook(&mut draft, line, event, &mut first_pool)?,
            None => setting(&mut draft, line, key),
        }
    }
    Ok(draft)
}

/// A hook; `event` is the event with its number, such as `message.publish.1`.
fn hook(
    draft: &mut Draft,
    line: &Line<'_>,
    event: &str,
    first_pool: &mut Option<String>,
) -> Result<(), ImportError> {
    let Some((event, number)) = event.rsplit_once('.') else {
        let problem = "a hook's key ends with its event and a number, such as message.publish.1";
        return Err(ImportError::meaning(&line.place, problem));
    };
    if number.parse::<u32>().is_err() {
        let problem = format!("a hook's key ends with a number, not with `{number}`");
        return Err(ImportError::meaning(&line.place, problem));
    }
    let node = Reader::part(line.value, &line.value_place)?;
    let Some(kind) = EventKind::from_name(event) else {
        let what = format!("{}; the event {event} has no records here", line.key);
        draft.line("");
        draft.leave_out(LeftOut::new(&line.place, what));
        return Ok(());
    };
    let default_topic = event.replace('.', "_");
    let topic = node.text_of("topic")?.unwrap_or(&default_topic);
    draft.line("");
    draft.line("[[hook]]");
    draft.line(&format!("event = {}", quoted(kind.name())));
    if !matches!(
        kind,
        EventKind::ClientConnected | EventKind::ClientDisconnected
    ) {
        let filter = filter(&node)?;
        draft.line(&format!("filter = {}", quoted(&filter)));
    }
    draft.line(&format!("kafka_topic = {}", quoted(topic)));
    for (key, node) in node.members() {
        if let Some(why) = difference(key, node.word().unwrap_or_default(), first_pool) {
            let value = node.word().unwrap_or_default();
            let what = format!("{key} = {value}; {why}");
            draft.leave_out(LeftOut::new(&node.place, what).of(line.key));
        }
    }
    Ok(())
}

/// The topic filter of a hook; all topics where it has none.
fn filter(hook: &Node) -> Result<String, ImportError> {
    let Some(node) = hook.get("filter") else {
        return Ok("#".to_owned());
    };
    let text = node.text("filter")?;
    let filter: Result<TopicFilter, _> = text.parse();
    filter.map_err(|error| node.fault(error.to_string()))?;
    Ok(text.to_owned())
}

/// What a member of a hook wants that hooks here don't do.
fn difference(key: &str, value: &str, first_pool: &mut Option<String>) -> Option<&'static str> {
    match (key, value) {
        ("filter" | "topic" | "action", _)
        | ("format", "json")
        | ("key", "${clientid}" | "${client_id}")
        | ("strategy", "first_key_dispatch" | "key_dispatch") => None,
        ("pool", pool) => {
            let first = first_pool.get_or_insert_with(|| pool.to_owned());
            (first != pool).then_some("a pipeline has one Kafka")
        }
        ("key", _) => Some("records have the client id as their key; a [[rule]] can have another"),
        ("strategy", _) => Some(
            "records go to the partition of their client id, in order; a [[rule]] can do otherwise",
        ),
        _ => Some("there is no such setting here"),
    }
}

/// A setting of the whole bridge.
fn setting(draft: &mut Draft, line: &Line<'_>, key: &str) {
    let last = key.rsplit('.').next().unwrap_or(key);
    let Line { value, place, .. } = line;
    if key.starts_with("sasl") || key.starts_with("ssl") || key == "username" || key == "password" {
        // Its value may be a secret.
        let what = format!("{}; say it to Kafka's client: [kafka.librdkafka]", line.key);
        draft.leave_out(LeftOut::new(place, what));
    } else if last == "servers" || last == "server" {
        draft.comment(&format!(
            "The brokers were {value}: give them as --kafka or LATCHWORK_KAFKA."
        ));
    } else if last == "encode_payload_type" && *value != "base64" {
        let what = format!(
            "{} = {value}; hooks write payloads as base64, a [[rule]] can write them as they are",
            line.key
        );
        draft.leave_out(LeftOut::new(place, what));
    } else if matches!(last, "partition_strategy" | "parition_strategy")
        && !value.ends_with("key_dispatch")
    {
        let what = format!(
            "{} = {value}; records go to the partition of their client id, in order",
            line.key
        );
        draft.leave_out(LeftOut::new(place, what));
    }
}
