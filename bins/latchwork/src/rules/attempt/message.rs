//! The message or event that a statement is tried on.

use std::time::{SystemTime, UNIX_EPOCH};

use ::rules::event::{Event as _, FieldsEvent, RecordEvent};
use ::rules::sql::RuleEvent;
use ::rules::value::{Map, Value};
use ::rules::{rule_event, simulated};
use bytes::Bytes;
use record::{Kind, Origin, Record, UserProperty};

use super::super::{RulesError, input};

/// Beyond the number of the last kind of record.
const KINDS_END: i32 = 64;

/// The message or event.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct MessageArgs {
    /// What happens: the name of a hook (client.connected) or a topic of FROM
    /// ($events/client/connected).
    #[arg(long, value_name = "NAME", default_value = "message.publish")]
    event: String,
    /// The MQTT topic; needed for all events that have one.
    #[arg(long)]
    topic: Option<String>,
    /// The payload; `@FILE` reads a file, `@-` standard input.
    #[arg(long, value_name = "TEXT", default_value = "")]
    payload: String,
    /// The client id.
    #[arg(long, value_name = "ID", default_value = "test-client")]
    client_id: String,
    /// The user name; undefined when it is left out.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Quality of service.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=2))]
    qos: u32,
    /// With the RETAIN flag.
    #[arg(long)]
    retain: bool,
    /// A user property; may be given several times.
    #[arg(long = "user-property", value_name = "NAME=VALUE", value_parser = pair)]
    user_properties: Vec<(String, String)>,
    /// Any other field, or another value of one: JSON, or a text that is none; may be given several
    /// times. `timestamp` is the time of this moment without it, `node` is `latchwork`.
    #[arg(long = "field", value_name = "NAME=JSON", value_parser = pair)]
    fields: Vec<(String, String)>,
}

/// What `FROM` decides by.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) event: RuleEvent,
    /// Empty where there is none.
    pub(super) topic: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

impl MessageArgs {
    /// The event with the fields that a stage would give it, and those that were asked for.
    pub(super) fn event(&self) -> Result<(FieldsEvent, Message), RulesError> {
        let event = self.rule_event()?;
        let kind = kind_of(event);
        let topic = self.checked_topic(event)?;
        let payload = Bytes::from(input::bytes(&self.payload)?);
        let record = self.record(kind, topic, payload);
        let mut fields = RecordEvent::new(&record, Origin::default()).fields();
        fields.insert("event".into(), Value::text(event.name()));
        for (name, text) in &self.fields {
            let value = Value::from_json(text.as_bytes());
            let value = value.unwrap_or_else(|_| Value::text(text.clone()));
            fields.insert(name.clone().into(), value);
        }
        let message = Message {
            event,
            topic: topic_of(&fields),
        };
        Ok((simulated(fields), message))
    }

    fn rule_event(&self) -> Result<RuleEvent, RulesError> {
        let name = &self.event;
        let event = RuleEvent::from_name(name).or_else(|| RuleEvent::from_topic(name));
        event.ok_or_else(|| RulesError::Event {
            name: name.clone(),
            known: RuleEvent::ALL.map(RuleEvent::name).join(", "),
        })
    }

    fn checked_topic(&self, event: RuleEvent) -> Result<&str, RulesError> {
        // What a client subscribes to has wildcards.
        let (is_needed, may_be_wild) = match event {
            RuleEvent::SessionSubscribed | RuleEvent::SessionUnsubscribed => (true, true),
            RuleEvent::ClientConnected
            | RuleEvent::ClientDisconnected
            | RuleEvent::ClientConnack
            | RuleEvent::ClientCheckAuthnComplete => (false, true),
            _ => (true, false),
        };
        match self.topic.as_deref() {
            None | Some("") if is_needed => Err(RulesError::NoTopic(event.name())),
            Some(topic) if topic.contains(['+', '#', '\0']) && !may_be_wild => {
                Err(RulesError::Topic(topic.to_owned()))
            }
            topic => Ok(topic.unwrap_or_default()),
        }
    }

    fn record(&self, kind: Kind, topic: &str, payload: Bytes) -> Record {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or_default());
        let properties = self.user_properties.iter();
        let is_end = kind == Kind::Disconnected;
        Record {
            kind: kind.into(),
            client_id: bytes(&self.client_id),
            username: bytes(self.username.as_deref().unwrap_or_default()),
            from_client_id: Bytes::from_static(b"test-publisher"),
            topic: bytes(topic),
            payload,
            qos: self.qos,
            retain: self.retain,
            received_at_ms: now_ms,
            node: Bytes::from_static(b"latchwork"),
            peer: Bytes::from_static(b"127.0.0.1:50000"),
            protocol_name: Bytes::from_static(b"MQTT"),
            protocol_version: 5,
            keepalive_s: 60,
            reason: Bytes::from_static(if is_end { b"normal" } else { b"" }),
            // The time of the connection, in microseconds.
            session_epoch: now_ms.saturating_mul(1000),
            user_properties: properties
                .map(|(name, value)| UserProperty {
                    name: bytes(name),
                    value: bytes(value),
                })
                .collect(),
            ..Record::default()
        }
    }
}

/// The kind of record that an event comes from.
fn kind_of(event: RuleEvent) -> Kind {
    let kinds = (0..KINDS_END).filter_map(|number| Kind::try_from(number).ok());
    let mut kinds = kinds.filter(|kind| rule_event(*kind) == Some(event));
    kinds.next().unwrap_or(Kind::Unspecified)
}

/// As a rule sees it: a field that was asked for may have changed it.
fn topic_of(fields: &Map) -> String {
    match fields.get("topic") {
        Some(Value::Text(topic)) => String::from_utf8_lossy(topic).into_owned(),
        _ => String::new(),
    }
}
