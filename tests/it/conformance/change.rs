//! Malformed packets, each made of a good one by one change.

use super::bytes::{blob, varint};
use super::corpus::{Good, Part};
use crate::raw_mqtt::{Level, packet};

/// A malformed packet, and what 5.0 may say of it.
pub(super) struct Bad {
    pub(super) what: String,
    pub(super) bytes: Vec<u8>,
    pub(super) reasons: &'static [u8],
}

const MALFORMED: &[u8] = &[0x81];
const PROTOCOL: &[u8] = &[0x82];
const EITHER: &[u8] = &[0x81, 0x82];

impl Good {
    /// The packet, up to each of its legal ends.
    pub(super) fn whole(&self, level: Level) -> Vec<Vec<u8>> {
        let body = self.body(level);
        let ends = self.ends(level);
        ends.iter()
            .map(|end| packet(self.first, &body[..*end]))
            .collect()
    }

    /// Every malformed packet that one change makes of it.
    pub(super) fn malformed(&self, level: Level) -> Vec<Bad> {
        let mut all = self.cut(level);
        all.extend(self.longer(level));
        all.extend(self.wrong_flags());
        for at in 0..self.parts.len() {
            all.extend(self.wrong_part(level, at));
        }
        all
    }

    fn body(&self, level: Level) -> Vec<u8> {
        let mut body: Vec<u8> = self
            .parts
            .iter()
            .flat_map(|part| written(level, part))
            .collect();
        if self.name == "CONNECT" {
            body[6] = level as u8;
        }
        body
    }

    /// Lengths at which the body may end.
    fn ends(&self, level: Level) -> Vec<usize> {
        let (mut length, mut ends) = (0, Vec::new());
        for part in &self.parts {
            length += written(level, part).len();
            ends.extend(matches!(part, Part::End).then_some(length));
        }
        ends
    }

    fn bad(&self, what: &str, bytes: Vec<u8>, reasons: &'static [u8]) -> Bad {
        let what = format!("{} with {what}: {bytes:02X?}", self.name);
        Bad {
            what,
            bytes,
            reasons,
        }
    }

    /// Cut anywhere, with a remaining length that says so.
    fn cut(&self, level: Level) -> Vec<Bad> {
        let (body, ends) = (self.body(level), self.ends(level));
        let cuts = (0..body.len()).filter(|length| !ends.contains(length));
        cuts.map(|length| {
            let bytes = packet(self.first, &body[..length]);
            self.bad(&format!("{length} bytes"), bytes, EITHER)
        })
        .collect()
    }

    /// A byte too many, and lengths that are written wrongly.
    fn longer(&self, level: Level) -> Vec<Bad> {
        let body = self.body(level);
        let mut all = Vec::new();
        if self.first & 0xF0 != 0x30 {
            let bytes = packet(self.first, &[&body[..], &[0]].concat());
            all.push(self.bad("a byte too many", bytes, EITHER));
        }
        let endless = [self.first, 0x80, 0x80, 0x80, 0x80, 0x01].to_vec();
        all.push(self.bad("a length of five bytes", endless, MALFORMED));
        if level == Level::V5 {
            let mut bytes = vec![self.first];
            let mut length = varint(body.len());
            *length.last_mut().unwrap() |= 0x80;
            bytes.extend([length, vec![0], body].concat());
            all.push(self.bad("a length that is longer than it must be", bytes, MALFORMED));
        }
        all
    }

    /// The flags are fixed, but in PUBLISH.
    fn wrong_flags(&self) -> Vec<Bad> {
        let (kind, legal) = (self.first & 0xF0, self.first & 0x0F);
        if kind == 0x30 {
            return vec![self.bad("QoS 3", vec![0x36, 4, 0, 2, b'a', b'b'], MALFORMED)];
        }
        let others = (0..16).filter(|flags| *flags != legal);
        let bytes = |flags| vec![kind | flags, 2, 0, 1];
        others
            .map(|flags| self.bad("wrong flags", bytes(flags), MALFORMED))
            .collect()
    }

    /// One part that is wrong, and the others right.
    fn wrong_part(&self, level: Level, at: usize) -> Vec<Bad> {
        let mut all = Vec::new();
        let mut replaced = |what: &str, by: &[u8], reasons| {
            let around =
                |parts: &[Part]| parts.iter().flat_map(|part| written(level, part)).collect();
            let (before, behind): (Vec<u8>, Vec<u8>) =
                (around(&self.parts[..at]), around(&self.parts[at + 1..]));
            let mut body = [&before, by, &behind].concat();
            if self.name == "CONNECT" && at > 0 {
                body[6] = level as u8;
            }
            all.push(self.bad(what, packet(self.first, &body), reasons));
        };
        match &self.parts[at] {
            Part::Id => replaced("identifier 0", &[0, 0], EITHER),
            Part::Text(_) => {
                for text in [
                    "hex:61FF",
                    "hex:61C0AF",
                    "hex:61EDA080",
                    "hex:61E282",
                    "hex:610062",
                ] {
                    replaced("bad text", &blob(text), MALFORMED);
                }
            }
            Part::Properties(list) if level == Level::V5 => {
                for extra in list.iter().filter(|one| !matches!(one[0], 0x26)) {
                    replaced("a property twice", &listed(list, extra), PROTOCOL);
                }
                for alien in [
                    &b"\x13\x00\x01"[..],
                    b"\x7F\x01",
                    b"\x25\x01",
                    b"\x26\x00\x01a",
                ] {
                    replaced("an alien property", &listed(list, alien), EITHER);
                }
                replaced("a list beyond its packet", &[0xFF, 0x7F], MALFORMED);
            }
            Part::Bytes(_) | Part::Blob(_) | Part::Properties(_) | Part::End => {}
        }
        all
    }
}

fn written(level: Level, part: &Part) -> Vec<u8> {
    match part {
        Part::Bytes(bytes) => bytes.to_vec(),
        Part::Id => vec![0x12, 0x34],
        Part::Text(text) | Part::Blob(text) => blob(text),
        Part::Properties(list) if level == Level::V5 => listed(list, &[]),
        Part::Properties(_) | Part::End => Vec::new(),
    }
}

/// A property list with one more.
fn listed(list: &[&[u8]], more: &[u8]) -> Vec<u8> {
    let all = [&list.concat()[..], more].concat();
    [varint(all.len()), all].concat()
}
