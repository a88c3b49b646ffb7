//! The properties of MQTT 5.0 (table 2-4), written and read by their names in the notation.

use super::bytes::{Bytes, blob, text_of, varint};

/// How the value of a property is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Byte,
    Two,
    Four,
    Varint,
    Text,
    Pair,
}

/// Identifier, name in the notation, form.
const PROPERTIES: [(u8, &str, Form); 27] = [
    (0x01, "format", Form::Byte),
    (0x02, "expiry", Form::Four),
    (0x03, "ctype", Form::Text),
    (0x08, "response", Form::Text),
    (0x09, "corr", Form::Text),
    (0x0B, "subid", Form::Varint),
    (0x11, "session", Form::Four),
    (0x12, "assigned", Form::Text),
    (0x13, "serverka", Form::Two),
    (0x15, "method", Form::Text),
    (0x16, "data", Form::Text),
    (0x17, "problems", Form::Byte),
    (0x18, "delay", Form::Four),
    (0x19, "wantinfo", Form::Byte),
    (0x1A, "info", Form::Text),
    (0x1C, "server", Form::Text),
    (0x1F, "reason", Form::Text),
    (0x21, "rmax", Form::Two),
    (0x22, "aliasmax", Form::Two),
    (0x23, "alias", Form::Two),
    (0x24, "qosmax", Form::Byte),
    (0x25, "retainok", Form::Byte),
    (0x26, "user", Form::Pair),
    (0x27, "maxpacket", Form::Four),
    (0x28, "wildcardok", Form::Byte),
    (0x29, "subidok", Form::Byte),
    (0x2A, "sharedok", Form::Byte),
];

/// A property list with its length, of those words that are properties.
pub(super) fn list<'w>(words: impl Iterator<Item = (&'w str, &'w str)>) -> Vec<u8> {
    let mut list = Vec::new();
    for (key, value) in words {
        let Some((id, _, form)) = PROPERTIES.iter().find(|(_, name, _)| *name == key) else {
            continue;
        };
        list.push(*id);
        let number = || value.parse::<u32>().unwrap().to_be_bytes();
        match form {
            Form::Byte => list.push(number()[3]),
            Form::Two => list.extend(&number()[2..]),
            Form::Four => list.extend(number()),
            Form::Varint => list.extend(varint(value.parse().unwrap())),
            Form::Text => list.extend(blob(value)),
            Form::Pair => {
                let (name, value) = value.split_once(':').unwrap();
                list.extend(blob(name));
                list.extend(blob(value));
            }
        }
    }
    let mut out = varint(list.len());
    out.extend(list);
    out
}

/// Whether the word is the name of a property.
pub(super) fn is_one(key: &str) -> bool {
    PROPERTIES.iter().any(|(_, name, _)| *name == key)
}

/// Reads a property list, as words.
pub(super) fn read(bytes: &mut Bytes<'_>) -> Vec<String> {
    let length = bytes.varint();
    let mut list = Bytes(bytes.take(length));
    let mut words = Vec::new();
    while !list.0.is_empty() {
        let id = list.byte();
        let known = PROPERTIES.iter().find(|(known, _, _)| *known == id);
        let (_, name, form) = known.unwrap_or_else(|| panic!("property {id:#04x} from the server"));
        let value = match form {
            Form::Byte => list.byte().to_string(),
            Form::Two => list.two().to_string(),
            Form::Four => list.four().to_string(),
            Form::Varint => list.varint().to_string(),
            Form::Text => text_of(list.blob()),
            Form::Pair => format!("{}:{}", text_of(list.blob()), text_of(list.blob())),
        };
        words.push(format!("{name}={value}"));
    }
    words
}
