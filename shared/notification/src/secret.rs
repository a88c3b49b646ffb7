//! Secrets from files.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// A file with more bytes than this holds no password; somebody named the wrong file.
const LIMIT: usize = 64 * 1024;

/// A password, token or key. Its memory is overwritten when it goes; `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a secret can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("secret file {path}: {source}; check its path and that this process may read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds nothing that could be a secret.
    #[error("secret file {path}: {fault}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: &'static str,
    },
}

impl Secret {
    /// The text of a file without the line end at its end.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let content = |fault| SecretError::Content {
            path: path.to_owned(),
            fault,
        };
        // Reserved at once: a text that grows would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LIMIT + 1));
        let read =
            File::open(path).and_then(|file| file.take(LIMIT as u64 + 1).read_to_string(&mut text));
        match read {
            Ok(length) if length > LIMIT => return Err(content("longer than 64 KiB")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(content("not UTF-8 text"));
            }
            Err(source) => {
                let path = path.to_owned();
                return Err(SecretError::Read { path, source });
            }
        }
        let line = text.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Err(content("empty"));
        }
        if line.contains(char::is_control) {
            return Err(content("more than one line, or control characters"));
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }

    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}
