//! The file of root keys.

use std::io;
use std::path::{Path, PathBuf};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::command::{Command, CommandError};
use crate::key::{KEY_BYTES, RootKey};
use crate::sign::SignDigits;

/// Environment variable with the path of the key file.
pub const KEYS_FILE_ENV: &str = "LATCHWORK_COMMAND_KEYS_FILE";

/// Longest key id: shorter than a key, so that no key is ever taken for an id and shown.
const MAX_ID: usize = 32;

/// Root keys by key id: the first one signs, all verify. So a key is rotated by putting the new one
/// on top, and taking the old one out when the age window has passed.
///
/// The file has one `<key id> <64 hex digits>` per line; `#` begins a comment. Each lock has a key
/// of its own: HKDF-SHA256 of the root key, without salt, with the info `latchwork lock command v1`,
/// then key id and client id, each behind its length in bytes (8 bytes, big-endian).
///
/// For key id `k1`, the root key `000102..1f` and the articles' command to lock
/// `10083618796833171`, the lock's key is
/// `07480290321533c726d59f7cbb7bc35c73665e98cbb0c3717fb16f854bbf29cd`, and the signature
/// `a79197e76a3ed7a9a0c92e024031e894def818b27bcc3f7569376f99d8b0062d`.
///
/// Keys are wiped from memory when the ring is dropped, and never shown.
#[derive(Debug)]
pub struct KeyRing {
    first: RootKey,
    others: Vec<RootKey>,
}

/// Why there is no key ring. Never quotes a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read.
    #[error(
        "cannot read the command keys in {}: {source}; name the file with --keys-file, keys_file \
         or LATCHWORK_COMMAND_KEYS_FILE",
        .file.display()
    )]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// No file is named.
    #[error(
        "commands are to be checked, but there are no keys: name their file in [commands] keys_file \
         or LATCHWORK_COMMAND_KEYS_FILE (`latchwork command keygen` makes one)"
    )]
    NotNamed,
    /// A line is wrong.
    #[error("{}, line {line}: {fault}", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        fault: KeyFault,
    },
    /// No line has a key.
    #[error(
        "{} holds no key; `latchwork command keygen` makes a line for it", .0.display()
    )]
    Empty(PathBuf),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// No key id.
    #[error(transparent)]
    Id(KeyFault),
}

/// What is wrong with a line of a key file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyFault {
    /// Something is missing or too much.
    #[error("a line is a key id, a space and 64 hexadecimal digits; `#` begins a comment")]
    Shape,
    /// No key id.
    #[error("a key id has 1 to 32 letters, digits, dots, dashes and underscores")]
    Id,
    /// No key.
    #[error("a key has 64 hexadecimal digits; `latchwork command keygen` makes one")]
    Key,
    /// The id names two keys.
    #[error("the key id `{0}` is there twice; give each key an id of its own")]
    Twice(String),
}

impl KeyRing {
    /// Reads a key file.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read(file).map_err(|source| KeyError::Read {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(file, &Zeroizing::new(text))
    }

    /// Reads the file that the settings name, or else the one that `LATCHWORK_COMMAND_KEYS_FILE`
    /// names.
    pub fn configured(file: Option<&Path>) -> Result<Self, KeyError> {
        let by_environment = || std::env::var_os(KEYS_FILE_ENV).filter(|file| !file.is_empty());
        match file {
            Some(file) => Self::read(file),
            None => Self::read(Path::new(&by_environment().ok_or(KeyError::NotNamed)?)),
        }
    }

    /// Reads the text of a key file; its name is for errors.
    pub fn parse(file: &Path, text: &[u8]) -> Result<Self, KeyError> {
        let mut keys: Vec<RootKey> = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let fault = |fault| KeyError::Line {
                file: file.to_owned(),
                line: index + 1,
                fault,
            };
            let Some(key) = read_line(line).map_err(fault)? else {
                continue;
            };
            if keys.iter().any(|known| known.id == key.id) {
                return Err(fault(KeyFault::Twice(key.id)));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        match keys.next() {
            Some(first) => Ok(Self {
                first,
                others: keys.collect(),
            }),
            None => Err(KeyError::Empty(file.to_owned())),
        }
    }

    /// Id of the key that signs.
    pub fn signing_key_id(&self) -> &str {
        &self.first.id
    }

    /// Ids of all keys, the one that signs first.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys().map(|key| key.id.as_str())
    }

    /// Signs a command for a lock: gives it with its `sign` set. Refuses fields that break the
    /// schema.
    pub fn sign<'p>(
        &self,
        client_id: &str,
        command: Command<'p>,
        digits: SignDigits,
    ) -> Result<Command<'p>, CommandError> {
        command.check_signed_fields()?;
        let canonical = command.canonical(client_id);
        let key = self.first.lock_key(client_id);
        let sign = key.and_then(|key| key.sign(&canonical, digits));
        Ok(Command {
            sign: sign.ok_or(CommandError::Computation)?.into(),
            ..command
        })
    }

    /// Id of the key under which a command for a lock is signed; `None` when it is signed under
    /// none, or with fewer digits than the least.
    pub(crate) fn signer(
        &self,
        client_id: &str,
        command: &Command<'_>,
        least: SignDigits,
    ) -> Option<&str> {
        let canonical = command.canonical(client_id);
        let signed_under = |root: &&RootKey| {
            let key = root.lock_key(client_id);
            key.is_some_and(|key| key.accepts(&canonical, &command.sign, least))
        };
        self.keys().find(signed_under).map(|root| root.id.as_str())
    }

    fn keys(&self) -> impl Iterator<Item = &RootKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A line for a key file, with a new random key and without a line feed.
pub fn new_key_line(key_id: &str) -> Result<Zeroizing<String>, KeyError> {
    if !is_id(key_id) {
        return Err(KeyError::Id(KeyFault::Id));
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).map_err(KeyError::Random)?;
    let digits = Zeroizing::new(HEXLOWER.encode(key.as_slice()));
    Ok(Zeroizing::new(format!("{key_id} {}", digits.as_str())))
}

/// A line's key; `None` when it holds nothing but a comment.
fn read_line(line: &[u8]) -> Result<Option<RootKey>, KeyFault> {
    let content = line.split(|byte| *byte == b'#').next().unwrap_or_default();
    let content = std::str::from_utf8(content).map_err(|_| KeyFault::Shape)?;
    let mut words = content.split_ascii_whitespace();
    let Some(id) = words.next() else {
        return Ok(None);
    };
    let (Some(digits), None) = (words.next(), words.next()) else {
        return Err(KeyFault::Shape);
    };
    if !is_id(id) {
        return Err(KeyFault::Id);
    }
    if digits.len() != 2 * KEY_BYTES {
        return Err(KeyFault::Key);
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let decoded = HEXLOWER_PERMISSIVE.decode_mut(digits.as_bytes(), key.as_mut_slice());
    decoded.map_err(|_| KeyFault::Key)?;
    Ok(Some(RootKey {
        id: id.to_owned(),
        key,
    }))
}

fn is_id(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(legal)
}
