//! The messages: a template per client with digits filled in, and how to know one in Kafka.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use command::KeyRing;

use super::signed::Signed;
use crate::mqtt_client::Version;

/// Client id of the first client; the others follow. 17 digits, as real ones have.
pub(super) const FIRST_CLIENT_ID: u64 = 20_000_000_000_000_000;

/// Smallest payload: all fields, and room to pad.
pub(super) const SMALLEST_PAYLOAD: usize = 150;

/// A PUBLISH begins so, with `QoS` 1, and so when it is a repeat.
const PUBLISH: u8 = 0x32;
const PUBLISH_AGAIN: u8 = 0x3A;

pub(super) const NUMBER: &str = r#"{"number":""#;

/// A message's number: 6 digits of the run, 10 of the message.
pub(super) const RUN_DIGITS: usize = 6;
pub(super) const SEQUENCE_DIGITS: usize = 10;

/// What distinguishes this run's messages from those of earlier runs: 6 digits.
pub(super) fn run_token() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.as_secs() % 1_000_000
}

/// Packet identifier of a message: the numbers go round, 0 is not one.
pub(super) fn packet_id(sequence: u64) -> u16 {
    u16::try_from(sequence % 65_535).unwrap_or_default() + 1
}

/// All PUBLISH packets of one client.
#[derive(Debug)]
pub(super) struct Template {
    packet: Vec<u8>,
    /// Where the packet identifier stands.
    packet_id: usize,
    /// Where the payload stands.
    payload: usize,
    /// Makes the payload anew for each message, instead of the digits.
    signed: Option<Signed>,
}

impl Template {
    /// `payload` is the size of the payload in bytes, at least [`SMALLEST_PAYLOAD`].
    pub(super) fn new(version: Version, run: u64, client: usize, payload: usize) -> Self {
        let client_id = FIRST_CLIENT_ID + client as u64;
        let topic = format!("devices/{client_id}/state");
        let body = body(run, client_id, payload);
        Self::of(version, &topic, body.as_bytes(), None)
    }

    /// Commands to the client itself, signed with these keys.
    pub(super) fn commands(version: Version, run: u64, client: usize, keys: Arc<KeyRing>) -> Self {
        let client_id = FIRST_CLIENT_ID + client as u64;
        let topic = format!("devices/{client_id}/command");
        let signed = Signed::new(keys, client_id, run);
        Self::of(version, &topic, &signed.payload(0), Some(signed))
    }

    fn of(version: Version, topic: &str, body: &[u8], signed: Option<Signed>) -> Self {
        let properties: &[u8] = if version == Version::V5 { &[0] } else { &[] };
        let length = 2 + topic.len() + 2 + properties.len() + body.len();

        let mut packet = vec![PUBLISH];
        push_length(&mut packet, length);
        packet.extend(u16::try_from(topic.len()).unwrap_or_default().to_be_bytes());
        packet.extend(topic.as_bytes());
        let packet_id = packet.len();
        packet.extend([0, 0]);
        packet.extend(properties);
        let payload = packet.len();
        packet.extend(body);
        Self {
            packet,
            packet_id,
            payload,
            signed,
        }
    }

    /// Appends the PUBLISH of a message.
    pub(super) fn write(&mut self, sequence: u64, again: bool, out: &mut Vec<u8>) {
        if let Some(first) = self.packet.first_mut() {
            *first = if again { PUBLISH_AGAIN } else { PUBLISH };
        }
        if let Some(place) = self.packet.get_mut(self.packet_id..self.packet_id + 2) {
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

/// A valid state of `size` bytes: a locked door that reports. All but the number is the same for
/// all of a client, as with real locks; the padding is random.
fn body(run: u64, client_id: u64, size: usize) -> String {
    let mut body = format!(
        r#"{NUMBER}{run:0RUN_DIGITS$}{:0SEQUENCE_DIGITS$}","process_id":"1","action":"lock","battery":{:.1},"lock_state":0,"version":1.1,"client_id":"{client_id}","pad":""#,
        0,
        30.0 + 69.0 * fastrand::f64(),
    );
    let padding = size.saturating_sub(body.len() + 2);
    body.extend(std::iter::repeat_with(fastrand::alphanumeric).take(padding));
    body.push_str("\"}");
    body
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

/// Finds messages of this run in envelopes.
#[derive(Debug)]
pub(super) struct Finder {
    run: u64,
    clients: usize,
    /// Where the payload stood last: all envelopes of a run have one shape.
    payload_at: usize,
}

const CLIENT_ID_FIELD: &[u8] = br#"{"client_id":""#;
const PAYLOAD_FIELD: &[u8] = br#""payload":""#;

/// Base64 characters that hold the payload up to the end of the number: 27 bytes.
const CHARACTERS: usize = 36;

impl Finder {
    pub(super) fn new(run: u64, clients: usize) -> Self {
        Self {
            run,
            clients,
            payload_at: 0,
        }
    }

    /// Client and sequence of the message in an envelope; `None` when it is not of this run.
    pub(super) fn find(&mut self, envelope: &[u8]) -> Option<(usize, u64)> {
        let digits = envelope
            .strip_prefix(CLIENT_ID_FIELD)?
            .split(|byte| *byte == b'"')
            .next()?;
        let client = usize::try_from(number(digits)?.checked_sub(FIRST_CLIENT_ID)?).ok()?;
        let characters = self.payload(envelope)?.get(..CHARACTERS)?;
        let mut payload = [0; CHARACTERS / 4 * 3];
        STANDARD.decode_slice(characters, &mut payload).ok()?;
        let digits = payload.strip_prefix(NUMBER.as_bytes())?;
        let (run, digits) = digits.split_at_checked(RUN_DIGITS)?;
        let sequence = number(digits.get(..SEQUENCE_DIGITS)?)?;
        (number(run)? == self.run && client < self.clients).then_some((client, sequence))
    }

    fn payload<'a>(&mut self, envelope: &'a [u8]) -> Option<&'a [u8]> {
        let here = |at: usize| envelope.get(at..)?.strip_prefix(PAYLOAD_FIELD);
        if let Some(payload) = here(self.payload_at) {
            return Some(payload);
        }
        let at = envelope
            .windows(PAYLOAD_FIELD.len())
            .position(|window| window == PAYLOAD_FIELD)?;
        self.payload_at = at;
        here(at)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use rmqtt_codec::{v3, v5};
    use tokio_util::codec::Decoder;

    use super::*;

    /// Scenario: messages of several sizes in both versions, new and repeated.
    /// Guarantee: an independent codec reads them as meant, the payload has its size and passes
    /// the contract.
    #[test]
    fn packets_are_valid() {
        let schemas = schema::Schemas::builtin().unwrap();
        for (version, size) in [
            (Version::V311, 150),
            (Version::V311, 200),
            (Version::V5, 60_000),
        ] {
            let mut template = Template::new(version, 42, 7, size);
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
                assert_eq!((publish.dup, publish.qos.value()), (again, 1));
                assert_eq!(publish.packet_id.unwrap().get(), packet_id(sequence));
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

    fn envelope(client_id: &str, user: &str, payload: &[u8]) -> Vec<u8> {
        let payload = STANDARD.encode(payload);
        let text = format!(
            r#"{{"client_id":"{client_id}","username":"{user}","topic":"devices/{client_id}/state","payload":"{payload}","qos":1,"node":"n","ts":1}}"#
        );
        text.into_bytes()
    }

    /// Scenario: envelopes of this run, of another run, of other clients, and no envelopes at all.
    /// Guarantee: exactly those of this run are known, wherever the payload stands.
    #[test]
    fn messages_are_found_in_kafka() {
        let mut finder = Finder::new(42, 10);
        let body_of =
            |run| body(run, FIRST_CLIENT_ID + 7, 200).replacen("0000000000", "0000001234", 1);
        let client_id = "20000000000000007";
        for user in ["", "somebody"] {
            let envelope = envelope(client_id, user, body_of(42).as_bytes());
            assert_eq!(finder.find(&envelope), Some((7, 1234)));
        }
        for strange in [
            envelope(client_id, "", body_of(43).as_bytes()),
            envelope("20000000000000010", "", body_of(42).as_bytes()),
            envelope("10083618796833171", "", body_of(42).as_bytes()),
            envelope(client_id, "", b"short"),
            b"{\"client_id\":\"".to_vec(),
            b"raw".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(
                finder.find(&strange),
                None,
                "{}",
                String::from_utf8_lossy(&strange)
            );
        }
    }
}
