//! Payloads, in the exact shape of the locks' documents: key order, no white space.

use std::time::{SystemTime, UNIX_EPOCH};

use command::{Command as SignedCommand, KeyRing, SignDigits};
use serde::Deserialize;

use super::event::{Breakage, MessageId};

/// What a lock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Lock,
    Unlock,
}

impl Action {
    pub(super) fn random() -> Self {
        if fastrand::bool() {
            Self::Lock
        } else {
            Self::Unlock
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Unlock => "unlock",
        }
    }
}

/// What a lock says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockState {
    pub(crate) action: Action,
    /// Percent.
    pub(crate) battery: f64,
}

impl LockState {
    /// The payload of `devices/{client_id}/state`.
    pub(crate) fn payload(self, id: MessageId) -> String {
        self.write(id, &format!("{:.1}", self.battery), "1.1", true)
    }

    /// The same, broken. The process id is whole and where it was.
    pub(super) fn broken_payload(self, id: MessageId, breakage: Breakage) -> Vec<u8> {
        let battery = format!("{:.1}", self.battery);
        match breakage {
            Breakage::Cut => {
                let mut whole = self.payload(id);
                whole.truncate(whole.len() / 2);
                whole.into_bytes()
            }
            Breakage::WrongType => self
                .write(id, &format!("\"{battery}\""), "1.1", true)
                .into_bytes(),
            Breakage::MissingField => self.write(id, &battery, "1.1", false).into_bytes(),
            Breakage::BrokenUtf8 => {
                let mut bytes = self.write(id, &battery, "\"1.1?\"", true).into_bytes();
                bytes
                    .iter_mut()
                    .filter(|byte| **byte == b'?')
                    .for_each(|byte| *byte = 0xFF);
                bytes
            }
        }
    }

    fn write(self, id: MessageId, battery: &str, version: &str, lock_state: bool) -> String {
        let action = self.action.name();
        let lock_state = match (lock_state, self.action) {
            (false, _) => "",
            (true, Action::Unlock) => r#""lock_state":1,"#,
            (true, Action::Lock) => r#""lock_state":0,"#,
        };
        format!(
            r#"{{"process_id":"{:016}","action":"{action}","battery":{battery},{lock_state}"version":{version},"client_id":"{}"}}"#,
            id.process_id, id.lock,
        )
    }
}

/// What a lock reads of a command.
#[derive(Debug, Deserialize)]
pub(super) struct Command {
    pub(super) process_id: String,
    pub(super) action: Action,
}

/// The payload of `devices/{client_id}/command`. Without keys the signature is random digits.
pub(crate) fn command(id: MessageId, action: Action, keys: Option<&KeyRing>) -> Vec<u8> {
    let nonce: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(8)
        .collect();
    let command = SignedCommand {
        process_id: format!("{:016}", id.process_id).into(),
        action: match action {
            Action::Lock => command::Action::Lock,
            Action::Unlock => command::Action::Unlock,
        },
        nonce_str: nonce.to_ascii_lowercase().into(),
        ts: since_1970().as_secs(),
        sign: format!("{:016x}", fastrand::u64(..)).into(),
    };
    let signed = match keys {
        Some(keys) => keys.sign(&id.lock.to_string(), command, SignDigits::Truncated),
        None => Ok(command),
    };
    // The fields keep the schema, so there is nothing that could be refused.
    signed
        .and_then(|command| command.to_payload())
        .unwrap_or_default()
}

/// A process id of 16 digits that no earlier run has used: microseconds since 1970, until 2286.
pub(crate) fn first_process_id() -> u64 {
    u64::try_from(since_1970().as_micros()).unwrap_or(u64::MAX)
}

fn since_1970() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const ID: MessageId = MessageId {
        lock: 10_083_618_796_833_171,
        process_id: 7_802_441_525_528_958,
    };
    const STATE: LockState = LockState {
        action: Action::Unlock,
        battery: 83.4,
    };

    /// Scenario: the documents' own example values.
    /// Guarantee: the documents' own bytes.
    #[test]
    fn payloads_are_those_of_the_documents() {
        assert_eq!(
            STATE.payload(ID),
            r#"{"process_id":"7802441525528958","action":"unlock","battery":83.4,"lock_state":1,"version":1.1,"client_id":"10083618796833171"}"#
        );
        let command = String::from_utf8(command(ID, Action::Unlock, None)).unwrap();
        let (start, rest) = command.split_at(72);
        assert_eq!(
            start,
            r#"{"process_id":"7802441525528958","action":"unlock","nonce_str":""#.to_owned()
                + &command[64..72]
        );
        assert!(
            rest.starts_with(r#"","ts":"#) && rest.ends_with(r#""}"#),
            "{rest}"
        );
        assert_eq!(first_process_id().to_string().len(), 16);
    }

    /// Scenario: a command is made with keys.
    /// Guarantee: an edge that has them lets it pass.
    #[test]
    fn commands_are_signed() {
        let line = command::new_key_line("simulation").unwrap();
        let ring = || KeyRing::parse(Path::new("keys"), line.as_bytes()).unwrap();
        let payload = command(ID, Action::Lock, Some(&ring()));
        let now_ms = u64::try_from(since_1970().as_millis()).unwrap();
        let verifier = command::Verifier::new(ring(), command::Limits::default());
        let verified = verifier.verify(&ID.lock.to_string(), &payload, now_ms);
        assert_eq!(verified.unwrap().command.action, command::Action::Lock);
    }

    /// Scenario: good and broken payloads meet the built-in contracts.
    /// Guarantee: the good are taken, the broken refused, and the process id stays where it was.
    #[test]
    fn the_contract_agrees() {
        let schema = schema::Schemas::builtin().unwrap();
        let valid = |name: &str, payload: &[u8]| schema.get(name).unwrap().check(payload).is_ok();
        assert!(valid("lock-state", STATE.payload(ID).as_bytes()));
        assert!(valid("lock-command", &command(ID, Action::Lock, None)));
        for breakage in Breakage::ALL {
            let payload = STATE.broken_payload(ID, breakage);
            assert!(!valid("lock-state", &payload), "{}", breakage.label());
            assert!(payload.starts_with(br#"{"process_id":"7802441525528958","#));
        }
    }
}
