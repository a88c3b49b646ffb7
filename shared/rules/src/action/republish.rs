//! Messages for MQTT.

use bytes::Bytes;

use super::{ActionFailed, named_texts, unfit};
use crate::template::{Missing, Template};
use crate::value::Map;

/// Bytes of the longest MQTT topic.
const MAX_TOPIC: usize = 65_535;

/// A message for MQTT.
#[derive(Clone, PartialEq, Debug)]
pub struct RepublishAction {
    /// The MQTT topic.
    pub topic: Template,
    /// The payload.
    pub payload: Template,
    /// Quality of service: 0, 1 or 2.
    pub qos: Template,
    /// `true` or `false`.
    pub retain: Template,
    /// A field with user properties: a map, or an array of `key` and `value`.
    pub user_properties: Option<Template>,
}

/// A message for MQTT, as an action made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// A valid MQTT topic.
    pub topic: Bytes,
    /// Payload.
    pub payload: Bytes,
    /// Quality of service, 0 to 2.
    pub qos: u32,
    /// RETAIN flag.
    pub retain: bool,
    /// Names and values, UTF-8.
    pub user_properties: Vec<(Bytes, Bytes)>,
}

impl RepublishAction {
    pub(super) fn apply(&self, fields: &Map) -> Result<Publication, ActionFailed> {
        let render = |template: &Template| template.render(fields, Missing::Word);
        let topic = render(&self.topic)?;
        if !is_topic(&topic) {
            let expected = "an MQTT topic is not empty and has no +, # or null, and no $ in front";
            return Err(unfit("topic", &topic, expected));
        }
        let qos = render(&self.qos)?;
        let qos = match &qos[..] {
            b"0" => 0,
            b"1" => 1,
            b"2" => 2,
            _ => return Err(unfit("qos", &qos, "it is 0, 1 or 2")),
        };
        let retain = render(&self.retain)?;
        let retain = match &retain[..] {
            b"true" | b"1" => true,
            b"false" | b"0" => false,
            _ => return Err(unfit("retain", &retain, "it is true or false")),
        };
        let properties = self.user_properties.as_ref();
        let properties = properties.and_then(|from| from.value(fields));
        let properties = properties.map(|value| named_texts(&value));
        Ok(Publication {
            topic,
            payload: render(&self.payload)?,
            qos,
            retain,
            user_properties: texts_only(properties.unwrap_or_default()),
        })
    }
}

/// MQTT has no room for other bytes in user properties.
fn texts_only(properties: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Bytes)> {
    let is_text = |bytes: &Bytes| std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    let mut properties = properties;
    properties.retain(|(name, value)| is_text(name) && is_text(value));
    properties
}

/// Whether a message can be published there (MQTT 5.0, section 4.7).
fn is_topic(topic: &[u8]) -> bool {
    !topic.is_empty()
        && topic.len() <= MAX_TOPIC
        && !topic.starts_with(b"$")
        && std::str::from_utf8(topic).is_ok_and(|topic| !topic.contains(['+', '#', '\0']))
}
