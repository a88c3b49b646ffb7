//! Whether a payload is a command that may be obeyed now.

use std::time::Duration;

use record::Verdict;

use crate::command::Command;
use crate::key_ring::KeyRing;
use crate::sign::SignDigits;

/// How long a nonce is kept beyond the time in which its command passes: clocks of two edges differ.
const NONCE_MARGIN: Duration = Duration::from_mins(1);

/// What a command must keep to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How old a command may be. A longer window than before makes commands fresh again whose
    /// nonces are forgotten: let the difference pass before it is put in force.
    pub window: Duration,
    /// How far ahead the sender's clock may be.
    pub future: Duration,
    /// The fewest digits that a signature may have.
    pub sign_digits: SignDigits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: Duration::from_mins(5),
            future: Duration::from_secs(30),
            sign_digits: SignDigits::Truncated,
        }
    }
}

impl Limits {
    /// How long a claimed nonce must be kept: longer than its command can pass.
    pub fn nonce_ttl(&self) -> Duration {
        self.window
            .saturating_add(self.future)
            .saturating_add(NONCE_MARGIN)
    }

    /// [`Verdict::Stale`] or [`Verdict::Future`] for a time in seconds that is out of the window;
    /// both limits are still within. For a command that had to wait since it was verified.
    pub fn check_age(&self, ts: u64, now_ms: u64) -> Result<(), Verdict> {
        let made_ms = ts.saturating_mul(1000);
        if now_ms.saturating_sub(made_ms) > milliseconds(self.window) {
            return Err(Verdict::Stale);
        }
        if made_ms.saturating_sub(now_ms) > milliseconds(self.future) {
            return Err(Verdict::Future);
        }
        Ok(())
    }
}

/// A command that is signed and of the right age. Its nonce is not claimed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified<'a> {
    /// The command.
    pub command: Command<'a>,
    /// Id of the key under which it is signed.
    pub key_id: &'a str,
}

/// Verifies commands. Holds the keys; share it by `Arc`.
#[derive(Debug)]
pub struct Verifier {
    keys: KeyRing,
    limits: Limits,
}

impl Verifier {
    /// A verifier with these keys.
    pub fn new(keys: KeyRing, limits: Limits) -> Self {
        Self { keys, limits }
    }

    /// What commands must keep to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The keys.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Checks a payload for the lock with this client id, in this order: schema
    /// ([`Verdict::Malformed`]), signature ([`Verdict::BadSignature`]), age ([`Verdict::Stale`]),
    /// clock ([`Verdict::Future`]). `now_ms` is in milliseconds since 1970.
    ///
    /// What passes must still claim its nonce: see [`Nonces::claim`](crate::Nonces::claim).
    pub fn verify<'a>(
        &'a self,
        client_id: &str,
        payload: &'a [u8],
        now_ms: u64,
    ) -> Result<Verified<'a>, Verdict> {
        let command = Command::parse(payload).map_err(|_| Verdict::Malformed)?;
        let signer = self
            .keys
            .signer(client_id, &command, self.limits.sign_digits);
        let key_id = signer.ok_or(Verdict::BadSignature)?;
        self.limits.check_age(command.ts, now_ms)?;
        Ok(Verified { command, key_id })
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
