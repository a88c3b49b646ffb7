//! Events as the edge recorded them.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use record::{Kind, Origin, Record};

use super::{Event, names};
use crate::value::{JsonError, Map, Value};

/// A record and the names that EMQX's rules have for its parts (`emqx_rule_events`).
#[derive(Debug)]
pub struct RecordEvent<'r> {
    record: &'r Record,
    kind: Kind,
    origin: Origin,
    payload: OnceCell<Result<Value, JsonError>>,
    further: OnceCell<Map>,
}

impl<'r> RecordEvent<'r> {
    /// The event of a record; `origin` is its place in the stream UP.
    pub fn new(record: &'r Record, origin: Origin) -> Self {
        Self {
            record,
            kind: record.kind(),
            origin,
            payload: OnceCell::new(),
            further: OnceCell::new(),
        }
    }

    /// What the edge wrote down besides, for rules. It is read once, however often it is asked for.
    fn further(&self) -> &Map {
        self.further.get_or_init(|| {
            let json = &self.record.event_fields;
            if json.is_empty() {
                return Map::new();
            }
            match Value::from_json(json) {
                Ok(Value::Map(fields)) => Arc::unwrap_or_clone(fields),
                _ => Map::new(),
            }
        })
    }

    fn own_field(&self, name: &str) -> Value {
        let record = self.record;
        match name {
            "event" => Value::text(ByteString::from_static(names::event(self.kind))),
            "clientid" => text(&record.client_id),
            "username" => text(&record.username),
            "timestamp" | "publish_received_at" => record.received_at_ms.into(),
            "node" => text(&record.node),
            "id" => Value::text(format!(
                "{:016X}{:08X}",
                self.origin.sequence, self.origin.index
            )),
            "payload" => Value::Text(record.payload.clone()),
            "peername" => text(&record.peer),
            "peerhost" => text(&host(&record.peer)),
            "topic" => text(&record.topic),
            "qos" => record.qos.into(),
            "flags" => Map::from_iter([
                ("retain".into(), record.retain.into()),
                ("dup".into(), record.dup.into()),
            ])
            .into(),
            "pub_props" => self.properties(),
            "client_attrs" => Map::new().into(),
            "republished_by" => text(&record.republished_by),
            "from_clientid" => text(&record.from_client_id),
            "from_username" => text(&record.from_username),
            "reason" => text(&record.reason),
            "proto_name" => text(&record.protocol_name),
            "proto_ver" => record.protocol_version.into(),
            "keepalive" => record.keepalive_s.into(),
            "is_superuser" => false.into(),
            "connected_at" if matches!(self.kind, Kind::Connected | Kind::Connack) => {
                record.received_at_ms.into()
            }
            // The epoch of a session is the time of its connection in microseconds.
            "connected_at" => (record.session_epoch / 1000).into(),
            "disconnected_at" if self.kind == Kind::Disconnected => record.received_at_ms.into(),
            _ => Value::Undefined,
        }
    }

    /// User properties by name, of which the last of a name counts, and all of them in order.
    fn properties(&self) -> Value {
        let properties = &self.record.user_properties;
        if properties.is_empty() {
            return Map::new().into();
        }
        let key = |name: &Bytes| ByteString::try_from(name.clone()).unwrap_or_default();
        let by_name = properties
            .iter()
            .map(|property| (key(&property.name), Value::Text(property.value.clone())));
        let pairs = properties.iter().map(|property| {
            Value::map(Map::from_iter([
                ("key".into(), Value::Text(property.name.clone())),
                ("value".into(), Value::Text(property.value.clone())),
            ]))
        });
        Map::from_iter([
            ("User-Property".into(), Value::map(by_name.collect())),
            ("User-Property-Pairs".into(), Value::array(pairs.collect())),
        ])
        .into()
    }
}

impl Event for RecordEvent<'_> {
    fn field(&self, name: &str) -> Value {
        let name = if name == "client_id" {
            "clientid"
        } else {
            name
        };
        if names::ALWAYS.contains(&name) || names::fields(self.kind).contains(&name) {
            self.own_field(name)
        } else {
            self.further().get(name).cloned().unwrap_or_default()
        }
    }

    fn fields(&self) -> Map {
        let names = names::ALWAYS.iter().chain(names::fields(self.kind));
        let mut fields: Map = names
            .map(|name| (ByteString::from_static(name), self.own_field(name)))
            .collect();
        for (name, value) in self.further() {
            // A name of its own wins.
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        fields.retain(|_, value| *value != Value::Undefined);
        fields
    }

    fn payload(&self) -> Result<Value, JsonError> {
        let read = || Value::from_json(&self.record.payload);
        self.payload.get_or_init(read).clone()
    }
}

/// What an absent text is: empty in a record, undefined in a rule.
fn text(text: &Bytes) -> Value {
    if text.is_empty() {
        Value::Undefined
    } else {
        Value::Text(text.clone())
    }
}

/// The address without its port.
fn host(peer: &Bytes) -> Bytes {
    let end = peer.iter().rposition(|byte| *byte == b':');
    let host = peer.slice(..end.unwrap_or(peer.len()));
    match &host[..] {
        [b'[', .., b']'] => host.slice(1..host.len() - 1),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use record::UserProperty;

    use super::*;

    fn record(kind: Kind) -> Record {
        Record {
            kind: kind.into(),
            client_id: "lock-1".into(),
            topic: "devices/lock-1/state".into(),
            payload: r#"{"battery":83.4}"#.into(),
            qos: 1,
            retain: true,
            received_at_ms: 1_700_000_000_123,
            node: "edge-1".into(),
            peer: "[::1]:5000".into(),
            protocol_name: "MQTT".into(),
            protocol_version: 5,
            keepalive_s: 60,
            session_epoch: 1_700_000_000_000_456,
            user_properties: vec![UserProperty {
                name: "site".into(),
                value: "a".into(),
            }],
            ..Record::default()
        }
    }

    fn field(kind: Kind, name: &str) -> String {
        let record = record(kind);
        let value = RecordEvent::new(&record, Origin::default()).field(name);
        let mut text = Vec::new();
        value.write_text(&mut text);
        String::from_utf8(text).unwrap()
    }

    /// Scenario: fields of a published message and of a client's events.
    /// Guarantee: each has EMQX's name and form; what an event does not have is undefined.
    #[test]
    fn fields_have_their_names() {
        for (kind, name, expected) in [
            (Kind::Publish, "event", "message.publish"),
            (Kind::Publish, "clientid", "lock-1"),
            (Kind::Publish, "client_id", "lock-1"),
            (Kind::Publish, "username", "undefined"),
            (Kind::Publish, "payload", r#"{"battery":83.4}"#),
            (Kind::Publish, "peerhost", "::1"),
            (Kind::Publish, "peername", "[::1]:5000"),
            (Kind::Publish, "flags", r#"{"retain":true,"dup":false}"#),
            (
                Kind::Publish,
                "pub_props",
                r#"{"User-Property":{"site":"a"},"User-Property-Pairs":[{"key":"site","value":"a"}]}"#,
            ),
            (Kind::Publish, "timestamp", "1700000000123"),
            (Kind::Publish, "keepalive", "undefined"),
            (Kind::Connected, "topic", "undefined"),
            (Kind::Connected, "keepalive", "60"),
            (Kind::Connected, "connected_at", "1700000000123"),
            (Kind::Disconnected, "connected_at", "1700000000000"),
            (Kind::Disconnected, "disconnected_at", "1700000000123"),
            (Kind::Subscribed, "topic", "devices/lock-1/state"),
            (Kind::Subscribed, "payload", "undefined"),
        ] {
            assert_eq!(field(kind, name), expected, "{kind:?} {name}");
        }
    }

    /// Scenario: all fields of a message are asked for.
    /// Guarantee: those that are defined are there, in their order.
    #[test]
    fn all_fields() {
        let record = record(Kind::Publish);
        let event = RecordEvent::new(&record, Origin::default());
        let fields = event.fields();
        let names: Vec<_> = fields.keys().map(|name| &**name).collect();
        assert_eq!(names[..3], ["event", "clientid", "timestamp"]);
        assert!(names.contains(&"payload") && !names.contains(&"username"));
        assert_eq!(event.payload().unwrap().to_json(), r#"{"battery":83.4}"#);
    }

    /// Scenario: the edge wrote further fields down, two of them with names that the event has itself.
    /// Guarantee: they are there, alone and among all, a name of the event's own wins even where its
    /// value is absent, and what is no JSON object counts as nothing.
    #[test]
    fn further_fields() {
        let json = br#"{"conn_props":{"Receive-Maximum":8},"clientid":"other","username":"x"}"#;
        let mut record = record(Kind::Connected);
        record.event_fields = Bytes::from_static(json);
        let event = RecordEvent::new(&record, Origin::default());
        let props = event.field("conn_props");
        assert_eq!(props.to_json(), r#"{"Receive-Maximum":8}"#);
        assert_eq!(event.field("clientid"), Value::text("lock-1"));
        assert_eq!(event.field("username"), Value::Undefined);
        assert_eq!(event.field("sockname"), Value::Undefined);
        let fields = event.fields();
        assert_eq!(fields.get("conn_props"), Some(&props));
        assert_eq!(fields.get("clientid"), Some(&Value::text("lock-1")));
        assert_eq!(fields.get("username"), None);
        for json in ["", "[1]", "{", "7"] {
            record.event_fields = Bytes::from_static(json.as_bytes());
            let event = RecordEvent::new(&record, Origin::default());
            assert_eq!(event.field("conn_props"), Value::Undefined, "{json:?}");
        }
    }

    /// Scenario: the answers to a CONNECT, a login, a question to the access rules, and a message
    /// that nobody subscribed to.
    /// Guarantee: each is the event that EMQX has for it, with that event's fields.
    #[test]
    fn events_that_only_rules_see() {
        for (kind, name, expected) in [
            (Kind::Connack, "event", "client.connack"),
            (Kind::Connack, "connected_at", "1700000000123"),
            (Kind::Connack, "reason_code", "from the edge"),
            (Kind::LoggedIn, "event", "client.check_authn_complete"),
            (Kind::LoginFailed, "event", "client.check_authn_complete"),
            (Kind::LoginFailed, "is_superuser", "false"),
            (Kind::LoginFailed, "keepalive", "undefined"),
            (Kind::AccessChecked, "event", "client.check_authz_complete"),
            (Kind::AccessChecked, "topic", "devices/lock-1/state"),
            (Kind::AccessChecked, "payload", "undefined"),
            (Kind::Unrouted, "event", "message.dropped"),
            (Kind::Unrouted, "payload", r#"{"battery":83.4}"#),
            (Kind::Unrouted, "reason", "no_subscribers"),
        ] {
            let record = Record {
                reason: "no_subscribers".into(),
                event_fields: r#"{"reason_code":"from the edge"}"#.into(),
                ..record(kind)
            };
            let mut text = Vec::new();
            let event = RecordEvent::new(&record, Origin::default());
            event.field(name).write_text(&mut text);
            assert_eq!(
                String::from_utf8(text).unwrap(),
                expected,
                "{kind:?} {name}"
            );
        }
    }
}
