//! The payloads of the messages, and how to know one in Kafka.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Client id of the first client; the others follow. 17 digits, as real ones have.
pub(super) const FIRST_CLIENT_ID: u64 = 20_000_000_000_000_000;

/// Smallest payload: all fields, and room to pad.
pub(super) const SMALLEST_PAYLOAD: usize = 150;

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

/// A valid state of `size` bytes: a locked door that reports. All but the number is the same for
/// all of a client, as with real locks; the padding is random.
pub(super) fn body(run: u64, client_id: u64, size: usize) -> String {
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
    use super::*;

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
