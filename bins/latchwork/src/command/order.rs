//! What a command says, from the command line.

use ::command::{Command, CommandError, KeyRing, SignDigits};

use stage::now_ms;

/// A lock and what it is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OrderArgs {
    /// The lock's client id.
    #[arg(value_name = "LOCK", value_parser = client_id)]
    pub(super) lock: String,
    /// What it is told.
    #[arg(value_name = "ACTION", value_parser = ["unlock", "lock"])]
    action: String,
    /// Name of the process that the command belongs to; 16 random digits otherwise.
    #[arg(long, value_name = "ID")]
    process_id: Option<String>,
    /// Nonce of your own: one that was used is refused as replayed; 128 random bits otherwise.
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// Time of the command in seconds since 1970: an old one is refused as stale; now otherwise.
    #[arg(long, value_name = "SECONDS")]
    ts: Option<u64>,
    /// Hexadecimal digits of the signature.
    #[arg(long, value_name = "16|64", default_value = "16", value_parser = digits)]
    digits: SignDigits,
}

impl OrderArgs {
    /// `devices/LOCK/command`.
    pub(super) fn topic(&self) -> String {
        format!("devices/{}/command", self.lock)
    }

    /// The command, signed.
    pub(super) fn signed(&self, keys: &KeyRing) -> Result<Command<'static>, CommandError> {
        let ts = self.ts.unwrap_or_else(|| now_ms() / 1000);
        let mut command = Command::fresh(self.action.parse()?, ts)?;
        if let Some(process_id) = &self.process_id {
            command.process_id = process_id.clone().into();
        }
        if let Some(nonce) = &self.nonce {
            command.nonce_str = nonce.clone().into();
        }
        keys.sign(&self.lock, command, self.digits)
    }
}

/// A client id that can be a level of a topic.
pub(super) fn client_id(text: &str) -> Result<String, String> {
    let forbidden = |character: char| matches!(character, '/' | '+' | '#' | '\0');
    if text.is_empty() || text.contains(forbidden) {
        return Err(
            "a lock's client id is one level of a topic: not empty, no `/`, `+`, `#`".into(),
        );
    }
    Ok(text.to_owned())
}

/// 16 or 64.
pub(super) fn digits(text: &str) -> Result<SignDigits, String> {
    let digits = text.parse().ok().and_then(SignDigits::from_digits);
    digits.ok_or_else(|| "a signature has 16 or 64 digits".into())
}
