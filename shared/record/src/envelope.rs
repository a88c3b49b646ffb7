//! The JSON envelope of the hooks: field order and number formats are given, byte for byte.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::kafka_record::push_decimal;
use crate::record::{Kind, Record};

/// The hook events that have an envelope.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EventKind {
    /// A client connected.
    ClientConnected,
    /// A client's connection ended.
    ClientDisconnected,
    /// A client subscribed.
    SessionSubscribed,
    /// A client unsubscribed.
    SessionUnsubscribed,
    /// A message was published.
    MessagePublish,
    /// A message was written to a subscriber.
    MessageDelivered,
    /// A subscriber acknowledged a message.
    MessageAcked,
}

impl EventKind {
    /// All of them, in the order of the hook table.
    pub const ALL: [Self; 7] = [
        Self::ClientConnected,
        Self::ClientDisconnected,
        Self::SessionSubscribed,
        Self::SessionUnsubscribed,
        Self::MessagePublish,
        Self::MessageDelivered,
        Self::MessageAcked,
    ];

    /// The name in settings files.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientConnected => "client.connected",
            Self::ClientDisconnected => "client.disconnected",
            Self::SessionSubscribed => "session.subscribed",
            Self::SessionUnsubscribed => "session.unsubscribed",
            Self::MessagePublish => "message.publish",
            Self::MessageDelivered => "message.delivered",
            Self::MessageAcked => "message.acked",
        }
    }

    /// Reads the name; `message.deliver` is the older spelling of `message.delivered`.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "message.deliver" {
            return Some(Self::MessageDelivered);
        }
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The kind of record that carries it.
    pub fn kind(self) -> Kind {
        match self {
            Self::ClientConnected => Kind::Connected,
            Self::ClientDisconnected => Kind::Disconnected,
            Self::SessionSubscribed => Kind::Subscribed,
            Self::SessionUnsubscribed => Kind::Unsubscribed,
            Self::MessagePublish => Kind::Publish,
            Self::MessageDelivered => Kind::Delivered,
            Self::MessageAcked => Kind::Acked,
        }
    }
}

/// Appends the envelope of `record` for `event`.
///
/// The shapes are those of the EMQX Kafka bridge articles: no white space, `payload` in standard
/// base64 of the exact bytes, `ts` in milliseconds.
pub fn write_envelope(event: EventKind, record: &Record, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"client_id\":");
    push_string(out, &record.client_id);
    match event {
        EventKind::ClientConnected => {}
        EventKind::ClientDisconnected => push_field(out, b"reason", &record.reason),
        EventKind::SessionSubscribed | EventKind::SessionUnsubscribed => {
            push_field(out, b"topic", &record.topic);
            push_number(out, b"qos", u64::from(record.qos));
        }
        EventKind::MessagePublish | EventKind::MessageDelivered | EventKind::MessageAcked => {
            push_field(out, b"username", &record.username);
            if event != EventKind::MessagePublish {
                push_field(out, b"from", &record.from_client_id);
            }
            push_field(out, b"topic", &record.topic);
            push_payload(out, &record.payload);
            push_number(out, b"qos", u64::from(record.qos));
        }
    }
    push_field(out, b"node", &record.node);
    push_number(out, b"ts", record.received_at_ms);
    out.push(b'}');
}

fn push_name(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
}

fn push_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    push_name(out, name);
    push_string(out, value);
}

fn push_number(out: &mut Vec<u8>, name: &[u8], value: u64) {
    push_name(out, name);
    push_decimal(out, value);
}

/// Base64 needs no escaping, so it is written straight into place.
fn push_payload(out: &mut Vec<u8>, payload: &[u8]) {
    push_name(out, b"payload");
    out.push(b'"');
    let start = out.len();
    out.resize(start + payload.len().div_ceil(3) * 4, 0);
    let written = out
        .get_mut(start..)
        .and_then(|place| STANDARD.encode_slice(payload, place).ok())
        .unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

/// A JSON string. Ids and topics nearly never need escaping, so that case copies once.
fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(text.get(plain_from..at).unwrap_or_default());
        plain_from = at + 1;
        push_escape(out, byte);
    }
    out.extend_from_slice(text.get(plain_from..).unwrap_or_default());
    out.push(b'"');
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        control => {
            let digit = |nibble: u8| {
                if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                }
            };
            out.extend_from_slice(b"\\u00");
            out.push(digit(control >> 4));
            out.push(digit(control & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn envelope(event: EventKind, record: &Record) -> String {
        let mut out = Vec::new();
        write_envelope(event, record, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn record() -> Record {
        Record {
            client_id: Bytes::from_static(b"10083618796833171"),
            topic: Bytes::from_static(b"devices/10083618796833171/state"),
            payload: Bytes::from_static(b"{\"battery\": 83.4}"),
            qos: 1,
            node: Bytes::from_static(b"emqx@127.0.0.1"),
            received_at_ms: 1_574_753_026_269,
            from_client_id: Bytes::from_static(b"phone"),
            reason: Bytes::from_static(b"normal"),
            ..Record::default()
        }
    }

    /// Scenario: each event of the articles.
    /// Guarantee: the bytes are those of the articles: field order, no white space, exact base64.
    #[test]
    fn every_event_has_its_given_shape() {
        let head = r#"{"client_id":"10083618796833171""#;
        let tail = r#","node":"emqx@127.0.0.1","ts":1574753026269}"#;
        let topic = r#","topic":"devices/10083618796833171/state""#;
        let payload = r#","payload":"eyJiYXR0ZXJ5IjogODMuNH0=","qos":1"#;
        for (event, middle) in [
            (EventKind::ClientConnected, String::new()),
            (
                EventKind::ClientDisconnected,
                r#","reason":"normal""#.into(),
            ),
            (EventKind::SessionSubscribed, format!(r#"{topic},"qos":1"#)),
            (
                EventKind::SessionUnsubscribed,
                format!(r#"{topic},"qos":1"#),
            ),
            (
                EventKind::MessagePublish,
                format!(r#","username":""{topic}{payload}"#),
            ),
            (
                EventKind::MessageDelivered,
                format!(r#","username":"","from":"phone"{topic}{payload}"#),
            ),
            (
                EventKind::MessageAcked,
                format!(r#","username":"","from":"phone"{topic}{payload}"#),
            ),
        ] {
            assert_eq!(
                envelope(event, &record()),
                format!("{head}{middle}{tail}"),
                "{event:?}"
            );
        }
    }

    /// Scenario: ids and topics with quotes, controls, and letters of many alphabets.
    /// Guarantee: the envelope is JSON that reads back to the same text.
    #[test]
    fn text_is_escaped_as_json() {
        for text in [
            "a\"b\\c",
            "line\nfeed\ttab\r",
            "\u{1}\u{1f}\u{8}\u{c}",
            "\u{95e8}\u{9501}",
            "\u{1f512}",
        ] {
            let record = Record {
                topic: Bytes::from(text.to_owned()),
                ..record()
            };
            let value: serde_json::Value =
                serde_json::from_str(&envelope(EventKind::MessagePublish, &record)).unwrap();
            assert_eq!(value["topic"], text);
        }
    }

    /// Scenario: every event name, and the older spelling of delivered.
    /// Guarantee: names read back to the same event; an unknown name is refused.
    #[test]
    fn names_round_trip() {
        for event in EventKind::ALL {
            assert_eq!(EventKind::from_name(event.name()), Some(event));
        }
        assert_eq!(
            EventKind::from_name("message.deliver"),
            Some(EventKind::MessageDelivered)
        );
        assert_eq!(EventKind::from_name("message.pubilsh"), None);
    }
}
