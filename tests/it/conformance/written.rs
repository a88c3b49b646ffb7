//! What a client sends: words to bytes.
//!
//! A packet is its name and words `key=value` in any order, a flag is a word of its own; what is
//! left out is zero, empty or absent. Properties are left out in 3.1.1, so that a row can be of
//! both versions. `properties.rs` has their names; those of a will begin with `w.`.

use super::bytes::{blob, bytes_of, hex};
use super::properties;
use crate::raw_mqtt::{Level, packet};

/// The words of one packet.
struct Words<'w> {
    level: Level,
    words: Vec<(&'w str, &'w str)>,
}

/// The bytes of a packet in this notation.
pub(super) fn written(level: Level, name: &str, words: &[&str]) -> Vec<u8> {
    let words = words
        .iter()
        .map(|word| word.split_once('=').unwrap_or((word, "")));
    let words = Words {
        level,
        words: words.collect(),
    };
    match name {
        "CONNECT" => packet(0x10, &words.connect()),
        "PUBLISH" => packet(0x30 | words.publish_flags(), &words.publish()),
        "PUBACK" => packet(0x40, &words.acknowledgement()),
        "PUBREC" => packet(0x50, &words.acknowledgement()),
        "PUBREL" => packet(0x62, &words.acknowledgement()),
        "PUBCOMP" => packet(0x70, &words.acknowledgement()),
        "SUBSCRIBE" => packet(0x82, &words.filters(true)),
        "UNSUBSCRIBE" => packet(0xA2, &words.filters(false)),
        "PINGREQ" => packet(0xC0, &[]),
        "DISCONNECT" => packet(0xE0, &words.coded()),
        "AUTH" => packet(0xF0, &words.coded()),
        "RAW" => hex(words.get("hex").expect("RAW hex=...")),
        other => panic!("no packet {other}"),
    }
}

impl Words<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.words.iter().find(|(known, _)| *known == key);
        found.map(|(_, value)| *value)
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn number(&self, key: &str) -> u16 {
        self.get(key).map_or(0, |value| value.parse().unwrap())
    }

    fn bits(&self, key: &str) -> u8 {
        u8::try_from(self.number(key)).unwrap()
    }

    fn code(&self) -> Option<u8> {
        let digits = self.get("code")?;
        Some(u8::from_str_radix(digits, 16).unwrap())
    }

    fn properties(&self) -> Vec<u8> {
        match self.level {
            Level::V311 => Vec::new(),
            Level::V5 => properties::list(self.words.iter().copied()),
        }
    }

    fn will_properties(&self) -> Vec<u8> {
        let of_will = self.words.iter();
        let of_will = of_will.filter_map(|(key, value)| Some((key.strip_prefix("w.")?, *value)));
        match self.level {
            Level::V311 => Vec::new(),
            Level::V5 => properties::list(of_will),
        }
    }

    fn connect(&self) -> Vec<u8> {
        let will = self.has("w.topic");
        let flags = u8::from(!self.has("keep")) << 1
            | u8::from(will) << 2
            | self.bits("w.qos") << 3
            | u8::from(self.has("w.retain")) << 5
            | u8::from(self.has("password")) << 6
            | u8::from(self.has("username")) << 7;
        let mut body = blob("MQTT");
        body.extend([self.level as u8, flags]);
        body.extend(self.number("keepalive").to_be_bytes());
        body.extend(self.properties());
        body.extend(blob(self.get("id").unwrap_or_default()));
        if will {
            body.extend(self.will_properties());
            body.extend(blob(self.get("w.topic").unwrap()));
            body.extend(blob(self.get("w.payload").unwrap_or_default()));
        }
        for key in ["username", "password"] {
            body.extend(self.get(key).map(blob).unwrap_or_default());
        }
        body
    }

    fn publish_flags(&self) -> u8 {
        let (dup, retain) = (self.has("dup"), self.has("retain"));
        u8::from(dup) << 3 | self.bits("qos") << 1 | u8::from(retain)
    }

    fn publish(&self) -> Vec<u8> {
        let mut body = blob(self.get("topic").unwrap_or_default());
        if self.has("id") {
            body.extend(self.number("id").to_be_bytes());
        }
        body.extend(self.properties());
        body.extend(bytes_of(self.get("payload").unwrap_or_default()));
        body
    }

    fn acknowledgement(&self) -> Vec<u8> {
        let mut body = self.number("id").to_be_bytes().to_vec();
        body.extend(self.coded());
        body
    }

    /// A reason and properties, as short as they can be.
    fn coded(&self) -> Vec<u8> {
        let code = self.code().filter(|_| self.level == Level::V5);
        let with_properties = self.words.iter().any(|(key, _)| properties::is_one(key));
        match code {
            Some(code) if with_properties => [vec![code], self.properties()].concat(),
            Some(code) => vec![code],
            None => Vec::new(),
        }
    }

    fn filters(&self, with_options: bool) -> Vec<u8> {
        let mut body = self.number("id").to_be_bytes().to_vec();
        body.extend(self.properties());
        for (_, value) in self.words.iter().filter(|(key, _)| *key == "filter") {
            if with_options {
                let (filter, options) = value.rsplit_once(':').expect("filter:options");
                body.extend(blob(filter));
                body.push(self.options(options));
            } else {
                body.extend(blob(value));
            }
        }
        body
    }

    /// `1`, or with the options of 5.0: `1,nl,rap,rh2`.
    fn options(&self, options: &str) -> u8 {
        let mut byte = 0;
        for option in options.split(',') {
            byte |= match option {
                "nl" => 0b100,
                "rap" => 0b1000,
                "rh1" => 0b1_0000,
                "rh2" => 0b10_0000,
                qos => qos.parse().unwrap(),
            };
        }
        match self.level {
            Level::V311 => byte & 0b11,
            Level::V5 => byte,
        }
    }
}
