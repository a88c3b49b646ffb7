//! Signed commands as a load: each claims a nonce.

use std::borrow::Cow;
use std::sync::Arc;

use command::{Action, Command, KeyRing, SignDigits};
use stage::now_ms;

/// Makes the commands of one lock. All have the same length.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    keys: Arc<KeyRing>,
    lock: String,
    run: u64,
}

impl Signed {
    pub(super) fn new(keys: Arc<KeyRing>, lock: u64, run: u64) -> Self {
        Self {
            keys,
            lock: lock.to_string(),
            run,
        }
    }

    /// The payload of one command, signed now.
    pub(super) fn payload(&self, sequence: u64) -> Vec<u8> {
        let id = format!("{:06}{sequence:010}", self.run);
        let command = Command {
            process_id: Cow::Borrowed(&id),
            action: Action::Unlock,
            nonce_str: Cow::Borrowed(&id),
            ts: now_ms() / 1000,
            sign: Cow::Borrowed(""),
        };
        // The fields keep the schema, so there is nothing that could be refused.
        let signed = self.keys.sign(&self.lock, command, SignDigits::Truncated);
        signed
            .and_then(|command| command.to_payload())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use command::{Limits, Verifier};

    use super::*;

    /// Scenario: two commands of a load are verified.
    /// Guarantee: both are good, have nonces of their own and the same length.
    #[test]
    fn commands_of_a_load_are_good() {
        let line = command::new_key_line("load").unwrap();
        let keys = Arc::new(KeyRing::parse(Path::new("keys"), line.as_bytes()).unwrap());
        let signed = Signed::new(Arc::clone(&keys), 20_000_000_000_000_007, 42);
        let keys = KeyRing::parse(Path::new("keys"), line.as_bytes()).unwrap();
        let verifier = Verifier::new(keys, Limits::default());
        let [first, second] = [1, 1_234_567_890].map(|sequence| signed.payload(sequence));
        let nonce = |payload: &[u8]| {
            let verified = verifier.verify("20000000000000007", payload, now_ms());
            verified.unwrap().command.nonce_str.into_owned()
        };
        assert_ne!(nonce(&first), nonce(&second));
        assert_eq!(first.len(), second.len());
    }
}
