//! What a server sends: bytes to words, in the notation of `written.rs`.
//!
//! What is zero, empty or absent is left out. A packet that the specification does not allow from a
//! server, or with a length or a flag that is wrong, fails the test.

use super::bytes::{Bytes, text_of};
use super::properties;
use crate::raw_mqtt::{Level, RawPacket};

/// The name and the words of a packet.
pub(super) fn seen(level: Level, packet: &RawPacket) -> Vec<String> {
    let mut body = Bytes(&packet.body);
    let flags = packet.first & 0x0F;
    let (name, words) = match packet.first >> 4 {
        2 => ("CONNACK", connack(level, &mut body)),
        3 => return publish(level, flags, &mut body),
        4 => ("PUBACK", acknowledgement(level, &mut body)),
        5 => ("PUBREC", acknowledgement(level, &mut body)),
        6 => ("PUBREL", acknowledgement(level, &mut body)),
        7 => ("PUBCOMP", acknowledgement(level, &mut body)),
        9 => ("SUBACK", codes(level, &mut body)),
        11 => ("UNSUBACK", codes(level, &mut body)),
        13 => ("PINGRESP", Vec::new()),
        14 if level == Level::V5 => ("DISCONNECT", coded(level, &mut body)),
        _ => panic!("a server must not send {packet:?}"),
    };
    let legal = if name == "PUBREL" { 2 } else { 0 };
    assert_eq!(
        flags, legal,
        "MQTT-2.1.3-1 (3.1.1: MQTT-2.2.2-1): {packet:?}"
    );
    assert!(body.0.is_empty(), "{packet:?} is longer than {words:?}");
    let mut all = vec![name.to_owned()];
    all.extend(words);
    all
}

fn connack(level: Level, body: &mut Bytes<'_>) -> Vec<String> {
    let mut words = Vec::new();
    match body.byte() {
        0 => {}
        1 => words.push("present".to_owned()),
        other => panic!("MQTT-3.2.2-1: the flags of CONNACK are {other:#04x}"),
    }
    words.extend(code(body.byte()));
    if level == Level::V5 {
        words.extend(properties::read(body));
    }
    words
}

fn publish(level: Level, flags: u8, body: &mut Bytes<'_>) -> Vec<String> {
    let qos = flags >> 1 & 3;
    assert_ne!(qos, 3, "MQTT-3.3.1-4");
    assert!(qos > 0 || flags & 8 == 0, "MQTT-3.3.1-2: DUP at QoS 0");
    let mut words = vec!["PUBLISH".to_owned()];
    words.extend((flags & 8 != 0).then(|| "dup".to_owned()));
    words.extend((flags & 1 != 0).then(|| "retain".to_owned()));
    words.extend((qos > 0).then(|| format!("qos={qos}")));
    let topic = text_of(body.blob());
    assert!(!topic.contains(['+', '#']), "MQTT-3.3.2-2: {topic}");
    words.extend((!topic.is_empty()).then(|| format!("topic={topic}")));
    if qos > 0 {
        let id = body.two();
        assert_ne!(id, 0, "MQTT-2.2.1-4 (3.1.1: MQTT-2.3.1-1)");
        words.push(format!("id={id}"));
    }
    if level == Level::V5 {
        words.extend(properties::read(body));
    }
    let payload = body.rest();
    let shown = match payload {
        [] => return words,
        many if many.len() > 100 => format!("fill:{}", many.len()),
        few => text_of(few),
    };
    words.push(format!("payload={shown}"));
    words
}

fn acknowledgement(level: Level, body: &mut Bytes<'_>) -> Vec<String> {
    let mut words = vec![format!("id={}", body.two())];
    words.extend(coded(level, body));
    words
}

/// A reason and properties, each of which may be left out.
fn coded(level: Level, body: &mut Bytes<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if level == Level::V5 && !body.0.is_empty() {
        words.extend(code(body.byte()));
        if !body.0.is_empty() {
            words.extend(properties::read(body));
        }
    }
    words
}

fn code(code: u8) -> Option<String> {
    (code != 0).then(|| format!("code={code:02X}"))
}

fn codes(level: Level, body: &mut Bytes<'_>) -> Vec<String> {
    let mut words = vec![format!("id={}", body.two())];
    if level == Level::V5 {
        words.extend(properties::read(body));
    }
    let codes: Vec<String> = body
        .rest()
        .iter()
        .map(|code| format!("{code:02X}"))
        .collect();
    words.extend((!codes.is_empty()).then(|| format!("codes={}", codes.join(","))));
    words
}
