//! The PUBLISH packets: a template per client with digits filled in.

use std::sync::Arc;

use command::KeyRing;
use rmqtt_codec::types::QoS;

use super::message::{FIRST_CLIENT_ID, NUMBER, RUN_DIGITS, SEQUENCE_DIGITS, body, packet_id};
use super::signed::Signed;
use crate::mqtt_client::Version;

/// Type of a PUBLISH; bits 1 and 2 are its `QoS`.
const PUBLISH: u8 = 0x30;

/// Flag of a repeat. With `QoS` 0 nothing is repeated.
const DUP: u8 = 8;

/// What all messages of a load have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) version: Version,
    pub(super) qos: QoS,
}

/// All PUBLISH packets of one client.
#[derive(Debug)]
pub(super) struct Template {
    qos: QoS,
    packet: Vec<u8>,
    /// Where the packet identifier stands; there is none with `QoS` 0.
    packet_id: Option<usize>,
    /// Where the payload stands.
    payload: usize,
    /// Makes the payload anew for each message, instead of the digits.
    signed: Option<Signed>,
}

impl Template {
    /// `payload` is the size of the payload in bytes, at least [`SMALLEST_PAYLOAD`](super::message::SMALLEST_PAYLOAD).
    pub(super) fn states(style: Style, run: u64, client: usize, payload: usize) -> Self {
        let client_id = FIRST_CLIENT_ID + client as u64;
        let topic = format!("devices/{client_id}/state");
        let body = body(run, client_id, payload);
        Self::of(style, &topic, body.as_bytes(), None)
    }

    /// Commands to the client itself, signed with these keys.
    pub(super) fn commands(style: Style, run: u64, client: usize, keys: Arc<KeyRing>) -> Self {
        let client_id = FIRST_CLIENT_ID + client as u64;
        let topic = format!("devices/{client_id}/command");
        let signed = Signed::new(keys, client_id, run);
        Self::of(style, &topic, &signed.payload(0), Some(signed))
    }

    fn of(style: Style, topic: &str, body: &[u8], signed: Option<Signed>) -> Self {
        let properties: &[u8] = if style.version == Version::V5 {
            &[0]
        } else {
            &[]
        };
        let id: &[u8] = if style.qos == QoS::AtMostOnce {
            &[]
        } else {
            &[0, 0]
        };
        let length = 2 + topic.len() + id.len() + properties.len() + body.len();

        let mut packet = vec![PUBLISH | style.qos.value() << 1];
        push_length(&mut packet, length);
        packet.extend(u16::try_from(topic.len()).unwrap_or_default().to_be_bytes());
        packet.extend(topic.as_bytes());
        let packet_id = (!id.is_empty()).then_some(packet.len());
        packet.extend(id);
        packet.extend(properties);
        let payload = packet.len();
        packet.extend(body);
        Self {
            qos: style.qos,
            packet,
            packet_id,
            payload,
            signed,
        }
    }

    /// Appends the PUBLISH of a message.
    pub(super) fn write(&mut self, sequence: u64, again: bool, out: &mut Vec<u8>) {
        if let Some(first) = self.packet.first_mut() {
            *first = PUBLISH | self.qos.value() << 1 | if again { DUP } else { 0 };
        }
        let place = self
            .packet_id
            .and_then(|at| self.packet.get_mut(at..at + 2));
        if let Some(place) = place {
            place.copy_from_slice(&packet_id(sequence).to_be_bytes());
        }
        let digits = self.payload + NUMBER.len() + RUN_DIGITS;
        if let Some(signed) = &self.signed {
            self.packet.truncate(self.payload);
            self.packet.extend(signed.payload(sequence));
        } else if let Some(place) = self.packet.get_mut(digits..digits + SEQUENCE_DIGITS) {
            let mut rest = sequence;
            for digit in place.iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        out.extend_from_slice(&self.packet);
    }
}

fn push_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let byte = u8::try_from(length % 128).unwrap_or_default();
        length /= 128;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use bytes::BytesMut;
    use rmqtt_codec::{v3, v5};
    use tokio_util::codec::Decoder;

    use super::*;

    /// Scenario: messages of several sizes in both versions and all `QoS`, new and repeated.
    /// Guarantee: an independent codec reads them as meant, the payload has its size and passes
    /// the contract.
    #[test]
    fn packets_are_valid() {
        let schemas = schema::Schemas::builtin().unwrap();
        for (version, qos, size) in [
            (Version::V311, QoS::AtLeastOnce, 150),
            (Version::V311, QoS::AtMostOnce, 200),
            (Version::V311, QoS::ExactlyOnce, 200),
            (Version::V5, QoS::AtLeastOnce, 60_000),
            (Version::V5, QoS::AtMostOnce, 200),
            (Version::V5, QoS::ExactlyOnce, 200),
        ] {
            let mut template = Template::states(Style { version, qos }, 42, 7, size);
            for (sequence, again) in [
                (0, false),
                (65_534, true),
                (65_535, false),
                (1_234_567, true),
            ] {
                let mut bytes = Vec::new();
                template.write(sequence, again, &mut bytes);
                let mut bytes = BytesMut::from(&bytes[..]);
                let publish = match version {
                    Version::V311 => match v3::Codec::new(0).decode(&mut bytes).unwrap().unwrap().0
                    {
                        v3::Packet::Publish(publish) => publish,
                        other => panic!("{other:?}"),
                    },
                    Version::V5 => {
                        match v5::Codec::new(0, 0).decode(&mut bytes).unwrap().unwrap().0 {
                            v5::Packet::Publish(publish) => publish,
                            other => panic!("{other:?}"),
                        }
                    }
                };
                assert!(bytes.is_empty());
                assert_eq!((publish.dup, publish.qos), (again, qos));
                let id = (qos != QoS::AtMostOnce).then(|| packet_id(sequence));
                assert_eq!(publish.packet_id.map(NonZeroU16::get), id);
                assert_eq!(&*publish.topic, "devices/20000000000000007/state");
                assert_eq!(publish.payload.len(), size);
                let text = std::str::from_utf8(&publish.payload).unwrap();
                assert!(
                    text.contains(&format!("\"number\":\"000042{sequence:010}\"")),
                    "{text}"
                );
                schemas
                    .get("lock-state")
                    .unwrap()
                    .check(&publish.payload)
                    .unwrap();
            }
        }
    }
}
