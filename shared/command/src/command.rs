//! The five fields of a command, and what of them is signed.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// The end of the year 9999 in seconds since 1970: the limit of the schema `lock-command`.
const MAX_TS: u64 = 253_402_300_799;

/// Characters in a `process_id` or a `nonce_str`; the limit of the schema `lock-command`.
const MAX_CHARACTERS: usize = 128;

/// What a lock is told to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Action {
    /// Lock the door.
    Lock,
    /// Unlock the door.
    Unlock,
}

impl Action {
    /// `lock` or `unlock`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Unlock => "unlock",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "lock" => Ok(Self::Lock),
            "unlock" => Ok(Self::Unlock),
            _ => Err(CommandError::Action),
        }
    }
}

// serde's own reading of an enum takes `{"lock":null}` too; the schema knows the text only.
impl TryFrom<String> for Action {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Action> for &'static str {
    fn from(action: Action) -> Self {
        action.as_str()
    }
}

/// A command as it travels on `devices/{client_id}/command`.
///
/// Text is borrowed from the payload where it holds no escape.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command<'p> {
    /// Names the process that the command belongs to: 1 to 128 characters.
    #[serde(borrow)]
    pub process_id: Cow<'p, str>,
    /// What to do.
    pub action: Action,
    /// Used once: 1 to 128 visible ASCII characters.
    #[serde(borrow)]
    pub nonce_str: Cow<'p, str>,
    /// When it was made, in seconds since 1970; a JSON number without fraction or exponent.
    pub ts: u64,
    /// The signature: 16 or 64 lower-case hexadecimal digits; empty until it is signed.
    #[serde(borrow)]
    pub sign: Cow<'p, str>,
}

/// Why something is no command. Texts of [`CommandError::Json`] may quote the payload: make control
/// characters visible before they reach a terminal.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No JSON, a field too many, missing or twice, or a value of another type.
    #[error("not a command: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error(
        "not a command: it must be a JSON object with process_id, action, nonce_str, ts and sign"
    )]
    NoObject,
    /// `process_id` is empty or too long.
    #[error("process_id must have 1 to 128 characters")]
    ProcessId,
    /// `action` is neither.
    #[error("action must be lock or unlock")]
    Action,
    /// `nonce_str` is empty, too long or not visible ASCII.
    #[error("nonce_str must have 1 to 128 visible ASCII characters, without spaces")]
    Nonce,
    /// `ts` is later than the year 9999.
    #[error("ts must be in seconds since 1970, at most 253402300799; is this one in milliseconds?")]
    Ts,
    /// `sign` is of another length or has other digits.
    #[error("sign must be 16 or 64 lower-case hexadecimal digits")]
    Sign,
    /// HMAC or HKDF refused its key; a defect of this build.
    #[error("cannot compute a signature; this is a defect of this build")]
    Computation,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl<'p> Command<'p> {
    /// Reads a payload by the rules of the schema `lock-command`.
    pub fn parse(payload: &'p [u8]) -> Result<Self, CommandError> {
        // serde would read the five values from an array too.
        let first = payload.trim_ascii_start().first();
        if first != Some(&b'{') {
            return Err(CommandError::NoObject);
        }
        let command: Self = serde_json::from_slice(payload)?;
        command.check_signed_fields()?;
        let lower_case_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let whole_or_floor = matches!(command.sign.len(), 16 | 64);
        if !whole_or_floor || !command.sign.bytes().all(lower_case_digit) {
            return Err(CommandError::Sign);
        }
        Ok(command)
    }

    /// The payload: compact JSON.
    pub fn to_payload(&self) -> Result<Vec<u8>, CommandError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// What is signed, UTF-8 without a line feed at the end:
    ///
    /// ```text
    /// v1
    /// <client id>
    /// <process_id>
    /// <action>
    /// <nonce_str>
    /// <ts, decimal>
    /// ```
    ///
    /// No two commands for one lock share a canonical string, even when the process id holds line
    /// feeds: the last three lines hold none, and the client id is known, for it also chose the key.
    pub fn canonical(&self, client_id: &str) -> String {
        let Self {
            process_id,
            action,
            nonce_str,
            ts,
            sign: _,
        } = self;
        format!("v1\n{client_id}\n{process_id}\n{action}\n{nonce_str}\n{ts}")
    }

    /// The rules of the schema for everything but the signature.
    pub(crate) fn check_signed_fields(&self) -> Result<(), CommandError> {
        // Bytes first: counting characters of a long text costs time.
        let bytes = self.process_id.len();
        let fits = bytes <= 4 * MAX_CHARACTERS && self.process_id.chars().count() <= MAX_CHARACTERS;
        if bytes == 0 || !fits {
            return Err(CommandError::ProcessId);
        }
        let nonce = self.nonce_str.as_bytes();
        if !(1..=MAX_CHARACTERS).contains(&nonce.len()) || !nonce.iter().all(u8::is_ascii_graphic) {
            return Err(CommandError::Nonce);
        }
        if self.ts > MAX_TS {
            return Err(CommandError::Ts);
        }
        Ok(())
    }
}

impl Command<'static> {
    /// An unsigned command of now, with a process id of 16 digits and a nonce of 128 random bits.
    pub fn fresh(action: Action, ts: u64) -> Result<Self, CommandError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(CommandError::Random)?;
        let number = getrandom::u64().map_err(CommandError::Random)?;
        Ok(Self {
            process_id: format!("{:016}", number % 10_u64.pow(16)).into(),
            action,
            nonce_str: HEXLOWER.encode(&nonce).into(),
            ts,
            sign: Cow::Borrowed(""),
        })
    }
}
