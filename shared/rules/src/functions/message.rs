//! Fields of the message.

use super::{Arguments, Failure, functions, map};
use crate::value::Value;

functions! {
    "clientid" (0, 0) |a| field(a, "clientid");
    "client_id" (0, 0) |a| field(a, "clientid");
    "clientip" (0, 0) |a| field(a, "peerhost");
    "contains_topic" (2, 3) contains_topic;
    "contains_topic_match" (2, 3) contains_topic_match;
    "flag" (1, 1) flag;
    "flags" (0, 0) flags;
    "msgid" (0, 0) |a| field(a, "id");
    "payload" (0, 1) payload;
    "peerhost" (0, 0) |a| field(a, "peerhost");
    "qos" (0, 0) |a| field(a, "qos");
    "topic" (0, 1) topic;
    "username" (0, 0) |a| field(a, "username");
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions")]
fn field(a: &Arguments<'_>, name: &str) -> Result<Value, Failure> {
    Ok(a.event().field(name))
}

/// The whole topic, or one of its levels; they count from 1.
fn topic(a: &Arguments<'_>) -> Result<Value, Failure> {
    let topic = a.event().field("topic");
    if a.count() == 0 {
        return Ok(topic);
    }
    let Value::Text(topic) = topic else {
        return Ok(Value::Undefined);
    };
    let level = usize::try_from(a.int(1)?).ok();
    let mut levels = topic.split(|byte| *byte == b'/');
    let level = level.and_then(|level| levels.nth(level.checked_sub(1)?));
    level
        .map(|level| Value::Text(topic.slice_ref(level)))
        .ok_or_else(|| a.not(1, "the number of a level that the topic has"))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions")]
fn flags(a: &Arguments<'_>) -> Result<Value, Failure> {
    Ok(match a.event().field("flags") {
        Value::Undefined => Value::map(crate::value::Map::new()),
        flags => flags,
    })
}

fn flag(a: &Arguments<'_>) -> Result<Value, Failure> {
    let name = a.unicode(1)?;
    Ok(match a.event().field("flags") {
        Value::Map(flags) => flags.get(&*name).cloned().unwrap_or_default(),
        _ => Value::Undefined,
    })
}

/// The whole payload as it came, or what a path with points leads to in its JSON.
fn payload(a: &Arguments<'_>) -> Result<Value, Failure> {
    if a.count() == 0 {
        return Ok(a.event().field("payload"));
    }
    let path = a.unicode(1)?;
    let payload = a.event().payload();
    let payload = payload.map_err(|error| a.fail(format_args!("the payload: {error}")))?;
    Ok(map::fetch(&payload, path.split('.')))
}

fn contains_topic(a: &Arguments<'_>) -> Result<Value, Failure> {
    contains(a, |member, topic| member == topic)
}

/// Either side may be the one with wildcards: EMQX documents the list, and its code has them in the
/// second argument. The asked one is split once, so that the work is linear in the list.
fn contains_topic_match(a: &Arguments<'_>) -> Result<Value, Failure> {
    let asked = a.unicode(2)?;
    let asked: Vec<&str> = asked.split('/').collect();
    contains(a, |member, _| {
        let levels = || asked.iter().copied();
        matches(member.split('/'), levels()) || matches(levels(), member.split('/'))
    })
}

/// Whether the levels of a topic filter match those of a topic (MQTT 5.0 section 4.7).
fn matches<'t>(
    mut filter: impl Iterator<Item = &'t str>,
    mut topic: impl Iterator<Item = &'t str>,
) -> bool {
    let mut first = true;
    loop {
        let (expected, level) = (filter.next(), topic.next());
        let hidden = first && level.is_some_and(|level| level.starts_with('$'));
        first = false;
        match (expected, level) {
            (Some("#"), _) => return !hidden,
            (Some("+"), Some(_)) if !hidden => {}
            (Some(expected), Some(level)) if expected == level => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// Whether a list of topics, or of maps with `topic` and `qos`, has one that is the same.
fn contains(a: &Arguments<'_>, same: impl Fn(&str, &str) -> bool) -> Result<Value, Failure> {
    let topic = a.unicode(2)?;
    let qos = if a.count() == 3 {
        Some(a.int(3)?)
    } else {
        None
    };
    let found = a.array(1)?.iter().any(|member| {
        let (listed, granted) = match member {
            Value::Map(map) => (map.get("topic"), map.get("qos")),
            other => (Some(other), None),
        };
        let Some(Value::Text(listed)) = listed else {
            return false;
        };
        let listed = std::str::from_utf8(listed).unwrap_or_default();
        same(listed, &topic) && qos.is_none_or(|qos| granted == Some(&Value::Int(qos)))
    });
    Ok(Value::Bool(found))
}
