//! Keys in files.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::key::{CheckpointKey, KeyError, PublicKey};

impl CheckpointKey {
    /// Makes a new key: `file` holds it as PKCS#8 PEM and only its owner can read it (0600); the
    /// public half goes to `file.pub` as PEM. A file that is there already is never overwritten.
    pub fn create(file: &Path) -> Result<Self, KeyError> {
        let key = Self::generate()?;
        write_new(file, key.to_pem()?.as_bytes(), 0o600)?;
        write_new(
            &Self::public_file(file),
            key.public().to_pem()?.as_bytes(),
            0o644,
        )?;
        Ok(key)
    }

    /// Where [`create`](Self::create) puts the public half.
    pub fn public_file(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".pub");
        name.into()
    }

    /// Reads the key from a file: PKCS#8 PEM, or a seed of 64 lower-case hex digits.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let text = Zeroizing::new(read(file)?);
        Self::from_text(&text).map_err(|error| content(file, error))
    }
}

impl PublicKey {
    /// Reads the key from a file: PEM, or 64 lower-case hex digits.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        Self::from_text(&read(file)?).map_err(|error| content(file, error))
    }
}

fn read(file: &Path) -> Result<String, KeyError> {
    fs::read_to_string(file).map_err(|source| failed("read", file, source))
}

fn write_new(file: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options
        .open(file)
        .and_then(|mut open| open.write_all(bytes).and_then(|()| open.sync_all()))
        .map_err(|source| failed("make", file, source))
}

fn failed(action: &'static str, file: &Path, source: std::io::Error) -> KeyError {
    let file = file.to_owned();
    KeyError::File {
        action,
        file,
        source,
    }
}

fn content(file: &Path, error: KeyError) -> KeyError {
    KeyError::Content {
        file: file.to_owned(),
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Scenario: a key is made, both files are read, and a key is made once more at the same place.
    /// Guarantee: they fit each other, only the owner can read the private one, and the second is
    /// refused without harm to the first.
    #[test]
    fn keys_live_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.key");
        let key = CheckpointKey::create(&file).unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(CheckpointKey::read(&file).unwrap().id(), key.id());
        let public = CheckpointKey::public_file(&file);
        assert_eq!(&PublicKey::read(&public).unwrap(), key.public());
        let error = CheckpointKey::create(&file).unwrap_err().to_string();
        assert!(error.contains("audit.key"), "{error}");
        assert_eq!(CheckpointKey::read(&file).unwrap().id(), key.id());
        let error = CheckpointKey::read(&public).unwrap_err().to_string();
        assert!(
            error.contains("audit.key.pub: not an Ed25519 private"),
            "{error}"
        );
    }
}
